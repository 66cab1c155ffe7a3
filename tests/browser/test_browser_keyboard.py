"""Whole procedures by Tab, Enter, Space, Escape and arrows alone: one always sees where one is."""

from __future__ import annotations

from typing import Any

from controlplane.services.publishing import publish
from playwright.async_api import Page, expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import OpenPage
from tests.support.greetings import humming, speaking
from tests.support.keyboard import skip_to_main, tab_to, where
from tests.support.members import make_member

_API = "/api/v1"
_FILLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("mailboxes", {**MAILBOX, "display_name": "Sales"}),
    ("mailboxes", {**MAILBOX, "number": "8002", "display_name": "Support"}),
    ("extensions", {"number": "101", "display_name": "Alice Adams"}),
    ("virtual-receptionists", {"number": "6000", "display_name": "Main number"}),
    ("office-hours", {"name": "default", "week": {}}),
)


async def _fill_tenant(site: Api) -> None:
    async with site.client(await site.token()) as client:
        for path, body in _FILLED:
            made = await client.post(f"{_API}/{path}", json=body)
            assert made.status_code == 201, made.text


async def _press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def _said(page: Page, words: str) -> None:
    await expect(page.get_by_role("status").first).to_contain_text(words)


async def test_queue_and_key_are_set_by_keys_alone(signed_in: OpenPage, site: Api) -> None:
    """A call queue is added, its destination picked in the dialog; a key of a receptionist leads there."""
    await _fill_tenant(site)
    page = await signed_in("/portal/call-queues")
    await skip_to_main(page)
    await tab_to(page, "Add call queue")
    await _press(page, "Enter")
    await page.wait_for_url("**/add")
    await skip_to_main(page)
    await tab_to(page, "Extension Number")
    await page.keyboard.type("6200")
    await tab_to(page, "Display Name")
    await page.keyboard.type("IT desk")
    await tab_to(page, "Destination if no answer: what happens")
    await page.keyboard.type("Forward to N")
    await tab_to(page, "Choose… Destination if no answer")
    await _press(page, "Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    assert "Search by number or name" == await where(page)
    await _press(page, "Escape")
    assert "Choose… Destination if no answer" == await where(page)
    await _press(page, "Enter")
    await expect(dialog).to_be_visible()
    async with page.expect_response("**/destinations?*pick-q=supp*"):
        await page.keyboard.type("supp")
    await expect(page.locator("#choices tbody tr")).to_have_count(1)
    await tab_to(page, "Select Support (8002)")
    await _press(page, "Space", "Enter")
    await expect(dialog).to_be_hidden()
    assert "Destination if no answer" == await where(page)
    await tab_to(page, "Add call queue")
    await _press(page, "Enter")
    await _said(page, "IT desk")
    await page.goto("/portal/virtual-receptionists/6000")
    await skip_to_main(page)
    await tab_to(page, "Key 2: not in use")
    await _press(page, "Enter")
    await page.wait_for_url("**/keys/2")
    await skip_to_main(page)
    await tab_to(page, "Destination: what happens")
    await page.keyboard.type("Forward to N")
    await tab_to(page, "Destination")
    await page.keyboard.type("6200")
    await _press(page, "Enter")
    await _said(page, "Key 2 of Main number is saved.")

    settings = [
        each["settings"] for each in site.rows("SELECT settings FROM routing_objects ORDER BY number")
    ]
    to_support = {"action": "forward_to_number", "number": "8002"}
    assert to_support in [each.get("no_answer") for each in settings]
    assert ["2"] == [key["keys"] for each in settings for key in each.get("keys", ())]


async def test_hours_members_and_greetings_by_keys_alone(signed_in: OpenPage, site: Api) -> None:
    """Office hours are changed, a member gets two rights, and a greeting is written, tried and used."""
    await _fill_tenant(site)
    await make_member(site, "mia")
    page = await signed_in("/portal/office-hours/default")
    await skip_to_main(page)
    await tab_to(page, "Monday")
    await page.keyboard.type("8-12, 13-17:30")
    await expect(page.locator("#week-monday-bars rect.open")).to_have_count(2)
    assert "Monday" == await where(page)
    await tab_to(page, "Save")
    await _press(page, "Enter")
    await _said(page, "default is saved.")
    await page.goto("/portal/mailboxes/8001/members")
    await skip_to_main(page)
    await tab_to(page, "Person or team")
    await page.keyboard.type("Mia")
    await tab_to(page, "Download")
    await _press(page, "Space")
    await tab_to(page, "Add member")
    await _press(page, "Space")
    await _said(page, "Mia is a member now.")
    await page.goto("/portal/mailboxes/8001/greetings")
    await skip_to_main(page)
    await tab_to(page, "Change")
    await _press(page, "Enter")
    await page.wait_for_url("**/change")
    await skip_to_main(page)
    await tab_to(page, "What is said")
    await page.keyboard.type("We are all at lunch.")
    await tab_to(page, "Listen first")
    async with speaking(site.deps.db, humming(site.deps.spool.parent / "spoken")):
        await _press(page, "Enter")
        await page.wait_for_url("**/try/*")
        await skip_to_main(page)
        await tab_to(page, "The greeting as callers will hear it")
        await tab_to(page, "Use this greeting")
        await _press(page, "Enter")
        await _said(page, "Callers hear the new greeting within a moment.")

    (box,) = site.rows("SELECT greeting FROM mailboxes WHERE number = '8001'")
    (member,) = site.rows("SELECT rights FROM mailbox_members")
    assert ("We are all at lunch.", True) == (box["greeting"], "download" in str(member["rights"]))


async def test_changes_are_tried_and_applied_by_keys_alone(signed_in: OpenPage, site: Api) -> None:
    """The simulator answers; changes are applied, and one goes on by keys while the page renews itself."""
    await _fill_tenant(site)
    async with site.client(await site.token()) as client:
        await publish(site.deps.publisher)
        await client.patch(f"{_API}/configuration", json={"mode": "manual"})
        await client.post(f"{_API}/ring-groups", json={"number": "6100", "display_name": "Counter"})
    page = await signed_in("/portal/simulator")
    await skip_to_main(page)
    await tab_to(page, "Number dialled")
    await page.keyboard.type("8001")
    await tab_to(page, "More")
    await _press(page, "Enter")
    await tab_to(page, "Number of the caller")
    await page.keyboard.type("101")
    await tab_to(page, "Try it")
    await _press(page, "Enter")
    await expect(page.locator("#way")).to_contain_text("leaves a message in the mailbox 8001")
    # The answer is where one goes on.
    await tab_to(page, "Sales")
    await page.goto("/portal/publishing")
    await skip_to_main(page)
    await tab_to(page, "Apply changes")
    await _press(page, "Enter")
    await expect(page.get_by_role("heading", name="Changes are being applied")).to_be_visible()
    await skip_to_main(page)
    await tab_to(page, "Revision 1")
    await publish(site.deps.publisher, by="user alice", waiting=None)
    # Looked at last: it takes the job away, by which an open page knows that somebody asked.
    assert "configuration.publish_by_hand" in [name for name, _ in site.jobs()]
    await expect(page.locator("#progress")).to_contain_text("Everything is applied.")
    await tab_to(page, "Save")

    await expect(page.locator("#waiting li")).to_have_count(0)
