"""Processes that tell of themselves, their calls in mailboxes, and the pages that show both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import httpx
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.services.presence import Presence, calls_now, seen_processes
from controlplane.storage.database import Database
from tests.support.api import Api, write_tone
from tests.support.portal import Browser, make_user
from tests.support.rows import add_mailbox

AWAY = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


def call_in(
    tenant_id: UUID, mailbox_id: UUID, call_id: str = "c1", doing: Doing = Doing.LEAVING
) -> PresentCall:
    """Make a call in a mailbox."""
    return PresentCall(
        call_id=call_id,
        tenant_id=tenant_id,
        mailbox_id=mailbox_id,
        doing=doing,
        who="Eve <b>&</b> <0301234>",
        since=datetime.now(UTC),
    )


async def until(fact: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until a coroutine's result is true."""
    async with asyncio.timeout(seconds):
        while not await fact():  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.02)


async def test_call_shows_while_it_is_there(database: Database, default_tenant: UUID) -> None:
    """It is told at once when it comes and when it goes, and only to its tenant."""
    box = await add_mailbox(database, default_tenant)
    presence = Presence(database, ProcessKind.CALLS, host="here")

    async def there() -> bool:
        return bool(await calls_now(database, default_tenant))

    async def not_there() -> bool:
        return not await there()

    async with presence.told():
        presence.enter(call_in(default_tenant, box))
        await until(there)
        others = await calls_now(database, UUID(int=1))
        presence.leave("c1")
        presence.leave("never-there")
        await until(not_there)

    assert [] == others


async def test_process_that_ended_in_order_is_gone(database: Database, default_tenant: UUID) -> None:
    """Nothing is left of it, nor of its calls; one that still runs stays."""
    box = await add_mailbox(database, default_tenant)
    other = Presence(database, ProcessKind.CALLS, host="other")

    async def both() -> bool:
        return len((await seen_processes(database)).items) == 2

    async with other.told():
        presence = Presence(database, ProcessKind.CALLS, host="here")
        presence.enter(call_in(default_tenant, box))
        async with presence.told():
            await until(both)
        left = await seen_processes(database)
        calls = await calls_now(database, default_tenant)

    assert (["other"], []) == ([one.host for one in left.items], calls)


async def test_dead_process_leaves_no_ghost(api: Api, database: Database, default_tenant: UUID) -> None:
    """A call of a process that was not seen for a while counts no longer, though nobody removed it."""
    box = await add_mailbox(database, default_tenant)
    api.rows(
        "WITH dead AS (INSERT INTO running_processes (id, kind, host, started_at, seen_at) VALUES "
        "(gen_random_uuid(), 'calls', 'dead', now(), now() - interval '17 s') RETURNING id) "
        "INSERT INTO present_calls (process_id, call_id, tenant_id, mailbox_id, doing, who, since) "
        "SELECT id, 'c1', %s, %s, 'leaving', '', now() FROM dead RETURNING call_id",
        default_tenant,
        box,
    )
    seen = await seen_processes(database)

    assert [] == await calls_now(database, default_tenant)
    assert [True] == [one.is_lost(seen.now) for one in seen.items]


async def test_database_that_is_away_stops_nothing() -> None:
    """A process goes on without telling, and ends without waiting for it."""
    away = Database(AWAY, timeout_seconds=1)
    presence = Presence(away, ProcessKind.CALLS, host="here")
    async with asyncio.timeout(10), presence.told():
        presence.enter(call_in(UUID(int=1), UUID(int=2)))
        await asyncio.sleep(0)
    await away.close()

    assert ["c1"] == list(presence._calls)


async def test_calls_page_shows_who_does_what(database: Database, default_tenant: UUID, bob: Browser) -> None:
    """Who, in which mailbox, and what; without the process it says that nobody knows."""
    box = await add_mailbox(database, default_tenant, display_name="Sales <b>x</b>")
    unknown = await bob.open("/portal/calls")
    presence = Presence(database, ProcessKind.CALLS, host="here")

    async def there() -> bool:
        return len(await calls_now(database, default_tenant)) == 2

    async with presence.told():
        none = await bob.open("/portal/calls") if await _seen(database) else None
        presence.enter(call_in(default_tenant, box))
        presence.enter(call_in(default_tenant, box, "c2", Doing.LISTENING))
        await until(there)
        shown = await bob.open("/portal/calls")

    assert "nobody knows which calls" in unknown.text
    assert none is not None
    assert "Nobody is in a mailbox now" in none.text
    assert "Sales <b>x</b> (8001) Eve <b>&</b> <0301234> Leaves a message" in shown.text
    assert "Listens" in shown.text


