"""How long messages are kept and how many there may be: by tenant and mailbox, and told by mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from controlplane.domain.message import MessageState
from controlplane.mail.compose import Composer
from controlplane.services.deposit import Depositor
from controlplane.services.lamps import SEND
from controlplane.services.quota import LOOK, TELL, QuotaMails, look, look_again, tell
from controlplane.services.retention import purge_trash, trash_overdue
from controlplane.storage import messages
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from tests.integration.test_pin_alarm import Postbox
from tests.support.deposits import queued, rows
from tests.support.portal import Browser
from tests.support.rows import add_mailbox, add_message, set_tenant
from tests.support.takes import closed_wav, facts_for

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
URL = "/api/v1/mailboxes/8001"


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID) -> UUID:
    """Make a mailbox whose tenant decides."""
    return await add_mailbox(database, default_tenant, email_recipients=["a@example.com", "b@example.com"])


@pytest.fixture
def postbox() -> Postbox:
    """Return where the mails go."""
    return Postbox()


@pytest.fixture
def mails(database: Database, jobs: Jobs, postbox: Postbox) -> QuotaMails:
    """Return what tells of full mailboxes."""
    return QuotaMails(
        database=database,
        jobs=jobs,
        sender=postbox,
        composer=Composer("voicemail@example.com"),
        languages=["en", "de"],
    )


def states(url: str) -> dict[UUID, str]:
    """Return the states of all messages."""
    return dict(rows(url, "SELECT id, state FROM messages"))


async def test_what_was_kept_long_enough_goes_to_the_trash(
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """After the tenant's 30 days, heard or not; lamps follow, and the log says who did it."""
    old = await add_message(database, mailbox_id, received_at=NOW - 31 * DAY)
    heard = await add_message(database, mailbox_id, state=SAVED, received_at=NOW - 31 * DAY)
    young = await add_message(database, mailbox_id, received_at=NOW - 29 * DAY)

    moved = await trash_overdue(database, jobs, now=NOW)
    again = await trash_overdue(database, jobs, now=NOW)

    assert (2, 0) == (moved, again)
    assert {old: "deleted", heard: "deleted", young: "new"} == states(database_url)
    assert [(SEND, "8001")] == queued(database_url)
    before = "SELECT DISTINCT state_changed_by, array_agg(state_before ORDER BY state_before) FROM messages"
    assert [("system", ["new", "saved"])] == rows(
        database_url, before + " WHERE state = 'deleted' GROUP BY state_changed_by"
    )


@pytest.mark.parametrize(
    ("tenant", "own", "kept"),
    [(30, None, False), (90, None, True), (0, None, True), (30, 90, True), (30, 0, True), (0, 30, False)],
)
async def test_mailbox_says_it_before_its_tenant(
    database: Database, jobs: Jobs, default_tenant: UUID, *, tenant: int, own: int | None, kept: bool
) -> None:
    """None is the tenant's, 0 is for ever."""
    await set_tenant(database, default_tenant, retain_days=tenant)
    mailbox_id = await add_mailbox(database, default_tenant, retain_days=own)
    await add_message(database, mailbox_id, received_at=NOW - 60 * DAY)

    assert kept is not bool(await trash_overdue(database, jobs, now=NOW))


async def test_restored_message_begins_anew(
    database: Database, jobs: Jobs, database_url: str, mailbox_id: UUID
) -> None:
    """Whoever takes an old message out of the trash does not lose it again within the hour."""
    old = await add_message(database, mailbox_id, received_at=NOW - 60 * DAY)
    await trash_overdue(database, jobs, now=NOW)
    async with database.transaction() as session:
        await messages.restore(session, old, by="test")

    soon = await trash_overdue(database, jobs, now=NOW + DAY)
    later = await trash_overdue(database, jobs, now=NOW + 31 * DAY)

    assert (0, 1) == (soon, later)


