"""Takes the pictures of docs/portal: `make pictures`, or `python -m tests.pictures [--only NAME] [FOLDER]`.

Each page in a wide and a narrow window, light and dark, of the example company at a fixed moment.
"""

# ruff: noqa: T201 (it tells how far it is)

from __future__ import annotations

import argparse
import asyncio
import base64
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import uvicorn
from controlplane.speech.cache import PromptCache, installed_voices
from controlplane.speech.speaker import Speaker
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.postgres import EmbeddedPostgres
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.pictures.office import furnish
from tests.pictures.pages import ALL, SIGN_IN, Shown
from tests.support.api import Api, make_api
from tests.support.chromium import find_or_unpack
from tests.support.database import migrate
from tests.support.portal import PASSWORD
from tests.support.processes import open_folder

FOLDER = Path(__file__).parents[2] / "docs" / "portal"
SIZES = {"1440": {"width": 1440, "height": 900}, "360": {"width": 360, "height": 740}}
SCHEMES = ("light", "dark")
_QUALITY = 80


def main() -> None:
    """Take all pictures, or those of some pages."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.pictures", description="Take pictures of the portal."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where they go")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[one.name for one in ALL])
    asked = parser.parse_args()
    wanted = [one for one in ALL if not asked.only or one.name in asked.only]
    # It is told which picture is taken; what the app logs is of no interest.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        asyncio.run(_take(asked.folder, wanted))
    except CannotStart as error:
        sys.exit(str(error))


async def _take(folder: Path, wanted: list[Shown]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = await asyncio.to_thread(find_or_unpack, os.environ, progress=print)
    with open_folder() as place:
        async with _office(place) as office, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=found.program, env={**os.environ, **found.environment}
            )
            for size in SIZES:
                for scheme in SCHEMES:
                    await _take_each(browser, office.deps.public_url, folder, wanted, f"{size}-{scheme}")
            await browser.close()
    (folder / "README.md").write_text(index(), encoding="utf-8")


async def _take_each(browser: Browser, url: str, folder: Path, wanted: list[Shown], look: str) -> None:
    size, scheme = look.split("-")
    context = await browser.new_context(
        base_url=url, viewport=SIZES[size], color_scheme=scheme, locale="en-GB", reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto("/portal/sign-in")
    if SIGN_IN in wanted:
        await _keep(context, page, folder / f"{SIGN_IN.name}-{look}.webp")
    await page.get_by_role("textbox").first.fill("alice")
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button").click()
    await page.wait_for_url(lambda address: "sign-in" not in address)
    for one in wanted:
        if one is not SIGN_IN:
            await page.goto(f"/portal{one.path}")
            await one.act(page)
            await _keep(context, page, folder / f"{one.name}-{look}.webp")
            print(f"{one.name}-{look}.webp", flush=True)
    await context.close()


async def _keep(context: BrowserContext, page: Page, path: Path) -> None:
    """Write the whole page, however long; WebP is a third of what Playwright's own formats are."""
    session = await context.new_cdp_session(page)
    size = await page.evaluate(
        "[document.documentElement.clientWidth,"
        " Math.max(document.documentElement.scrollHeight, window.innerHeight)]"
    )
    answer = await session.send(
        "Page.captureScreenshot",
        {
            "format": "webp",
            "quality": _QUALITY,
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1},
        },
    )
    path.write_bytes(base64.b64decode(answer["data"]))
    await session.detach()


@asynccontextmanager
async def _office(place: Path) -> AsyncIterator[Api]:
    """Serve the portal of the example company from a folder."""
    postgres = EmbeddedPostgres(place / "data", fsync=False)
    url = await asyncio.to_thread(postgres.start)
    await asyncio.to_thread(migrate, url)
    database, queue = Database(url.replace("postgresql://", "postgresql+psycopg://")), make_app(url)
    cache = PromptCache(place / "speech")
    speaker = Speaker(cache)

    def speak(text: str) -> Path:
        speaker.make([text], "en")
        paths = [cache.path(text, "en", voice) for voice in installed_voices("en")]
        return next(path for path in paths if path.exists())

    listener = socket.create_server(("127.0.0.1", 0))
    async with queue.open_async():
        jobs = Jobs(queue)
        public = f"http://127.0.0.1:{listener.getsockname()[1]}"
        api = make_api(database, jobs, place, url, public_url=public)
        print("Furnishing the example company", flush=True)
        await furnish(api, database, jobs, place, speak)
        server = uvicorn.Server(
            uvicorn.Config(api.app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        running = asyncio.create_task(server._serve([listener]))
        yield api
        server.should_exit = True
        await running
        api.close()
    await database.close()
    await asyncio.to_thread(postgres.stop)


def index() -> str:
    """Return the page that shows all pictures."""
    lines = [
        "# The portal in pictures",
        "",
        "Taken by `make pictures` of the example company (`examples/company.yaml`); each page in a wide and",
        "a narrow window, light and dark.",
        "",
    ]
    for one in ALL:
        lines += [f"## {one.words}", "", f"`/portal{one.path}`", ""]
        for size in SIZES:
            width = 640 if size == "1440" else 200
            for scheme in SCHEMES:
                words = f"{one.words}, {size} px, {scheme}"
                lines.append(f'<img src="{one.name}-{size}-{scheme}.webp" width="{width}" alt="{words}">')
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
