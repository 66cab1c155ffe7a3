"""Apply changes, findings, the simulator and files of CSV in Chromium: looked at in each size, and used."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.services.publishing import publish
from playwright.async_api import expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see

_API = "/api/v1"
_PAGES = {
    "publishing": "/portal/publishing",
    "publishing-files": "/portal/publishing/files",
    "revisions": "/portal/publishing/revisions",
    "revision": "/portal/publishing/revisions/2",
    "findings": "/portal/findings",
    "import": "/portal/import",
    "beside": "/portal/ring-groups/6200",
    "simulator": "/portal/simulator?number=6100&date=2026-03-01&time=15:00&others=unanswered",
}


async def furnish(site: Api) -> None:
    """Make a tenant in which changes wait, of which some make no sense."""
    async with site.client(await site.token()) as client:
        await client.post(f"{_API}/mailboxes", json=dict(MAILBOX))
        await client.post(f"{_API}/extensions", json={"number": "101", "display_name": "Alice"})
        await publish(site.deps.publisher)
        group = {"number": "6100", "display_name": "Counter", "members": ["101"]}
        await client.post(f"{_API}/ring-groups", json=group)
        await client.post(f"{_API}/extensions", json={"number": "109", "display_name": "Leaves"})
        await publish(site.deps.publisher)
        await client.patch(f"{_API}/configuration", json={"mode": "manual"})
        changes = {"ring_seconds": 30, "no_answer": {"action": "forward_to_number", "number": "8001"}}
        await client.patch(f"{_API}/ring-groups/6100", json=changes)
        await client.patch(f"{_API}/extensions/101", json={"sip_password": None, "display_name": "Ann"})
        await client.delete(f"{_API}/extensions/109")
        await client.post(f"{_API}/ring-groups", json={"number": "6200", "display_name": "Nobody"})


async def test_changes_are_applied(signed_in: OpenPage, site: Api, pictures: Path) -> None:
    """The bar, the button, progress that is live, and the bar is gone."""
    await furnish(site)
    page = await signed_in()
    bar = page.get_by_role("region", name="Apply changes")
    await expect(bar).to_contain_text("4 changes wait to be applied.")
    await bar.get_by_role("link", name="Apply changes").click()
    await page.get_by_role("main").get_by_role("button", name="Apply changes").click()
    await expect(page.get_by_role("heading", name="Changes are being applied")).to_be_visible()
    await page.screenshot(path=pictures / "publishing-under-way.png")
    assert [] == await axe(page)
    await publish(site.deps.publisher, by="user alice", waiting=None)
    assert ["user alice"] == [
        arguments["by"] for name, arguments in site.jobs() if name == "configuration.publish_by_hand"
    ]
    # Nobody loads the page again.
    await expect(page.locator("#progress")).to_contain_text("Everything is applied.")
    await expect(page.locator("#history")).to_contain_text("Revision 3")
    await page.goto("/portal/mailboxes")

    await expect(bar).to_have_count(0)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_file_is_imported(signed_in: OpenPage, site: Api, pictures: Path, script: bool) -> None:
    """Looked over, mended, looked over again and imported; without script the file is chosen again."""
    page = await signed_in("/portal/import", java_script_enabled=script)
    file = page.get_by_label("File (CSV)")

    async def choose(table: str) -> None:
        await file.set_input_files({"name": "boxes.csv", "mimeType": "text/csv", "buffer": table.encode()})

    await choose("number,display_name,pin\n8100,Support,1\n8101,Workshop,290175\n")
    await page.get_by_role("button", name="Look it over").click()
    await expect(page.get_by_role("row", name="8100")).to_contain_text("The PIN is too short")
    await page.screenshot(path=pictures / f"import-refused-{script}.png", full_page=True)
    good = "number,display_name,pin\n8100,Support,290174\n8101,Workshop,290175\n"
    await choose(good)
    await page.get_by_role("button", name="Look it over").click()
    await expect(page.locator("#outcome")).to_contain_text("2 would be new.")
    if not script:
        await choose(good)
    await page.get_by_role("button", name="Import this file").click()

    await expect(page.locator("#outcome")).to_contain_text("boxes.csv is imported")
    assert ["8100", "8101"] == [row["number"] for row in site.rows("SELECT number FROM mailboxes ORDER BY 1")]


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360", "1440"])
async def test_pages_look_right(
    signed_in: OpenPage, site: Api, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing."""
    await furnish(site)
    page = await signed_in(viewport=size, color_scheme=scheme)
    found = {}
    for name, path in _PAGES.items():
        await page.goto(path)
        for summary in await page.locator("details > summary").all():
            await summary.click()
        await page.screenshot(path=pictures / f"{name}-{size['width']}-{scheme}.png", full_page=True)
        found[name] = (await axe(page), await faults_to_see(page))

    assert dict.fromkeys(found, ([], [])) == found
