"""The end of `controlplane demo`: the message in the portal, for a program and then for a person."""

from __future__ import annotations

import asyncio
import io

import pytest
from controlplane.entrypoints.demo_portal import keep_open, look_at
from controlplane.services.sign_in_links import link_of_the_machine
from controlplane.web.portal.addresses import link_address
from playwright.async_api import expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import OpenPage


async def test_link_of_up_leads_to_the_message(
    site: Api, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page and the recording are fetched as the first admin, and that admin signs in to it."""
    async with site.client(await site.token()) as client:
        await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    message = await site.message(caller="101", name="Alice", seconds=0.4, received_at=site.clock.now())
    secret = await link_of_the_machine(site.deps.db, now=site.clock.now())
    ready = {"portal_link": link_address(site.deps.public_url, secret)}
    shown = await asyncio.to_thread(look_at, ready, str(message))
    opened: list[str] = []
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    keep_open(shown, browse=opened.append)
    page = await open_page(opened[0])
    await page.get_by_role("textbox").first.fill(shown.user_name)
    await page.locator("#password").fill(shown.password)
    await page.get_by_role("main").get_by_role("button").click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("Alice")
    assert (b"RIFF", True) == (shown.recording[:4], "Alice" in shown.page)
    assert page.url == shown.address
