"""How full mailboxes are: over REST, and in the portal in the list and on the pages of a mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from controlplane.domain.limits import Fill, Fullness, Quota, Usage
from controlplane.domain.message import MessageState
from controlplane.storage.database import Database
from sqlalchemy import event
from tests.support.api import Api
from tests.support.portal import Browser, make_user
from tests.support.rows import add_mailbox, add_message, set_tenant

URL = "/api/v1/mailboxes/8001"
PAGE = "/portal/mailboxes"


@dataclass(frozen=True)
class Office:
    """Where mailboxes are made, each with so many messages of 12 seconds, and an hour of the trash."""

    database: Database
    tenant_id: UUID

    async def mailbox(self, messages: int, number: str = "8001", **limits: int) -> None:
        """Make one."""
        mailbox_id = await add_mailbox(self.database, self.tenant_id, number, **limits)
        for minute in range(messages):
            await add_message(self.database, mailbox_id, minute=minute)
        await add_message(self.database, mailbox_id, state=MessageState.DELETED, duration_ms=3_600_000)


@pytest.fixture
def office(database: Database, default_tenant: UUID) -> Office:
    """Return the tenant `default`."""
    return Office(database, default_tenant)


@pytest.mark.parametrize(
    ("percent", "fullness"),
    [
        (79, Fullness.ROOM),
        (80, Fullness.ALMOST_FULL),
        (99, Fullness.ALMOST_FULL),
        (100, Fullness.FULL),
        (300, Fullness.FULL),
    ],
)
def test_bounds_are_those_of_the_mail_and_of_callers(percent: int, fullness: Fullness) -> None:
    """Almost full from where recipients are mailed, full from where callers are told so."""
    fill = Fill(quota=Quota(messages=100), used=Usage(messages=percent))

    assert (percent, fullness) == (fill.percent, fill.fullness)


@pytest.mark.parametrize(
    ("limits", "of_tenant", "told"),
    [
        ({}, {}, (3, 0, None, 0, 0, "room")),
        ({"max_messages": 4}, {}, (3, 4, None, 0, 75, "room")),
        ({"max_messages": 3}, {}, (3, 3, None, 0, 100, "full")),
        ({"max_total_seconds": 40}, {}, (3, 0, 36, 40, 90, "almost_full")),
        ({"max_messages": 30, "max_total_seconds": 72}, {}, (3, 30, 36, 72, 50, "room")),
        ({}, {"max_messages": 2, "max_total_seconds": 360}, (3, 2, 36, 360, 150, "full")),
        ({"max_messages": 0}, {"max_messages": 2}, (3, 0, None, 0, 0, "room")),
    ],
)
async def test_usage_is_told_of_one_and_of_many(
    client: httpx.AsyncClient,
    office: Office,
    limits: dict[str, int],
    of_tenant: dict[str, int],
    told: tuple[object, ...],
) -> None:
    """By what the mailbox says, or its tenant; the trash does not count, and seconds only where limited."""
    await set_tenant(office.database, office.tenant_id, **{"retain_days": 30, **of_tenant})
    await office.mailbox(3, **limits)
    one = (await client.get(URL)).json()["usage"]
    (of_list,) = (await client.get("/api/v1/mailboxes")).json()["items"]

    assert told == tuple(one.values())
    assert one == of_list["usage"]


async def test_new_mailbox_has_its_limits(client: httpx.AsyncClient) -> None:
    """And nothing in it; what a change answers is right, too."""
    made = await client.post(
        "/api/v1/mailboxes",
        json={"number": "8001", "display_name": "Sales", "pin": "274951", "max_messages": 7},
    )
    changed = await client.patch(URL, json={"max_messages": 9})

    assert (0, 7) == (made.json()["usage"]["messages"], made.json()["usage"]["max_messages"])
    assert (0, 9) == (changed.json()["usage"]["messages"], changed.json()["usage"]["max_messages"])


@pytest.mark.parametrize(
    ("language", "of_list", "of_page"),
    [
        (
            "en",
            ("75 % full", "90 % full", "Full"),
            ("9 of 10 messages", "1 min of 60 min", "90 % full", "Soon callers can leave nothing"),
        ),
        (
            "de",
            ("zu 75 % voll", "zu 90 % voll", "Voll"),
            ("9 von 10 Nachrichten", "1 Min. von 60 Min.", "zu 90 % voll", "Bald können Anrufer"),
        ),
    ],
)
async def test_portal_shows_it(
    api: Api,
    office: Office,
    language: str,
    of_list: tuple[str, ...],
    of_page: tuple[str, ...],
) -> None:
    """In the list those that are almost full or full; on its own pages each that is limited."""
    for number, held, most in (("8001", 9, 10), ("8002", 3, 3), ("8003", 3, 4)):
        await office.mailbox(held, number, max_messages=most, max_total_seconds=3600)
    await office.mailbox(1, "8004")
    await make_user(api, "erika", tenant="default")
    async with Browser(api, language=language) as browser:
        await browser.sign_in("erika")
        listed = await browser.open(PAGE)
        shown = [await browser.open(f"{PAGE}/8001{path}") for path in ("", "/voicemail")]
        unlimited = await browser.open(f"{PAGE}/8004/voicemail")
        raw = browser.answer.text

    room, almost, full = of_list
    assert (False, True, True) == (room in listed.text, almost in listed.text, full in listed.text)
    for page in shown:
        for words in of_page:
            assert words in page.text
    assert "%" not in unlimited.text
    assert '<div class="fill" id="fill"></div>' in raw


async def test_meter_has_a_name_and_a_value(office: Office, bob: Browser) -> None:
    """For those who cannot see it; it never says more than all of it."""
    await office.mailbox(3, max_messages=2)
    await bob.open(f"{PAGE}/8001/voicemail")

    assert 'value="100" aria-label="How full it is">150 % full</meter>' in bob.answer.text


async def test_open_page_takes_it_over(office: Office, bob: Browser) -> None:
    """What a page that brings itself up to date asks for has it as well."""
    await office.mailbox(3, max_messages=3)
    await bob.open(f"{PAGE}/8001/voicemail")
    live = await bob.client.get(f"{PAGE}/8001/voicemail", headers={"X-Live": "yes"})

    assert "Callers hear so, and can leave nothing" in live.text


async def test_longer_list_of_limited_ones_asks_no_more_often(
    api: Api, client: httpx.AsyncClient, office: Office, bob: Browser
) -> None:
    """Neither over REST nor in the portal: one query sums up the seconds of a page."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(api.deps.db._engine.sync_engine, "before_cursor_execute", count)
    statements: list[tuple[int, int]] = []
    for number in ("8001", "8002", "8003"):
        await office.mailbox(1, number, max_total_seconds=60)
        counted = 0
        await client.get("/api/v1/mailboxes")
        of_rest, counted = counted, 0
        await bob.open(PAGE)
        statements.append((of_rest, counted))

    assert 1 == len(set(statements))
