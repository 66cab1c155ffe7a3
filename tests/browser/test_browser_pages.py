"""Every page of the frame: looked at in each size and colour scheme, and used without script."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from controlplane.services.sign_in_links import link_of_the_machine
from controlplane.storage.tables import UserRow
from playwright.async_api import Page, expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see
from tests.support.members import make_member, make_team, tenant_id
from tests.support.portal import make_user

_PAGES = {
    "mailboxes": "/portal/mailboxes",
    "account": "/portal/account",
    "tenants": "/portal/tenants",
    "users": "/portal/users",
    "add-user": "/portal/users/add",
    "teams": "/portal/teams",
    "add-team": "/portal/teams/add",
    "members": "/portal/mailboxes/8001/members",
    "no-members": "/portal/mailboxes/8002/members",
    "nothing-here": "/portal/nothing",
}


async def _furnish(site: Api) -> None:
    north = await site.tenant("north")
    await north.aclose()
    await make_user(site, "bob", tenant="default", display_name="Bob Brown")
    await make_user(site, "carol.christensen@north.example.com", tenant="north", password=None)
    client = site.client(await site.token())
    names = {
        "8001": "Sales",
        "8002": "Support, first line and very late in the evening",
        "8003": "Zentrale Königstraße",
    }
    for number, name in names.items():
        await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": number, "display_name": name})
    await make_member(site, "mia", ["delete"])
    team = await make_team(site, "Night shift, weekends and public holidays", ["mia", "bob"])
    await client.post("/api/v1/mailboxes/8001/members", json={"team_id": str(team), "rights": ["manage"]})
    await client.aclose()
    for _ in range(3):
        await site.message("8001")


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_pages_look_right(
    signed_in: OpenPage, site: Api, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing."""
    page = await signed_in(viewport=size, color_scheme=scheme)
    found = {}
    await page.screenshot(path=pictures / f"empty-{size['width']}-{scheme}.png")
    found["empty"] = (await axe(page), await faults_to_see(page))
    await _furnish(site)
    for name, path in _PAGES.items():
        await page.goto(path)
        await page.screenshot(path=pictures / f"{name}-{size['width']}-{scheme}.png", full_page=True)
        found[name] = (await axe(page), await faults_to_see(page))

    assert dict.fromkeys(found, ([], [])) == found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_menu_of_a_phone(signed_in: OpenPage, pictures: Path, scheme: str) -> None:
    """The menu opens by a button, closes by Escape, and leads to a page; script is not needed."""
    page = await signed_in(viewport=NARROW, color_scheme=scheme, java_script_enabled=False)
    users = page.get_by_role("link", name="Users")
    await expect(users).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await page.screenshot(path=pictures / f"menu-360-{scheme}.png")
    await expect(users).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(users).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await users.click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Users")


async def test_menu_of_a_phone_is_accessible(signed_in: OpenPage) -> None:
    """axe-core finds nothing in the open menu, and nothing is too small."""
    page = await signed_in(viewport=NARROW)
    await page.get_by_role("button", name="Menu").click()

    assert ([], []) == (await axe(page), await faults_to_see(page))


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_first_admin_by_the_link_of_the_machine(
    open_page: OpenPage, site: Api, pictures: Path, *, script: bool
) -> None:
    """Who opens the printed link chooses name and password, and is in."""
    secret = await link_of_the_machine(site.deps.db, now=site.clock.now())
    page = await open_page(f"/portal/link/{secret}", java_script_enabled=script)
    await page.screenshot(path=pictures / "first-admin.png", full_page=True)
    await _fill(page, {"User name": "alice", "Display Name": "Alice Adams", "New password": "short"})
    await page.get_by_label("The same password again").fill("short")
    # The browser itself would refuse it before it is sent.
    await page.locator("form").evaluate("form => { form.noValidate = true }")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("alert")).to_contain_text("The password is too short: 10 characters")
    await page.screenshot(path=pictures / "first-admin-faults.png", full_page=True)
    await _fill(page, {"New password": "seven red chairs", "The same password again": "seven red chairs"})
    await page.get_by_role("button").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    await expect(page.get_by_text("Alice Adams")).to_be_visible()


