"""Which pages are shown, under which name, and what is done on them first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page


async def _nothing(page: Page) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture: its name, what it shows in words, the page's address, and what to do on it."""

    name: str
    words: str
    path: str
    act: Callable[[Page], Awaitable[None]] = _nothing


async def _play(page: Page) -> None:
    await page.get_by_role("link", name="Play the message from Anna").click()
    await page.locator("#dock").wait_for()


async def _letter(page: Page) -> None:
    await page.locator("#rows .caller a").first.click()
    await page.locator("#message").wait_for()


async def _more(page: Page) -> None:
    await page.locator("details summary").first.click()


PAGES = (
    Shown(name="mailboxes", words="Shared Voicemail", path="/mailboxes"),
    Shown(
        name="voicemail",
        words="Voicemail, with a message playing",
        path="/mailboxes/8001/voicemail",
        act=_play,
    ),
    Shown(name="message", words="A message", path="/mailboxes/8001/voicemail", act=_letter),
    Shown(name="mailbox", words="A mailbox's settings", path="/mailboxes/8001"),
    Shown(
        name="mailbox-delete", words="Deleting a mailbox that others point at", path="/mailboxes/8001/delete"
    ),
    Shown(name="users", words="Users", path="/users"),
    Shown(name="account", words="One's own account", path="/account"),
    Shown(name="tenants", words="Choosing a tenant", path="/tenants"),
)
SIGN_IN = Shown(name="sign-in", words="Signing in", path="/sign-in")
ALL = (SIGN_IN, *PAGES)