async def test_many_go_in_portions(
    database: Database, jobs: Jobs, database_url: str, mailbox_id: UUID
) -> None:
    """More than one transaction takes, all the same."""
    rows_of = (
        "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,"
        " duration_ms, reached_by) SELECT gen_random_uuid(), tenant_id, id, '', '', '', now() - interval '40"
        " days', 1, '{}' FROM mailboxes, generate_series(1, 450) RETURNING 1"
    )
    rows(database_url, rows_of)

    assert 450 == await trash_overdue(database, jobs, now=NOW)


@pytest.mark.parametrize(
    ("tenant", "own", "gone"), [(None, None, False), (5, None, True), (5, 60, False), (None, 5, True)]
)
async def test_trash_is_kept_as_long_as_they_say(
    database: Database,
    tmp_path: Path,
    default_tenant: UUID,
    *,
    tenant: int | None,
    own: int | None,
    gone: bool,
) -> None:
    """The mailbox first, then its tenant, then the settings; the recording goes with it."""
    await set_tenant(database, default_tenant, trash_days=tenant)
    mailbox_id = await add_mailbox(database, default_tenant, trash_days=own)
    deleted = await add_message(database, mailbox_id, state=DELETED, state_changed_at=NOW - 10 * DAY)
    store = RecordingStore(tmp_path)
    store.path(deleted).parent.mkdir()
    closed_wav(store.path(deleted), 0.1)

    purged = await purge_trash(database, store, NOW - 30 * DAY)

    assert (gone, not gone) == (bool(purged), store.path(deleted).exists())


async def test_recipients_are_told_once_at_eighty_percent(
    database: Database, database_url: str, mails: QuotaMails, postbox: Postbox, default_tenant: UUID
) -> None:
    """Each of them; again only when there was room in between."""
    mailbox_id = await add_mailbox(
        database, default_tenant, max_messages=5, email_recipients=["a@example.com", "b@example.com"]
    )
    for _ in range(3):
        kept = await add_message(database, mailbox_id)
    await look(mails, mailbox_id)
    early = queued(database_url)
    fourth = await add_message(database, mailbox_id)

    await look(mails, mailbox_id)
    await look(mails, mailbox_id)
    told = rows(database_url, "SELECT task_name, args->>'recipient' FROM procrastinate_jobs ORDER BY id")
    await tell(mails, mailbox_id, "a@example.com")
    await tell(mails, mailbox_id, "gone@example.com")
    async with database.transaction() as session:
        await messages.move(session, kept, seen=NEW, to=DELETED, by="test")
    await look_again(mails)
    await tell(mails, mailbox_id, "b@example.com")
    async with database.transaction() as session:
        await messages.restore(session, kept, by="test")
    await look(mails, mailbox_id)

    assert ([], [(TELL, "a@example.com"), (TELL, "b@example.com")]) == (early, told)
    (mail,) = postbox.mails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Sales (8001) is almost full" == mail["Subject"]
    assert "This mailbox is 80 % full." in text
    assert "Messages: 4 of 5." in text
    assert 4 == len(rows(database_url, "SELECT 1 FROM procrastinate_jobs"))
    assert fourth


async def test_seconds_are_counted_too(
    database: Database, database_url: str, mails: QuotaMails, default_tenant: UUID
) -> None:
    """What is nearer to its limit counts."""
    await set_tenant(database, default_tenant, max_total_seconds=100, max_messages=1000)
    mailbox_id = await add_mailbox(database, default_tenant, email_recipients=["a@example.com"])
    await add_message(database, mailbox_id, duration_ms=79_999)
    await look(mails, mailbox_id)
    early = queued(database_url)
    await add_message(database, mailbox_id, duration_ms=1)

    await look(mails, mailbox_id)

    assert ([], 1) == (early, len(queued(database_url)))


