"""Office hours, feature codes, trunks, receptionists and inbound rules in Chromium: the known procedures."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from playwright.async_api import Page, expect
from tests.support.api import PIN, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see

_API = "/api/v1"
_NINE = [{"start": "09:00", "end": "12:30"}, {"start": "13:30", "end": "17:00"}]
_WEEK: dict[str, Any] = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday"), _NINE) | {
    "friday": [{"start": "09:00", "end": "14:00"}]
}
_HOLIDAYS = [
    {"name": "Christmas", "first_day": "2026-12-25", "last_day": "2026-12-26", "every_year": True},
    {"name": "New Year", "first_day": "2026-01-01", "last_day": "2026-01-01", "every_year": True},
    {"name": "Inventory", "first_day": "2031-03-02", "last_day": "2031-03-03"},
]
_TO_8001 = {"action": "forward_to_number", "number": "8001"}


async def fill_tenant(site: Api) -> None:
    """Make a mailbox, an extension, office hours, a trunk, a receptionist and a rule."""
    key = {"keys": "5", "destination": {"office_hours": _TO_8001}}
    to_101 = {"action": "forward_to_number", "number": "101"}
    one = {"keys": "1", "destination": {"office_hours": to_101, "outside_hours": _TO_8001}}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("mailboxes", {"number": "8001", "display_name": "Sales after hours", "pin": PIN}),
        ("extensions", {"number": "101", "display_name": "Alice Adams"}),
        ("office-hours", {"name": "default", "week": _WEEK, "holidays": _HOLIDAYS}),
        ("office-hours", {"name": "workshop", "holidays": _HOLIDAYS[:1], "closed_now": True}),
        (
            "virtual-receptionists",
            {"number": "6000", "display_name": "Main number", "keys": [one, key, {**key, "keys": "21"}]},
        ),
        (
            "inbound-rules",
            {
                "name": "main-number",
                "dids": ["+4930123400", "4930123410-4930123419"],
                "destination": {"office_hours": {"action": "forward_to_number", "number": "6000"}},
                "office_hours": "workshop",
            },
        ),
        ("inbound-rules", {"name": "fax", "dids": ["+4930123499"], "destination": key["destination"]}),
    ]
    async with site.client(await site.token()) as client:
        for path, body in bodies:
            made = await client.post(f"{_API}/{path}", json=body)
            assert made.status_code == 201, made.text
    async with site.client(await site.token(None)) as system:
        account = {"host": "sip.example.com", "username": "company", "password": "k7#mQz-2vRt"}
        made = await system.post(f"{_API}/trunks", json={"name": "provider", **account})
        await system.post(f"{_API}/trunks", json={"name": "backup", "addresses": ["192.0.2.10"]})
    state = Registration(state=TrunkState.REGISTERED, said="REGED")
    site.switch.registered = {UUID(made.json()["id"]): state}


async def choose(page: Page, number: str) -> None:
    """Choose a number on the open picker, in a dialog or on a page."""
    await page.get_by_role("radio", name=number).check()
    await page.get_by_role("button", name="OK", exact=True).click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_key_two_leads_to_a_mailbox(signed_in: OpenPage, site: Api, script: bool) -> None:
    """Call Manager > Virtual Receptionists > Main number > key 2 > Forward to Number > 8001 > OK > Save."""
    await fill_tenant(site)
    page = await signed_in(java_script_enabled=script)
    await page.get_by_role("link", name="Virtual Receptionists").click()
    await page.get_by_role("link", name="Main number").click()
    await page.get_by_role("link", name="Key 2: not in use").click()
    await page.get_by_label("Destination: what happens").first.select_option("forward_to_number")
    await page.get_by_role("button", name="Choose… Destination", exact=True).click()
    await choose(page, "8001")
    await page.get_by_role("button", name="Save", exact=True).click()

    await expect(page.get_by_role("status").first).to_contain_text("Key 2 of Main number is saved.")
    await expect(page.get_by_role("link", name="Key 2: Sales after hours")).to_be_visible()


async def test_number_goes_to_the_mailbox_out_of_office_hours(signed_in: OpenPage, site: Api) -> None:
    """Call Manager > Inbound Rules > Add: the DID rings at the receptionist, outside hours the mailbox."""
    await fill_tenant(site)
    page = await signed_in()
    await page.get_by_role("link", name="Inbound Rules").click()
    await page.get_by_role("main").get_by_role("link", name="Add inbound rule").click()
    await page.get_by_label("Name", exact=True).fill("evening")
    await page.get_by_label("Dialled numbers (DID)").fill("+4930555")
    await page.get_by_label("Call Forward Destination: what happens").select_option("forward_to_number")
    await page.locator("#destination-office_hours-number").fill("6000")
    await page.get_by_text("Other destinations outside office hours").click()
    await page.locator("#destination-outside_hours-action").select_option("forward_to_number")
    await page.locator("#destination-outside_hours-number").fill("8001")
    await page.get_by_role("main").get_by_role("button", name="Add inbound rule").click()
    await expect(page.get_by_role("status").first).to_contain_text("evening")
    async with site.client(await site.token()) as client:
        rule = (await client.get(f"{_API}/inbound-rules/evening")).json()

    assert (["+4930555"], "6000", "8001") == (
        rule["dids"],
        rule["destination"]["office_hours"]["number"],
        rule["destination"]["outside_hours"]["number"],
    )


async def test_picture_of_the_week_follows_what_is_typed(signed_in: OpenPage, site: Api) -> None:
    """Before anything is saved; what is no time is told beside the day."""
    await fill_tenant(site)
    page = await signed_in("/portal/office-hours/default")
    await page.get_by_label("Saturday").press_sequentially("8-12, 14-16")
    await expect(page.locator("#week-saturday-bars rect.open")).to_have_count(2)
    await page.get_by_label("Saturday").fill("8-12, 10-16")
    await expect(page.locator("#week-saturday-told")).to_contain_text("do not overlap")
    await page.get_by_label("Saturday").fill("10-14")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("default is saved.")
    (row,) = site.rows(
        "SELECT settings->'week'->'saturday' AS day FROM routing_objects WHERE name = 'default'"
    )

    assert [{"start": "10:00:00", "end": "14:00:00"}] == row["day"]


async def test_state_of_a_trunk_changes_on_an_open_page(signed_in: OpenPage, site: Api) -> None:
    """The page asks again by itself; here somebody makes it ask at once."""
    await fill_tenant(site)
    page = await signed_in("/portal/trunks/provider")
    await expect(page.locator("#state")).to_contain_text("Registered")
    (trunk_id,) = site.switch.registered
    site.switch.registered = {
        trunk_id: Registration(state=TrunkState.FAILED, said="FAILED", retry_seconds=30)
    }
    await page.evaluate(
        "htmx.ajax('GET', location.pathname + '/state', "
        "{target: '#state', swap: 'outerHTML', select: '#state'})"
    )

    await expect(page.locator("#state")).to_contain_text("Not registered")
    await expect(page.locator("#state")).to_contain_text("It tries again within 30 seconds.")


async def test_states_of_trunks_change_in_an_open_list(signed_in: OpenPage, site: Api) -> None:
    """By themselves, while it is looked at; what is selected stays selected, and the focus where it is."""
    await fill_tenant(site)
    page = await signed_in()
    await page.clock.install()
    await page.goto("/portal/trunks")
    row = page.get_by_role("row", name="Select provider")
    await expect(row).to_contain_text("Registered")
    chosen = page.get_by_role("radio", name="Select provider")
    await chosen.check()
    (trunk_id,) = site.switch.registered
    site.switch.registered = {trunk_id: Registration(state=TrunkState.FAILED, said="FAILED")}
    await page.clock.run_for(6_000)

    await expect(row).to_contain_text("Not registered")
    await expect(chosen).to_be_checked()
    await expect(chosen).to_be_focused()


_PAGES = {
    "office-hours": "/portal/office-hours",
    "office-hours-one": "/portal/office-hours/default",
    "holidays": "/portal/office-hours/default/holidays",
    "office-hours-delete": "/portal/office-hours/workshop/delete",
    "feature-codes": "/portal/feature-codes",
    "trunks": "/portal/trunks",
    "trunk": "/portal/trunks/provider",
    "receptionists": "/portal/virtual-receptionists",
    "receptionist": "/portal/virtual-receptionists/6000",
    "key": "/portal/virtual-receptionists/6000/keys/1",
    "inbound-rules": "/portal/inbound-rules",
    "inbound-rule": "/portal/inbound-rules/main-number",
}


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": NARROW, "color_scheme": "light", "locale": "de-DE"},
        {"viewport": WIDE, "color_scheme": "dark", "locale": "en-GB"},
    ],
    ids=["360-light-de", "1440-dark-en"],
)
async def test_pages_look_right(signed_in: OpenPage, site: Api, pictures: Path, look: dict[str, Any]) -> None:
    """Nothing is cut off or too small, axe-core finds nothing, and no page is heavy."""
    await fill_tenant(site)
    page = await signed_in(**look)
    found = {}
    for name, path in _PAGES.items():
        answer = await page.goto(path)
        assert answer is not None
        heavy = len(await answer.body()) > 60_000
        file = pictures / f"numbers-{name}-{look['viewport']['width']}-{look['color_scheme']}.png"
        await page.screenshot(path=file, full_page=True)
        found[name] = (await axe(page), await faults_to_see(page), heavy)

    assert dict.fromkeys(_PAGES, ([], [], False)) == found