async def test_new_user_gets_a_link(signed_in: OpenPage, open_page: OpenPage, pictures: Path) -> None:
    """An admin adds Bob and hands him the link; Bob chooses a password and is in."""
    admin = await signed_in("/portal/users/add", java_script_enabled=False)
    await _fill(admin, {"User name": "bob", "Display Name": "Bob Brown"})
    await admin.get_by_label("Role").select_option("tenant_admin")
    await admin.get_by_role("button", name="Add user").click()
    link = await admin.get_by_label("Link").input_value()
    await admin.screenshot(path=pictures / "user-link.png", full_page=True)
    bob = await open_page(link, java_script_enabled=False)
    await bob.screenshot(path=pictures / "set-password.png", full_page=True)
    await _fill(bob, {"New password": "nine blue tables", "The same password again": "nine blue tables"})
    await bob.get_by_role("button").click()

    await expect(bob.get_by_role("heading", level=1)).to_have_text("Welcome")


async def test_language_is_the_user_s(signed_in: OpenPage, pictures: Path) -> None:
    """Who chooses German reads German, whatever the browser says."""
    page = await signed_in("/portal/account", java_script_enabled=False)
    await page.get_by_label("Language of the portal").select_option("de")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("status")).to_have_text("Ihr Konto ist gespeichert.")
    await page.screenshot(path=pictures / "account-german.png", full_page=True)
    await expect(page.locator("html")).to_have_attribute("lang", "de")


async def test_link_is_copied_by_a_button(signed_in: OpenPage, site: Api) -> None:
    """Script adds it; the text is told by the status."""
    await make_user(site, "bob", tenant="default")
    page = await signed_in("/portal/users", permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Link for a password for bob").click()
    link = await page.get_by_label("Link").input_value()
    await page.get_by_role("button", name="Copy").click()

    await expect(page.get_by_role("status")).to_have_text("Copied")
    assert link == await page.evaluate("navigator.clipboard.readText()")


async def test_pages_weigh_little(signed_in: OpenPage) -> None:
    """With style and script a page is below 150 kB, and asks no other host."""
    page = await signed_in()
    loaded = await page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map((each) => [new URL(each.name).host, each.decodedBodySize])"""
    )

    assert {page.url.split("/")[2]} == {host for host, _ in loaded}
    assert 0 < sum(size for _, size in loaded) < 150_000


async def _fill(page: Page, fields: dict[str, str]) -> None:
    for label, text in fields.items():
        await page.get_by_label(label, exact=True).fill(text)


async def test_people_are_found_as_one_types(signed_in: OpenPage, site: Api, pictures: Path) -> None:
    """In a list that is too long to be shown whole; what else stands in the form stays."""
    await _furnish(site)
    async with site.deps.db.transaction() as session:
        for i in range(60):
            row = {"user_name": f"person-{i:02}", "display_name": f"Person {i}", "role": "member"}
            session.add(UserRow(id=uuid4(), tenant_id=tenant_id(site), **row))
    page = await signed_in("/portal/mailboxes/8001/members", viewport=NARROW)
    form = page.locator("form.card")
    await form.get_by_label("Delete").check()
    await page.get_by_label("Find somebody").press_sequentially("person-59")
    await expect(page.get_by_label("Person or team").get_by_role("option")).to_have_count(2)
    await page.get_by_label("Person or team").select_option("user:person-59")
    await page.screenshot(path=pictures / "members-found-360.png", full_page=True)
    found = (await axe(page), await faults_to_see(page))
    await page.get_by_role("button", name="Add member").click()

    await expect(page.locator(".members li", has_text="person-59").get_by_label("Delete")).to_be_checked()
    assert ([], []) == found
