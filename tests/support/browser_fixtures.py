"""Fixtures of the tier `browser`: the portal served over HTTP, and headless Chromium in front of it.

One event loop for the whole session: a browser belongs to the loop in which it was started. Whatever
else is asynchronous here is of the same loop.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.supervisor.faults import CannotStart
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.support.api import Api, make_api
from tests.support.chromium import find_or_unpack
from tests.support.fixtures import known_database
from tests.support.portal import PASSWORD, make_user

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def site(database_url: str, databases: dict[str, Database], tmp_path: Path) -> AsyncIterator[Api]:
    """Serve an app of this test's own on a port; its `deps.public_url` is where it is."""
    database = known_database(database_url, databases)
    queue = make_app(database_url)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with queue.open_async():
        api = make_api(database, Jobs(queue), tmp_path, database_url, public_url=url)
        config = uvicorn.Config(api.app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        # Signals are the business of pytest.
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.005)
        yield api
        server.should_exit = True
        await running
        api.close()
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Run one Chromium for all tests of this worker; skips where there is none to be had."""
    try:
        found = await asyncio.to_thread(find_or_unpack, os.environ, progress=lambda _: None)
    except CannotStart as error:
        pytest.skip(str(error))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.program,
            env={**os.environ, **found.environment},
            # A microphone that beeps, and that every page is allowed whose policy allows it.
            args=["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium: Browser, site: Api) -> AsyncIterator[OpenPage]:
    """Return what opens a page in a new browser profile, with the options of Playwright's contexts.

    The test fails if any page reported an error: of a script, or of what the policy (CSP) forbids.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def opened(path: str = "/portal/", **options: object) -> Page:
        context = await chromium.new_context(
            base_url=site.deps.public_url, **{"viewport": WIDE, "locale": "en-GB", **options}
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        with suppress(Exception):
            await context.close()
    # That an answer is an error is no error of the page.
    assert [] == [error for error in errors if not re.match("Failed to load resource", error)]


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(open_page: OpenPage, site: Api) -> OpenPage:
    """Return what opens a page as Alice, a system admin."""
    await make_user(site, "alice", display_name="Alice Adams")

    async def opened(path: str = "/portal/mailboxes", **options: object) -> Page:
        page = await open_page("/portal/sign-in", **options)
        await sign_in(page, "alice")
        # Where one begins depends on what was done already.
        await page.wait_for_url(re.compile(r"/portal/(welcome|mailboxes)$"))
        await page.goto(path)
        return page

    return opened


async def sign_in(page: Page, user_name: str) -> None:
    """Fill in the form of signing in and send it; where it leads depends on who it is."""
    await page.get_by_role("textbox").first.fill(user_name)
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button").click()
