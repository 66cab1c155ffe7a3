"""Shared Voicemail in Chromium: the known procedure, by keyboard, without script, on a phone, in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.support.api import PIN, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see

_API = "/api/v1"


async def fill_tenant(site: Api) -> None:
    """Make mailboxes with messages, and a group whose calls end in one of them."""
    async with site.client(await site.token()) as client:
        for number, name in (("8001", "Sales"), ("8002", "Support in the evening"), ("8003", "Workshop")):
            made = await client.post(
                f"{_API}/mailboxes",
                json={"number": number, "display_name": name, "pin": PIN, "enabled": number != "8003"},
            )
            assert made.status_code == 201, made.text
        await client.post(f"{_API}/extensions", json={"number": "101", "display_name": "Alice"})
        group = {
            "number": "6100",
            "display_name": "Counter",
            "members": ["101"],
            "no_answer": {"action": "forward_to_number", "number": "8001"},
        }
        made = await client.post(f"{_API}/ring-groups", json=group)
        assert made.status_code == 201, made.text
    for number in ("8001", "8001", "8002"):
        await site.message(number)


async def fill_known_fields(page: Page) -> None:
    """Fill in the seven fields that every phone system of this kind has."""
    await page.get_by_label("Extension Number").fill("8100")
    await page.get_by_label("Display Name").fill("Sales")
    await page.get_by_label("Prompt Language").select_option("en")
    await page.get_by_label("PIN Number").fill("274951")
    await page.get_by_label("Email", exact=True).fill("sales@example.com, night@example.com")
    await page.get_by_label("Voicemail PIN Authentication").check()
    await page.get_by_label("Send email when receiving a voicemail").check()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_known_procedure(signed_in: OpenPage, site: Api, script: bool) -> None:
    """Shared Voicemail > Add, the seven fields, save; select and Edit, change, save; select and Delete."""
    page = await signed_in(java_script_enabled=script)
    await page.get_by_role("main").get_by_role("link", name="Add mailbox").first.click()
    await fill_known_fields(page)
    await page.get_by_role("button", name="Add mailbox", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("The mailbox 8100 “Sales” is there.")
    await page.get_by_role("radio", name="Select Sales (8100)").check()
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Display Name").fill("Sales team")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sales team 8100")
    (row,) = site.rows("SELECT display_name, email_recipients, email_notification, language FROM mailboxes")
    await page.goto("/portal/mailboxes")
    await page.get_by_role("radio", name="Select Sales team (8100)").check()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete mailbox").click()

    await expect(page.get_by_role("heading", level=2, name="No Shared Voicemail yet")).to_be_visible()
    assert {
        "display_name": "Sales team",
        "email_recipients": ["sales@example.com", "night@example.com"],
        "email_notification": True,
        "language": "en",
    } == row


async def test_list_by_keyboard(signed_in: OpenPage, site: Api) -> None:
    """Arrows select a mailbox, and Enter opens it."""
    await fill_tenant(site)
    page = await signed_in()
    await page.get_by_role("searchbox").focus()
    while await page.evaluate("document.activeElement.type") != "radio":
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Support in the evening 8002")


async def test_list_by_mouse_and_search(signed_in: OpenPage, site: Api) -> None:
    """Typing narrows the list without a button, the address keeps what was typed, a double click opens."""
    await fill_tenant(site)
    page = await signed_in()
    await page.get_by_role("searchbox").press_sequentially("sales")
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.locator("#found")).to_have_text("1 mailbox found")
    await page.wait_for_url("**/portal/mailboxes?q=sales")
    await page.reload()
    await page.get_by_role("cell", name="8001", exact=True).dblclick()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Sales 8001")


async def test_fields_are_checked_as_one_types(signed_in: OpenPage, site: Api) -> None:
    """Who has the number, what is wrong with the PIN, which address is none: said before anything is sent."""
    await fill_tenant(site)
    page = await signed_in("/portal/mailboxes/add")
    number, pin = page.get_by_label("Extension Number"), page.get_by_label("PIN Number")
    await number.press_sequentially("6100")
    await expect(page.locator("#number-told")).to_have_text(
        "6100 belongs to “Counter” (Ring Group). Choose another number."
    )
    await expect(number).to_have_attribute("aria-invalid", "true")
    await number.fill("8005")
    await expect(page.locator("#number-told")).to_have_text("8005 is free.")
    await expect(number).not_to_have_attribute("aria-invalid", "true")
    await pin.press_sequentially("1234")
    await expect(page.locator("#pin-told")).to_contain_text("runs up or down")
    await page.get_by_role("button", name="Make a PIN").click()
    await expect(page.locator("#pin-told")).to_contain_text("A new PIN, made by chance.")
    made = await pin.input_value()
    await page.locator("#email_recipients").press_sequentially("sales@")
    await expect(page.locator("#email_recipients-told")).to_contain_text("“sales@” is not a mail address")

    assert (6, True, "8005") == (len(made), made.isdigit(), await number.input_value())


_PAGES = {
    "list": "/portal/mailboxes",
    "none-found": "/portal/mailboxes?q=nothing",
    "add": "/portal/mailboxes/add",
    "settings": "/portal/mailboxes/8001",
    "delete": "/portal/mailboxes/8001/delete",
}


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_pages_look_right(
    signed_in: OpenPage, site: Api, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing, in each size and colour scheme."""
    await fill_tenant(site)
    page = await signed_in(viewport=size, color_scheme=scheme)
    found = {}
    for name, path in _PAGES.items():
        await page.goto(path)
        if name == "add":
            await page.get_by_label("PIN Number").fill("1234")
            await page.locator("summary").click()
            await page.get_by_role("button", name="Add a greeting").click()
            await page.locator("#source_greetings-0-source").fill("6100")
            await page.get_by_role("button", name="Add mailbox", exact=True).click()
            # A click does not wait for the page that it opens.
            await expect(page.get_by_role("alert")).to_be_visible()
        if name == "list":
            await page.get_by_role("radio").first.check()
        await page.screenshot(
            path=pictures / f"mailboxes-{name}-{size['width']}-{scheme}.png", full_page=True
        )
        found[name] = (await axe(page), await faults_to_see(page))

    assert dict.fromkeys(_PAGES, ([], [])) == found


async def test_second_admin_is_told_who_was_first(signed_in: OpenPage, site: Api, pictures: Path) -> None:
    """What both changed is in the form; nothing that was typed is lost."""
    await fill_tenant(site)
    page = await signed_in("/portal/mailboxes/8001", java_script_enabled=False)
    async with site.client(await site.token()) as program:
        await program.patch(f"{_API}/mailboxes/8001", json={"email_recipients": ["sales@example.com"]})
    await page.get_by_label("Display Name").fill("Sales team")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("A program with the token “tests” was first")
    await page.screenshot(path=pictures / "mailboxes-clash-1440-light.png", full_page=True)
    await expect(page.get_by_label("Display Name")).to_have_value("Sales team")
    await expect(page.locator("#email_recipients")).to_have_value("sales@example.com")
    await page.get_by_role("button", name="Save", exact=True).click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Sales team 8001")
    (row,) = site.rows("SELECT display_name, email_recipients FROM mailboxes WHERE number = '8001'")
    assert {"display_name": "Sales team", "email_recipients": ["sales@example.com"]} == row