@pytest.mark.parametrize(("limit", "expected"), [(None, 0), (5, 1)])
async def test_deposit_has_it_looked_at(
    database: Database,
    jobs: Jobs,
    database_url: str,
    tmp_path: Path,
    *,
    default_tenant: UUID,
    limit: int | None,
    expected: int,
) -> None:
    """Only where there is a limit; a deposit itself refuses nobody."""
    mailbox_id = await add_mailbox(database, default_tenant, max_messages=limit)
    for _ in range(6):
        await add_message(database, mailbox_id)
    spool = FileSpool(tmp_path / "spool")
    take = await spool.begin(facts_for(mailbox_id))
    closed_wav(take.wav, 3)
    depositor = Depositor(database=database, jobs=jobs, store=RecordingStore(tmp_path / "store"), spool=spool)

    assert await depositor.deposit(take.facts, take.wav)
    await take.release()
    assert expected == sum(task == LOOK for task, _ in queued(database_url))


async def test_limits_are_fields_of_a_mailbox(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Set, read and unset; what cannot be is refused with the field."""
    none = dict.fromkeys(("retain_days", "trash_days", "max_messages", "max_total_seconds"))
    wanted = {"retain_days": 90, "trash_days": 7, "max_messages": 100, "max_total_seconds": 0}

    set_ = await client.patch(URL, json=wanted)
    unset = await client.patch(URL, json=none)
    wrong = await client.patch(URL, json={"trash_days": 0, "max_messages": -1})

    assert none == {name: mailbox.json()[name] for name in none}
    assert wanted == {name: set_.json()[name] for name in none}
    assert none == {name: unset.json()[name] for name in none}
    assert (422, {"trash_days", "max_messages"}) == (
        wrong.status_code,
        {error["field"] for error in wrong.json()["errors"]},
    )


async def test_limits_are_fields_of_a_tenant(system: httpx.AsyncClient, database_url: str) -> None:
    """30 days from the start; changing them publishes nothing."""
    url = "/api/v1/tenants/default"
    before = (await system.get(url)).json()

    changed = await system.patch(url, json={"retain_days": 60, "trash_days": 10, "max_messages": 500})
    made = await system.post(
        "/api/v1/tenants", json={"name": "north", "sip_domain": "n.example", "retain_days": 7}
    )
    wrong = await system.patch(url, json={"retain_days": 4000})

    assert (30, None, 0, 0) == _limits(before)
    assert (60, 10, 500, 0) == _limits(changed.json())
    assert (7, None, 0, 0) == _limits(made.json())
    assert 422 == wrong.status_code
    fields = rows(database_url, "SELECT fields FROM configuration_changes WHERE name = 'default'")
    assert [] == fields


def _limits(tenant: dict[str, object]) -> tuple[object, ...]:
    return tuple(tenant[name] for name in ("retain_days", "trash_days", "max_messages", "max_total_seconds"))


async def test_portal_asks_for_them(client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser) -> None:
    """Under More, each with its help; empty is the tenant's, and what is no number is told."""
    page = await bob.open("/portal/mailboxes/8001")
    await bob.send("/8001", do="save", retain_days="90", max_messages="100")
    stored = (await client.get(URL)).json()
    await bob.open("/portal/mailboxes/8001")
    wrong = await bob.send("/8001", do="save", retain_days="soon", trash_days="0")
    await bob.open("/portal/mailboxes/8001")
    await bob.send("/8001", do="save", retain_days="")

    assert "one that is taken out of it begins anew" in page.text
    assert (90, None, 100, None) == _limits(stored)
    assert "Enter a number of days, or nothing." in wrong.text
    assert "This is a number of days from 1 to 3650." in wrong.text
    assert (None, None, 100, None) == _limits((await client.get(URL)).json())


async def test_settings_of_the_tenant_have_them(
    system: httpx.AsyncClient, alice: Browser, bob: Browser
) -> None:
    """System admins change them, as over REST; others read them."""
    await alice.open("/portal/settings")
    saved = await alice.send("/settings/tenant", retain_days="45", trash_days="14")
    await alice.open("/portal/settings")
    wrong = await alice.send("/settings/tenant", retain_days="many")
    read = await bob.open("/portal/settings")

    assert "The settings are saved." in saved.text
    assert "That did not work" in wrong.text
    assert "Days that messages are kept 45" in read.text
    assert (45, 14, 0, 0) == _limits((await system.get("/api/v1/tenants/default")).json())
