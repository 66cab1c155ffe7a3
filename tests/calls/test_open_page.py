"""A real call is on a page that somebody has open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from controlplane.callflows.prompts import Greeting
from tests.support.product import Product


async def test_a_call_is_on_an_open_page(product: Product, message_wav: Path) -> None:
    """The page's stream tells of it, and what the page then fetches has the caller; nobody reloads."""
    box = await product.mailbox(display_name="Sales")
    portal = product.ready["portal_url"] + "portal"
    async with httpx.AsyncClient(timeout=30) as browser, product.phone("101") as phone:
        await product.sign_in(browser, f"alice-{box}", "Alice")
        page = f"{portal}/mailboxes/{box}/voicemail"
        before = await browser.get(page)
        async with browser.stream("GET", f"{portal}/mailboxes/{box}/events") as events:
            lines = events.aiter_lines()
            async with asyncio.timeout(60):
                async for line in lines:
                    if line == "event: listening":
                        break
                call = await phone.dial(box)
                await call.expect_to_hear(Greeting(display_name="Sales"))
                await call.expect_beep()
                await call.say(message_wav)
                await call.hang_up()
                after = before
                async for line in lines:
                    # It is told too once the page's process hears of changes at all.
                    if line == "event: changed":
                        after = await browser.get(page, headers={"X-Live": "yes"})
                    if 'id="m-' in after.text:
                        break

    assert (200, False, 200) == (before.status_code, 'id="m-' in before.text, after.status_code)
    assert ">101<" in after.text
