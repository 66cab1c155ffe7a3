"""Lamps: what every change of a mailbox tells, in which order, and what an answer says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.message import MessageState
from controlplane.services.lamps import Lamps, defer_lamps, replay, tell
from controlplane.services.message_changes import BulkAction, Requested, bulk, delete_message, set_state
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from tests.support.deposits import insert_mailbox, queued, rows
from tests.support.rows import add_message

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED


@dataclass
class FakePhones:
    """A switch that notes what it is to tell."""

    told: list[tuple[Lamp, LampQuery | None]] = field(default_factory=list)
    away: bool = False

    async def send_mwi(self, lamp: Lamp, *, query: LampQuery | None = None) -> None:
        """Note it."""
        if self.away:
            raise SwitchUnavailable("The switch is away.")
        self.told.append((lamp, query))


@pytest.fixture
def phones() -> FakePhones:
    """Return the phones."""
    return FakePhones()


@pytest.fixture
def lamps(database: Database, phones: FakePhones) -> Lamps:
    """Return what tells them."""
    return Lamps(database=database, control=phones)


@pytest.fixture
def mailbox(database_url: str, default_tenant: UUID) -> UUID:
    """Return the mailbox 8001."""
    return insert_mailbox(database_url, default_tenant)


def locks(url: str) -> list[tuple[str, str]]:
    """Return the lamps that wait to be told, with their locks."""
    return rows(url, "SELECT args->>'number', lock FROM procrastinate_jobs WHERE task_name = 'mwi.send'")


async def test_lamp_counts_what_is_new_and_saved(
    database: Database, lamps: Lamps, phones: FakePhones, mailbox: UUID
) -> None:
    """What is in the trash lights nothing."""
    for state in (NEW, NEW, SAVED, DELETED):
        await add_message(database, mailbox, state=state)
    await tell(lamps, "8001")

    assert [(Lamp(number="8001", new=2, saved=1), None)] == phones.told


async def test_number_without_a_mailbox_is_dark(lamps: Lamps, phones: FakePhones) -> None:
    """A phone that asks for it is told so, and waits for nothing."""
    query = LampQuery(number="8999", domain="h", reply_to=(("sub-call-id", "x"),))
    await tell(lamps, "8999", query=query)

    assert [(Lamp(number="8999"), query)] == phones.told


async def test_deleted_mailbox_lights_nothing_of_the_next_one(
    database: Database, lamps: Lamps, phones: FakePhones, database_url: str, default_tenant: UUID
) -> None:
    """A number that is used again shows the new mailbox."""
    gone = insert_mailbox(database_url, default_tenant, deleted_at="now")
    await add_message(database, gone)
    insert_mailbox(database_url, default_tenant)
    await tell(lamps, "8001")

    assert [(Lamp(number="8001"), None)] == phones.told


async def test_each_change_is_told_under_the_lock_of_its_number(  # noqa: PLR0917 (fixtures)
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID, mailbox: UUID, tmp_path: Path
) -> None:
    """Marking, deleting, and many at once: one job for each, which reads the present state."""
    first, second = [await add_message(database, mailbox) for _ in range(2)]
    store = RecordingStore(tmp_path)
    await set_state(
        database, jobs, default_tenant, first, state=Requested.SAVED, expected_version=None, by="t"
    )
    await delete_message(database, jobs, store, default_tenant, first, expected_version=None, by="t")
    await bulk(database, jobs, default_tenant, [first, second], action=BulkAction.MARK_READ, by="t")

    assert [("8001", "mwi:8001")] * 3 == locks(database_url)


async def test_change_that_changes_nothing_tells_nothing(
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID, mailbox: UUID
) -> None:
    """A repeated request is quiet."""
    message = await add_message(database, mailbox)
    await set_state(
        database, jobs, default_tenant, message, state=Requested.NEW, expected_version=None, by="t"
    )

    assert [] == queued(database_url)


async def test_job_is_there_only_with_its_change(
    database: Database, jobs: Jobs, database_url: str, mailbox: UUID
) -> None:
    """What is rolled back is told to nobody."""

    async def fail() -> None:
        async with database.transaction() as session:
            await defer_lamps(session, jobs, [mailbox])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert [] == locks(database_url)


async def test_replay_tells_all_that_is_lit(
    database: Database, lamps: Lamps, phones: FakePhones, database_url: str, default_tenant: UUID
) -> None:
    """Phones that asked while nobody listened learn of every mailbox that holds something."""
    for number in ("8001", "8002", "8003"):
        mailbox = insert_mailbox(database_url, default_tenant, number=number)
        if number != "8002":
            await add_message(database, mailbox)
    told = await replay(lamps)

    assert (2, ["8001", "8003"]) == (told, [lamp.number for lamp, _ in phones.told])


async def test_replay_tells_again_what_changed_meanwhile(
    database: Database, database_url: str, default_tenant: UUID
) -> None:
    """A message that came while its mailbox was told of is told too: the last word is right."""
    mailbox = insert_mailbox(database_url, default_tenant)
    await add_message(database, mailbox)

    class Busy(FakePhones):
        async def send_mwi(self, lamp: Lamp, *, query: LampQuery | None = None) -> None:
            if not self.told:
                await add_message(database, mailbox)
            await super().send_mwi(lamp, query=query)

    phones = Busy()
    await replay(Lamps(database=database, control=phones))

    assert [1, 2] == [lamp.new for lamp, _ in phones.told]


async def test_switch_that_is_away_is_tried_again(lamps: Lamps, phones: FakePhones) -> None:
    """The job fails, and its retry reads the state anew."""
    phones.away = True

    with pytest.raises(SwitchUnavailable):
        await tell(lamps, "8001")


async def test_where_no_phone_has_a_lamp_nothing_is_told(database: Database) -> None:
    """The jobs run, and end at once."""
    lamps = Lamps(database=database, control=None)
    await tell(lamps, "8001")

    assert 0 == await replay(lamps)
