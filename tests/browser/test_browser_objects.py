"""Call queues, ring groups and extensions in Chromium: the known procedures, by dialog and without script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.support.api import PIN, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see

_API = "/api/v1"
_TO_SALES = {"action": "forward_to_number", "number": "8001"}
_OWN = {"action": "forward_to_voicemail", "number": None}
_FILLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("mailboxes", {"number": "8001", "display_name": "Sales", "pin": PIN}),
    ("mailboxes", {"number": "8002", "display_name": "Support in the evening", "pin": PIN}),
    ("extensions", {"number": "101", "display_name": "Alice Adams"}),
    ("extensions", {"number": "102", "display_name": "Bob"}),
    ("extensions", {"number": "103", "display_name": "Carol of the workshop"}),
    (
        "ring-groups",
        {"number": "6100", "display_name": "Counter", "members": ["101"], "no_answer": _TO_SALES},
    ),
    ("call-queues", {"number": "6200", "display_name": "IT support", "agents": ["101", "102"]}),
)


async def fill_tenant(site: Api) -> None:
    """Make what calls can go to, and an extension with rules."""
    async with site.client(await site.token()) as client:
        for path, body in _FILLED:
            made = await client.post(f"{_API}/{path}", json=body)
            assert made.status_code == 201, made.text
        rules = {
            "mailbox": "8001",
            "no_answer": {"office_hours": _OWN, "outside_hours": _TO_SALES, "holidays": None},
            "exceptions": [
                {"caller": "49301234*", "destination": _TO_SALES, "when": "office_hours"},
                {"caller": "102", "destination": {"action": "ring", "number": None}, "when": "always"},
            ],
        }
        made = await client.put(f"{_API}/extensions/101/rules", json=rules)
        assert made.status_code == 200, made.text


async def queue(site: Api) -> dict[str, Any]:
    """Return the settings of the queue that are not as they come."""
    (row,) = site.rows("SELECT settings FROM routing_objects WHERE number = '6200'")
    return dict(row["settings"])


async def choose_support(page: Page) -> None:
    """In the list of what calls can go to: the type, the search, the number, OK."""
    await page.get_by_label("Type").select_option("mailbox")
    search = page.get_by_role("searchbox", name="Search by number or name")
    await search.fill("supp")
    await search.press("Enter")
    await expect(page.locator("#choices tbody tr")).to_have_count(1)
    await page.get_by_label("Select Support in the evening (8002)").check()
    await page.get_by_role("button", name="OK").click()


async def test_destination_by_dialog(signed_in: OpenPage, site: Api) -> None:
    """Call Queue > Destination if no answer > Forward to Number > type, search, number, name > OK > Save."""
    await fill_tenant(site)
    page = await signed_in("/portal/call-queues")
    await page.get_by_role("radio", name="Select IT support (6200)").check()
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Display Name").fill("IT desk")
    place = page.get_by_role("group", name="Destination if no answer", exact=True)
    await place.get_by_role("combobox").select_option(label="Forward to Number")
    await place.get_by_role("button", name="Choose…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await page.get_by_label("Type").select_option("mailbox")
    await expect(page.locator("#choices tbody tr")).to_have_count(2)
    # The list follows each key: the last one's answer is what to choose from.
    async with page.expect_response("**/destinations?*pick-q=supp*"):
        await page.get_by_role("searchbox", name="Search by number or name").press_sequentially("supp")
    await expect(page.locator("#choices tbody tr")).to_have_count(1)
    await page.get_by_label("Select Support in the evening (8002)").check()
    await page.get_by_role("button", name="OK").click()
    await expect(dialog).to_be_hidden()
    number = place.get_by_role("textbox", name="Destination if no answer")
    await expect(number).to_be_focused()
    await expect(number).to_have_value("8002")
    await expect(place).to_contain_text("Shared Voicemail “Support in the evening”")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("IT desk is saved.")

    assert {"action": "forward_to_number", "number": "8002"} == (await queue(site))["no_answer"]


async def test_destination_without_script(signed_in: OpenPage, site: Api) -> None:
    """The same on a page of its own, after which everything that was typed is still there."""
    await fill_tenant(site)
    page = await signed_in("/portal/call-queues/6200", java_script_enabled=False)
    await page.get_by_label("Display Name").fill("IT desk")
    place = page.get_by_role("group", name="Destination if no answer", exact=True)
    await place.get_by_role("combobox").select_option(label="Forward to Number")
    await place.get_by_role("button", name="Choose…").click()
    await choose_support(page)
    await expect(page.get_by_label("Display Name")).to_have_value("IT desk")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("IT desk 6200")

    assert {"action": "forward_to_number", "number": "8002"} == (await queue(site))["no_answer"]


async def test_agents_by_keyboard(signed_in: OpenPage, site: Api) -> None:
    """Agents are chosen several at once, moved and removed, and the form keeps what else was typed."""
    await fill_tenant(site)
    page = await signed_in("/portal/call-queues/6200")
    await page.get_by_label("Display Name").fill("IT desk")
    await page.get_by_role("button", name="Move Bob (102) up").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#agents li").first).to_contain_text("Bob")
    await page.get_by_role("button", name="Choose… Agents").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Select Carol of the workshop (103)").focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.locator("#agents li")).to_have_count(3)
    await page.get_by_role("button", name="Remove Alice Adams (101)").press("Enter")
    await expect(page.locator("#agents li")).to_have_count(2)
    await page.get_by_label("Display Name").press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("IT desk is saved.")

    assert ["102", "103"] == (await queue(site))["agents"]


_PAGES = {
    "queues": "/portal/call-queues",
    "queue": "/portal/call-queues/6200",
    "group-add": "/portal/ring-groups/add",
    "group-delete": "/portal/extensions/101/delete",
    "extensions": "/portal/extensions",
    "extension": "/portal/extensions/101",
    "exceptions": "/portal/extensions/101/exceptions",
    "exception": "/portal/extensions/101/exceptions/1",
    "picker": "/portal/ring-groups/6100",
    "dialog": "/portal/ring-groups/6100",
}


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_pages_look_right(
    signed_in: OpenPage, site: Api, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing, narrow and wide, dark and light."""
    await fill_tenant(site)
    page = await signed_in(viewport=size, color_scheme=scheme)
    found = {}
    for name, path in _PAGES.items():
        await page.goto(path)
        if name in {"queue", "extension"}:
            await page.locator("details.more > summary").click()
        if name == "group-add":
            await page.get_by_label("Ring duration, in seconds").fill("1")
            await page.locator("#members-next").fill("8001 999")
            await page.get_by_role("button", name="Add ring group").click()
            await expect(page.get_by_role("alert")).to_be_visible()
        if name == "picker":
            # As without script: the button is pressed, and no dialog opens.
            await page.evaluate("document.getElementById('no_answer-pick').classList.remove('pick')")
        if name in {"picker", "dialog"}:
            await page.locator("#no_answer-pick").click()
            await expect(page.locator("#choices tr").first).to_be_visible()
        await page.screenshot(
            path=pictures / f"objects-{name}-{size['width']}-{scheme}.png", full_page=name != "dialog"
        )
        found[name] = (await axe(page), await faults_to_see(page))

    assert dict.fromkeys(_PAGES, ([], [])) == found
