"""What the Voicemail service does beyond its port's contract: languages, time zones, records, limits."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.callflows.voicemail import Change
from controlplane.domain.colleague import Colleague
from controlplane.domain.errors import Unavailable
from controlplane.domain.message import MessageState, TakeFacts
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.services.pin_hashing import HashCost, PinHasher
from controlplane.services.pins import Pins
from controlplane.services.voicemail_service import VoicemailService
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from tests.support.rows import add_mailbox, add_message, set_tenant

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
KEY = "1:" + base64.b64encode(b"k" * 32).decode()


async def no_deposit(facts: TakeFacts, wav: Path) -> bool:
    """Stand for the deposit, which has tests of its own."""
    raise AssertionError(f"{facts.recording_id} {wav}")


def service(database: Database, hasher: PinHasher, jobs: Jobs, tmp_path: Path) -> VoicemailService:
    """Return the service over a database."""
    return VoicemailService(
        database=database,
        jobs=jobs,
        pins=Pins(database, hasher, jobs, policy=PinLockPolicy()),
        recordings=RecordingStore(tmp_path),
        deposit=no_deposit,
        languages=["en", "de", "pt-BR"],
    )


@pytest.fixture
def hasher() -> Iterator[PinHasher]:
    """Hash cheaply."""
    with closing(PinHasher(KEY, cost=HashCost(time_cost=1, memory_kib=64))) as made:
        yield made


@pytest.fixture
def voicemail(database: Database, hasher: PinHasher, jobs: Jobs, tmp_path: Path) -> VoicemailService:
    """Return the service."""
    return service(database, hasher, jobs, tmp_path)


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID) -> UUID:
    """Make the mailbox 8001."""
    return await add_mailbox(database, default_tenant)


@pytest.mark.parametrize(
    ("of_mailbox", "of_tenant", "spoken"),
    [
        ("de", "en", "de"),
        ("de-AT", "en", "de"),
        ("pt-br", "en", "pt-BR"),
        (None, "de-CH", "de"),
        ("fr", "de", "de"),
        ("fr", "it", "en"),
        (None, "it", "en"),
    ],
)
async def test_language_falls_back(
    *,
    voicemail: VoicemailService,
    database: Database,
    default_tenant: UUID,
    of_mailbox: str | None,
    of_tenant: str,
    spoken: str,
) -> None:
    """The language spoken is the mailbox's, else the tenant's, each along its tag, else English."""
    await set_tenant(database, default_tenant, language=of_tenant)
    mailbox = await voicemail.mailbox(await add_mailbox(database, default_tenant, language=of_mailbox))

    assert mailbox is not None
    assert mailbox.language == spoken


@pytest.mark.parametrize(
    ("of_tenant", "spoken"), [("de-AT", "de"), ("PT-br", "pt-BR"), ("it", "en"), (None, "en")]
)
async def test_language_of_a_tenant_falls_back(
    *,
    voicemail: VoicemailService,
    database: Database,
    default_tenant: UUID,
    of_tenant: str | None,
    spoken: str,
) -> None:
    """Before a mailbox is known the tenant's language is spoken, along its tag, else English."""
    if of_tenant is not None:
        await set_tenant(database, default_tenant, language=of_tenant)

    assert spoken == await voicemail.language(uuid4() if of_tenant is None else default_tenant)


