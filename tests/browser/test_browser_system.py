"""The pages about the system: looked at in each size, by keyboard, without script, and live."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.services.presence import Presence
from controlplane.web.app import give
from controlplane.web.deps import ShownSetting
from playwright.async_api import Page, expect
from tests.support.api import MAILBOX, Api, write_tone
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see
from tests.support.portal import make_user

_PAGES = {
    "welcome": "/portal/welcome",
    "health": "/portal/health",
    "calls": "/portal/calls",
    "mails": "/portal/mails",
    "quarantine": "/portal/quarantine",
    "audit": "/portal/audit",
    "audit-none": "/portal/audit?who=nobody",
    "tokens": "/portal/tokens",
    "add-token": "/portal/tokens/add",
    "settings": "/portal/settings",
    "phone": "/portal/extensions/102/phone",
}
_HOSTILE = "Königstraße <script>alert(1)</script> ${system(id)} שלום a-very-long-nam"


async def _furnish(site: Api) -> Presence:
    """Let something be on every page; return a process that tells of two calls."""
    give(
        site.app,
        replace(
            site.deps,
            installation=(
                ShownSetting(
                    variable="CONTROLPLANE_HTTP__PUBLIC_URL",
                    value="http://127.0.0.1:8000",
                    secret=False,
                    description="how browsers reach it; in links of mails",
                ),
                ShownSetting(
                    variable="CONTROLPLANE_LINK_KEY", value="set", secret=True, description="signs the links"
                ),
            ),
        ),
    )
    await make_user(site, "bob", tenant="default", display_name="Bob Brown")
    client = site.client(await site.token())
    for number, name in {"8001": "Sales", "8002": _HOSTILE[:64]}.items():
        await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": number, "display_name": name})
    await client.post("/api/v1/extensions", json={"number": "102", "display_name": "Front desk"})
    await client.patch(
        "/api/v1/mailboxes/8001",
        json={"display_name": "Sales and Service", "pin": "918273", "email_recipients": ["a@example.com"]},
    )
    message = await site.message("8001", caller="0301234567", seconds=1)
    await client.get(f"/api/v1/messages/{message}/audio")
    await client.delete(f"/api/v1/messages/{message}")
    site.rows(
        "INSERT INTO message_mails (message_id, recipient, status, attempts, error) VALUES "
        "(%s, 'sales@example.com', 'failed', 7, '550 5.1.1 <sales@example.com>: rejected'), "
        "(%s, 'team@example.com', 'queued', 1, '451 4.7.1 Greylisted, try again later') RETURNING recipient",
        message,
        message,
    )
    aside = site.deps.spool / "quarantine"
    aside.mkdir()
    for name in ("fb-1764170000.12-1", "odd"):
        (aside / f"{name}.reason").write_text(
            "2026-11-25T09:12:00+00:00 Nothing says for which mailbox it is.\n"
        )
    write_tone(aside / "odd.wav", 3)
    (box,) = site.rows("SELECT id, tenant_id FROM mailboxes WHERE number = '8001'")
    presence = Presence(site.deps.db, ProcessKind.CALLS, host="switch-1")
    for doing, who in ((Doing.LEAVING, "Eve <0301234567>"), (Doing.LISTENING, "102")):
        presence.enter(_call(box["tenant_id"], box["id"], doing, who))
    return presence


def _call(tenant_id: UUID, mailbox_id: UUID, doing: Doing, who: str) -> PresentCall:
    since = datetime.now(UTC) - timedelta(seconds=83)
    return PresentCall(
        call_id=who,
        tenant_id=tenant_id,
        mailbox_id=mailbox_id,
        doing=doing,
        who=who,
        since=since,
        extension=who if doing is Doing.LISTENING else None,
    )


async def _told(site: Api) -> None:
    limit = time.monotonic() + 10
    while len(site.rows("SELECT 1 AS one FROM present_calls")) < 2:
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": NARROW, "color_scheme": "light", "locale": "de-DE"},
        {"viewport": WIDE, "color_scheme": "dark", "locale": "en-GB"},
    ],
    ids=["360 light German", "1440 dark"],
)
async def test_pages_look_right(signed_in: OpenPage, site: Api, pictures: Path, look: dict[str, Any]) -> None:
    """Nothing is cut off or too small, axe-core finds nothing, and each weighs less than 150 kB."""
    presence = await _furnish(site)
    found: dict[str, object] = {}
    heavy: list[str] = []
    async with presence.told():
        await _told(site)
        page = await signed_in(**look)
        end = f"{look['viewport']['width']}-{look['color_scheme']}.png"
        for name, path in _PAGES.items():
            await page.goto(path)
            await page.screenshot(path=pictures / f"system-{name}-{end}", full_page=True)
            found[name] = (await axe(page), await faults_to_see(page))
            if await _weight(page) >= 150_000:
                heavy.append(name)

    assert dict.fromkeys(found, ([], [])) == found
    assert [] == heavy


async def _weight(page: Page) -> int:
    return int(
        await page.evaluate(
            """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
            .reduce((sum, each) => sum + each.decodedBodySize, 0)"""
        )
    )


async def test_call_appears_on_an_open_page(signed_in: OpenPage, site: Api) -> None:
    """Whoever watches sees it come and go, without doing anything."""
    client = site.client(await site.token())
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    (box,) = site.rows("SELECT id, tenant_id FROM mailboxes")
    presence = Presence(site.deps.db, ProcessKind.CALLS, host="switch-1")
    async with presence.told():
        page = await signed_in("/portal/calls")
        await expect(page.get_by_text("Nobody is in a mailbox now")).to_be_visible()
        presence.enter(_call(box["tenant_id"], box["id"], Doing.LEAVING, "Eve"))
        await expect(page.get_by_text("Leaves a message")).to_be_visible()
        # What has the focus keeps it while the page brings itself up to date.
        await page.get_by_role("link", name="Sales (8001)").focus()
        presence.enter(_call(box["tenant_id"], box["id"], Doing.LISTENING, "102"))
        await expect(page.get_by_text("Listens")).to_be_visible()
        await expect(page.get_by_role("link", name="Sales (8001)").first).to_be_focused()
        presence.leave("102")
        presence.leave("Eve")
        await expect(page.get_by_text("Nobody is in a mailbox now")).to_be_visible()


async def test_token_is_made_by_keyboard_without_script(signed_in: OpenPage, pictures: Path) -> None:
    """From the list to the token by Tab and Enter alone."""
    page = await signed_in("/portal/tokens", java_script_enabled=False, locale="en-GB")
    await page.get_by_role("link", name="Add a token").first.press("Enter")
    await page.get_by_label("Name").press("b")
    await page.get_by_label("Name").press("Enter")

    await expect(page.get_by_label("Token", exact=True)).to_have_value(re.compile(r"^svm_[A-Za-z0-9_-]{43}$"))
    await page.screenshot(path=pictures / "system-token-made.png", full_page=True)


async def test_new_password_of_a_phone_is_shown_once(signed_in: OpenPage, site: Api, pictures: Path) -> None:
    """It stands on the page that made it, ready to be copied, and the page prints well."""
    client = site.client(await site.token())
    await client.post("/api/v1/extensions", json={"number": "102", "display_name": "Front desk"})
    page = await signed_in("/portal/extensions/102/phone")
    await page.get_by_role("button", name="Make a new password").click()
    await expect(page.get_by_role("heading", name="The new password")).to_be_visible()
    await page.screenshot(path=pictures / "system-phone-password.png", full_page=True)
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation")).to_be_hidden()

    assert ([], []) == (await axe(page), await faults_to_see(page))
