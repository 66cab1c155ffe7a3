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


async def _pick(page: Page) -> None:
    await page.get_by_role("button", name="Choose").nth(1).click()
    await page.get_by_role("dialog").wait_for()


PAGES = (
    Shown(name="welcome", words="First steps", path="/welcome"),
    Shown(name="mailboxes", words="Shared Voicemail", path="/mailboxes"),
    Shown(
        name="voicemail",
        words="Voicemail, with a message playing",
        path="/mailboxes/8001/voicemail",
        act=_play,
    ),
    Shown(name="message", words="A message", path="/mailboxes/8001/voicemail", act=_letter),
    Shown(name="greetings", words="Greetings", path="/mailboxes/8001/greetings"),
    Shown(name="mailbox", words="A mailbox's settings", path="/mailboxes/8001"),
    Shown(name="greetings-heard", words="What a caller hears", path="/mailboxes/8001/greetings/effective"),
    Shown(name="mail-words", words="What the mails of a mailbox say", path="/mailboxes/8001/mail"),
    Shown(name="mail-words-tenant", words="What the mails of all mailboxes say", path="/mail-words"),
    Shown(name="members", words="A mailbox's members", path="/mailboxes/8001/members"),
    Shown(
        name="mailbox-delete", words="Deleting a mailbox that others point at", path="/mailboxes/8001/delete"
    ),
    Shown(name="call-queues", words="Call queues", path="/call-queues"),
    Shown(name="call-queue", words="A call queue", path="/call-queues/6200"),
    Shown(name="destinations", words="Choosing a destination", path="/call-queues/6200", act=_pick),
    Shown(name="ring-groups", words="Ring groups", path="/ring-groups"),
    Shown(name="ring-group", words="A ring group", path="/ring-groups/6100"),
    Shown(name="receptionists", words="Virtual receptionists", path="/virtual-receptionists"),
    Shown(name="receptionist", words="A virtual receptionist", path="/virtual-receptionists/6000"),
    Shown(name="extensions", words="Extensions", path="/extensions"),
    Shown(name="extension", words="An extension", path="/extensions/101"),
    Shown(name="phone", words="Connecting a phone", path="/extensions/101/phone"),
    Shown(name="inbound-rules", words="Inbound rules", path="/inbound-rules"),
    Shown(name="inbound-rule", words="An inbound rule", path="/inbound-rules/main-number"),
    Shown(name="trunks", words="Trunks", path="/trunks"),
    Shown(name="office-hours", words="Office hours", path="/office-hours"),
    Shown(name="week", words="The hours of a week", path="/office-hours/default"),
    Shown(name="feature-codes", words="Feature codes", path="/feature-codes"),
    Shown(
        name="simulator",
        words="The simulator",
        path="/simulator?number=493023125100&from=outside&keys=3&date=2026-03-02&time=10:30",
    ),
    Shown(name="findings", words="Check-up", path="/findings"),
    Shown(name="publishing", words="Apply changes", path="/publishing"),
    Shown(name="import", words="Import and export", path="/import"),
    Shown(name="health", words="Health", path="/health"),
    Shown(name="calls", words="Calls now", path="/calls"),
    Shown(name="mails", words="Mail", path="/mails"),
    Shown(name="quarantine", words="Quarantine", path="/quarantine"),
    Shown(name="audit", words="Audit log", path="/audit"),
    Shown(name="users", words="Users", path="/users"),
    Shown(name="teams", words="Teams", path="/teams"),
    Shown(name="tokens", words="Tokens", path="/tokens"),
    Shown(name="settings", words="Settings", path="/settings"),
    Shown(name="account", words="One's own account", path="/account"),
    Shown(name="tenants", words="Choosing a tenant", path="/tenants"),
    Shown(name="not-there", words="What is not there", path="/mailboxes/8999"),
)
SIGN_IN = Shown(name="sign-in", words="Signing in", path="/sign-in")
ALL = (SIGN_IN, *PAGES)