async def _seen(database: Database) -> bool:
    async def seen() -> bool:
        return bool((await seen_processes(database)).items)

    await until(seen)
    return True


async def test_health_says_what_does_not_work_and_what_to_do(
    api: Api, database: Database, alice: Browser
) -> None:
    """Processes that were never seen, a switch that is silent, what was put aside; each with its remedy."""
    api.switch.fault = SwitchUnavailable("gone")
    aside = api.deps.spool / "quarantine"
    aside.mkdir()
    (aside / "x.reason").write_text("2026-03-02T10:00:00+00:00 no idea\n")

    async def faults() -> dict[str, str]:
        return {"worker": "no worker runs"}

    async with Presence(database, ProcessKind.JOBS, host="here", faults=faults).told():
        await _seen(database)
        shown = await alice.open("/portal/health")

    assert "Something does not work." in shown.text
    assert "calls: talks with callers was never seen Start “controlplane calls”." in shown.text
    assert "no worker runs Look at the log of “jobs”" in shown.text
    assert "Switch does not answer" in shown.text
    assert "1 recording was put aside" in shown.text


async def test_health_is_for_system_admins(bob: Browser) -> None:
    """Admins of a tenant neither see it nor find it in the menu."""
    page = await bob.open("/portal/calls")
    await bob.open("/portal/health")

    assert "Health" not in page.text
    assert 403 == bob.answer.status_code


async def test_quarantined_recording_is_heard_and_assigned(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, alice: Browser
) -> None:
    """It becomes a take of the mailbox, which the scanner takes over; an unknown mailbox is told."""
    aside = api.deps.spool / "quarantine"
    aside.mkdir()
    write_tone(aside / "odd.wav", 2)
    (aside / "odd.reason").write_text("2026-03-02T10:00:00+00:00 Nothing says for which mailbox it is.\n")
    shown = await alice.open("/portal/quarantine")
    wrong = await alice.send("/odd/assign", mailbox_number="9999")
    await alice.open("/portal/quarantine/odd/audio")
    heard = alice.answer
    await alice.open("/portal/quarantine")
    done = await alice.send("/odd/assign", mailbox_number="8001")

    assert "Nothing says for which mailbox it is." in shown.text
    assert "There is no mailbox with this number." in wrong.text
    assert (200, "audio/wav") == (heard.status_code, heard.headers["content-type"])
    assert "on its way to the mailbox 8001" in done.text
    assert [] == list(aside.iterdir())
    assert sorted((".json", ".wav")) == sorted(
        path.suffix for path in api.deps.spool.iterdir() if path.is_file() and path.suffix != ".kept"
    )


async def test_quarantined_recording_is_discarded_after_a_question(api: Api, alice: Browser) -> None:
    """The first press asks; a name that leads elsewhere finds nothing."""
    aside = api.deps.spool / "quarantine"
    aside.mkdir()
    (aside / "odd.wav").write_bytes(b"no audio")
    (aside / "odd.reason").write_text("nonsense")
    (api.deps.spool / "x.reason").write_text("outside")
    page = await alice.open("/portal/quarantine")
    token = page.form("/odd/discard").fields["csrf"]
    asked = await alice.send("/odd/discard")
    done = await alice.send("", sure="yes")
    await alice.post("/portal/quarantine/..%2Fx/discard", {"csrf": token, "sure": "yes"})

    told = api.rows("SELECT author, action, object_key FROM audit_entries WHERE kind = 'recording'")
    assert [{"author": "user alice", "action": "purged", "object_key": "odd"}] == told
    assert "There is no audio in it." in page.text
    assert "Discard this recording for good?" in asked.text
    assert "Nothing was put aside" in done.text
    assert 404 == alice.answer.status_code
    assert (api.deps.spool / "x.reason").is_file()


async def test_quarantine_is_for_system_admins(api: Api) -> None:
    """What belongs to no tenant is shown to no admin of one."""
    await make_user(api, "bob", tenant="default")
    async with Browser(api) as bob:
        await bob.sign_in("bob")
        await bob.open("/portal/quarantine")

        assert 403 == bob.answer.status_code
