"""Apply changes, findings, the simulator and files of CSV in Chromium: looked at in each size, and used."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.services.publishing import publish
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see

_API = "/api/v1"
_PAGES = {
    "publishing": "/portal/publishing",
    "publishing-files": "/portal/publishing/files",
    "revisions": "/portal/publishing/revisions",
    "revision": "/portal/publishing/revisions/2",
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