async def test_times_are_local_to_the_tenant(
    voicemail: VoicemailService, database: Database, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """A message received at 23:30 UTC in summer was received at 01:30 of the next day in Berlin."""
    await set_tenant(database, default_tenant, time_zone="Europe/Berlin")
    await add_message(database, mailbox_id, received_at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    (heard,) = await voicemail.messages(mailbox_id, NEW)

    assert heard.received_at.isoformat() == "2026-07-02T01:30:00+02:00"


async def test_deleted_mailbox_is_not_found(
    voicemail: VoicemailService, database: Database, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """A deleted mailbox is found neither by its id nor by its number."""
    async with database.transaction() as session:
        await mailboxes.mark_deleted(session, mailbox_id, expected_version=None, by="token 1")

    found = (await voicemail.mailbox(mailbox_id), await voicemail.mailbox_by_number(default_tenant, "8001"))
    assert found == (None, None)


async def test_new_mailbox_with_an_old_number_is_another_one(
    voicemail: VoicemailService, database: Database, default_tenant: UUID, mailbox_id: UUID, database_url: str
) -> None:
    """A number used again finds the new mailbox, without the messages of the old one."""
    await add_message(database, mailbox_id)
    async with database.transaction() as session:
        await mailboxes.mark_deleted(session, mailbox_id, expected_version=None, by="token 1")
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM numbers")
    again = await add_mailbox(database, default_tenant)
    found = await voicemail.mailbox_by_number(default_tenant, "8001")

    assert found is not None
    assert (found.id, (await voicemail.counts(again)).deleted) == (again, 0)


async def test_change_is_recorded(
    voicemail: VoicemailService, database: Database, mailbox_id: UUID, database_url: str
) -> None:
    """A change notes who made it, keeps the state before the trash, and counts the version up."""
    message_id = await add_message(database, mailbox_id)
    await voicemail.change(message_id, seen=NEW, to=DELETED, by="extension 101")
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT state, state_before, state_changed_by, version FROM messages"
        ).fetchone()

    assert row == ("deleted", "new", "extension 101", 2)


async def test_of_many_at_once_one_is_first(
    voicemail: VoicemailService, database: Database, mailbox_id: UUID
) -> None:
    """Of eight listeners who delete the same message one did it; the others are told by whom."""
    message_id = await add_message(database, mailbox_id)
    changes = await asyncio.gather(
        *(voicemail.change(message_id, seen=NEW, to=DELETED, by=f"extension {n}") for n in range(8))
    )

    first = next(n for n, change in enumerate(changes) if change.done)
    assert sorted(changes, key=lambda change: not change.done) == [
        Change(done=True, state=DELETED),
        *[Change(done=False, state=DELETED, by=Colleague(extension=str(first)))] * 7,
    ]


async def test_message_of_a_deleted_mailbox_cannot_be_undone(
    voicemail: VoicemailService, database: Database, mailbox_id: UUID
) -> None:
    """Who listens while the mailbox is deleted cannot take a message out of the trash."""
    message_id = await add_message(database, mailbox_id)
    async with database.transaction() as session:
        await mailboxes.mark_deleted(session, mailbox_id, expected_version=None, by="token 1")
    undone = (
        await voicemail.restore(message_id, by="extension 101"),
        await voicemail.change(message_id, seen=DELETED, to=SAVED, by="extension 101"),
    )

    assert undone == (Change(done=False, state=DELETED),) * 2


async def test_list_ends_with_the_thousandth_oldest(
    voicemail: VoicemailService, mailbox_id: UUID, database_url: str
) -> None:
    """Of 1,001 messages the newest is left out."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name,"
            " received_at, duration_ms, reached_by)"
            " SELECT gen_random_uuid(), tenant_id, id, '', '', '', '2026-01-01Z'::timestamptz"
            " + n * interval '1 second', 1, '{}' FROM mailboxes, generate_series(1, 1001) n"
        )
    listed = await voicemail.messages(mailbox_id, NEW)

    first = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (len(listed), listed[0].received_at, listed[-1].received_at) == (
        1000,
        first,
        first + timedelta(seconds=999),
    )


async def test_database_that_cannot_be_reached_is_said(hasher: PinHasher, jobs: Jobs, tmp_path: Path) -> None:
    """Without a database the flow is told that it cannot be reached."""
    nowhere = Database(f"postgresql+psycopg:///x?host={tmp_path}", timeout_seconds=2)
    with pytest.raises(Unavailable):
        await service(nowhere, hasher, jobs, tmp_path).mailbox(UUID(int=1))
    await nowhere.close()


async def test_row_that_somebody_holds_is_given_up_in_time(
    *, database_url: str, hasher: PinHasher, jobs: Jobs, tmp_path: Path, database: Database, mailbox_id: UUID
) -> None:
    """A change that waits for another one longer than the limit of calls is given up."""
    message_id = await add_message(database, mailbox_id)
    impatient = Database(database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=0.3)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE messages SET version = version")
        with pytest.raises(Unavailable):
            await service(impatient, hasher, jobs, tmp_path).change(
                message_id, seen=NEW, to=SAVED, by="extension 101"
            )
    await impatient.close()
