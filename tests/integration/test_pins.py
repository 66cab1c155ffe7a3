"""Tries of a PIN against a real database."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.callflows.voicemail import PinSource
from controlplane.domain.pin import Pin
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.services.pin_hashing import HashCost, PinHasher
from controlplane.services.pins import Pins
from controlplane.services.retention import purge_old_bookkeeping
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.rows import add_mailbox, add_tenant

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
CHEAP = HashCost(time_cost=1, memory_kib=64)
RIGHT = Pin("4071")
WRONG = Pin("1111")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Clock:
    """The time of a test, which passes when told to."""

    def __init__(self) -> None:
        # Later than the mailbox's own times, which are the database's.
        self.now = datetime.now(UTC) + MINUTE

    async def __call__(self, _: AsyncSession) -> datetime:
        """Return the time."""
        return self.now


class CountingHasher(PinHasher):
    """Counts what is verified, and what was only made to take the same time."""

    verified = 0
    dummies = 0

    async def verify(self, stored: str | None, pin: Pin) -> bool:
        """Verify and count."""
        if stored is None:
            self.dummies += 1
        else:
            self.verified += 1
        return await super().verify(stored, pin)


@pytest.fixture
def hasher() -> Iterator[CountingHasher]:
    """Hash cheaply."""
    with closing(CountingHasher(OLD, cost=CHEAP)) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    """Return the time of the test."""
    return Clock()


@pytest.fixture
def pins(database: Database, hasher: CountingHasher, jobs: Jobs, clock: Clock) -> Pins:
    """Return what is tested, with the figures of the design."""
    return Pins(database, hasher, jobs, policy=PinLockPolicy(), clock=clock)


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID, hasher: CountingHasher) -> UUID:
    """Make the mailbox 8001 with the PIN 4071."""
    return await add_mailbox(database, default_tenant, pin_hash=await hasher.hash(RIGHT))


def source(tenant_id: UUID, extension: str | None = "101") -> PinSource:
    """Return an extension, or with None the callers from outside."""
    return PinSource(tenant_id=tenant_id, extension=extension)


def rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    """Look into the database."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]  # a test's constant


async def be_wrong(pins: Pins, mailbox_id: UUID | None, who: PinSource, *, times: int) -> None:
    """Enter a wrong PIN some times."""
    for _ in range(times):
        await pins.try_pin(mailbox_id, who, WRONG)


async def test_right_pin_is_right(pins: Pins, mailbox_id: UUID, default_tenant: UUID) -> None:
    """The mailbox's PIN is right."""
    assert await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


async def test_wrong_pin_is_wrong(pins: Pins, mailbox_id: UUID, default_tenant: UUID) -> None:
    """Another PIN is wrong."""
    assert not await pins.try_pin(mailbox_id, source(default_tenant), WRONG)


async def test_tries_are_kept_with_their_result(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """Each try is a row with its source, marked when it was right."""
    await pins.try_pin(mailbox_id, source(default_tenant), WRONG)
    await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)

    kept = rows(database_url, "SELECT source, correct FROM pin_tries ORDER BY id")
    assert kept == [("101", False), ("outside", True)]


async def test_try_is_committed_before_it_is_verified(
    database: Database, jobs: Jobs, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """While a PIN is verified its try can be seen by others already."""
    seen: list[object] = []

    class Looking(PinHasher):
        async def verify(self, stored: str | None, pin: Pin) -> bool:
            seen.extend(rows(database_url, "SELECT correct FROM pin_tries"))
            return await super().verify(stored, pin)

    with closing(Looking(OLD, cost=CHEAP)) as looking:
        await Pins(database, looking, jobs, policy=PinLockPolicy()).try_pin(
            mailbox_id, source(default_tenant), RIGHT
        )

    assert seen == [(False,)]


async def test_of_twenty_at_once_only_the_allowed_are_verified(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, hasher: CountingHasher
) -> None:
    """Twenty tries of one source at the same moment: five are verified, fifteen are not."""
    await asyncio.gather(*(pins.try_pin(mailbox_id, source(default_tenant), WRONG) for _ in range(20)))

    assert (hasher.verified, hasher.dummies) == (5, 15)


async def test_at_once_over_several_mailboxes_only_the_allowed_are_verified(
    pins: Pins, database: Database, default_tenant: UUID, hasher: CountingHasher
) -> None:
    """Thirty tries of one source at ten mailboxes at the same moment: twenty are verified."""
    stored = await hasher.hash(RIGHT)
    ids = [await add_mailbox(database, default_tenant, f"90{n:02}", pin_hash=stored) for n in range(10)]

    await asyncio.gather(*(pins.try_pin(i, source(default_tenant), WRONG) for i in ids * 3))

    assert (hasher.verified, hasher.dummies) == (20, 10)


async def test_locked_source_is_told_wrong_even_with_the_right_pin(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """After five wrong tries the right PIN does not help."""
    await be_wrong(pins, mailbox_id, source(default_tenant), times=5)

    assert not await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


async def test_try_of_a_locked_source_is_not_counted(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """Tries while locked leave no row and do not make the lock longer."""
    await be_wrong(pins, mailbox_id, source(default_tenant), times=9)

    assert rows(database_url, "SELECT count(*) FROM pin_tries") == [(5,)]


async def test_lock_ends_by_itself(pins: Pins, mailbox_id: UUID, default_tenant: UUID, clock: Clock) -> None:
    """Five minutes later the right PIN is right again."""
    await be_wrong(pins, mailbox_id, source(default_tenant), times=5)
    clock.now += 5 * MINUTE

    assert await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


async def test_lock_outlives_a_restart(
    *, pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str, jobs: Jobs, clock: Clock
) -> None:
    """A process that starts anew knows of the lock."""
    await be_wrong(pins, mailbox_id, source(default_tenant), times=5)
    again = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with closing(PinHasher(OLD, cost=CHEAP)) as hasher:
        restarted = Pins(again, hasher, jobs, policy=PinLockPolicy(), clock=clock)
        result = await restarted.try_pin(mailbox_id, source(default_tenant), RIGHT)
    await again.close()

    assert not result


async def test_lock_of_one_source_does_not_concern_another(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """A colleague at another extension gets in while the first one is locked."""
    await be_wrong(pins, mailbox_id, source(default_tenant, "101"), times=5)

    assert await pins.try_pin(mailbox_id, source(default_tenant, "102"), RIGHT)


async def test_right_pin_of_one_source_does_not_clear_another(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """A colleague's right PIN does not unlock the one who is locked."""
    await be_wrong(pins, mailbox_id, source(default_tenant, "101"), times=5)
    await pins.try_pin(mailbox_id, source(default_tenant, "102"), RIGHT)

    assert not await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)


async def test_lock_does_not_concern_another_mailbox(
    pins: Pins, mailbox_id: UUID, database: Database, default_tenant: UUID, hasher: CountingHasher
) -> None:
    """A source that is locked at one mailbox may hear its own."""
    own = await add_mailbox(database, default_tenant, "8002", pin_hash=await hasher.hash(RIGHT))
    await be_wrong(pins, mailbox_id, source(default_tenant), times=5)

    assert await pins.try_pin(own, source(default_tenant), RIGHT)


async def test_new_pin_ends_the_locks_of_the_old_one(
    *,
    pins: Pins,
    mailbox_id: UUID,
    database: Database,
    default_tenant: UUID,
    hasher: CountingHasher,
    clock: Clock,
) -> None:
    """Who was locked may enter a PIN that was set meanwhile."""
    clock.now -= 2 * MINUTE
    await _age(database, mailbox_id)
    await be_wrong(pins, mailbox_id, source(default_tenant), times=5)
    await _set_pin(database, mailbox_id, await hasher.hash(Pin("8252")))
    clock.now += 3 * MINUTE

    assert await pins.try_pin(mailbox_id, source(default_tenant), Pin("8252"))


async def _age(database: Database, mailbox_id: UUID, by: str = "1 hour") -> None:
    """Let the mailbox's PIN be an hour old, or older."""
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            f"UPDATE mailboxes SET pin_changed_at = pin_changed_at - interval '{by}'"
        )


async def _set_pin(database: Database, mailbox_id: UUID, pin_hash: str) -> None:
    async with database.transaction() as session:
        await mailboxes.update_values(
            session, mailbox_id, expected_version=None, values={"pin_hash": pin_hash}
        )


async def test_callers_from_outside_are_one_source_per_mailbox(
    pins: Pins, mailbox_id: UUID, database: Database, default_tenant: UUID, hasher: CountingHasher
) -> None:
    """Wrong tries from outside at many mailboxes do not lock those who call another one from outside."""
    stored = await hasher.hash(RIGHT)
    for n in range(6):
        other = await add_mailbox(database, default_tenant, f"90{n:02}", pin_hash=stored)
        await be_wrong(pins, other, source(default_tenant, None), times=4)

    assert await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)


async def test_wrong_tries_over_many_mailboxes_lock_an_extension_everywhere(
    pins: Pins, mailbox_id: UUID, database: Database, default_tenant: UUID, hasher: CountingHasher
) -> None:
    """After twenty wrong tries, four at each mailbox, an extension is locked at one it never tried."""
    stored = await hasher.hash(RIGHT)
    for n in range(5):
        other = await add_mailbox(database, default_tenant, f"90{n:02}", pin_hash=stored)
        await be_wrong(pins, other, source(default_tenant), times=4)

    assert not await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


async def test_source_locked_everywhere_is_let_in_after_an_hour(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, clock: Clock
) -> None:
    """Twenty wrong tries at unknown mailboxes lock an extension for an hour."""
    await be_wrong(pins, None, source(default_tenant), times=20)
    clock.now += 60 * MINUTE

    assert await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


async def test_right_pin_does_not_clear_the_count_over_all_mailboxes(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """Who guesses at other mailboxes cannot wipe that out with the PIN of their own."""
    await be_wrong(pins, None, source(default_tenant), times=19)
    await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)
    await be_wrong(pins, None, source(default_tenant), times=1)

    assert not await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)


@pytest.mark.parametrize("unknown", [None, uuid4()])
async def test_unknown_mailbox_is_wrong_after_the_same_work(
    pins: Pins, default_tenant: UUID, hasher: CountingHasher, database_url: str, unknown: UUID | None
) -> None:
    """A try of a mailbox that does not exist is counted, hashed and wrong."""
    result = await pins.try_pin(unknown, source(default_tenant), RIGHT)

    counted = rows(database_url, "SELECT mailbox_id, source, correct FROM pin_tries")
    assert (result, hasher.dummies, counted) == (False, 1, [(None, "101", False)])


async def test_mailbox_of_another_tenant_is_unknown(
    pins: Pins, mailbox_id: UUID, database: Database, hasher: CountingHasher
) -> None:
    """An extension of another tenant cannot open the mailbox with its PIN."""
    stranger = await add_tenant(database)

    result = await pins.try_pin(mailbox_id, source(stranger), RIGHT)
    assert (result, hasher.verified) == (False, 0)


async def _many_wrong(pins: Pins, mailbox_id: UUID, tenant_id: UUID, *, times: int) -> None:
    """Let each of many extensions be wrong four times."""
    for n in range(0, times, 4):
        await be_wrong(pins, mailbox_id, source(tenant_id, f"2{n:03}"), times=min(4, times - n))


def _alarms(database_url: str) -> int:
    (count,) = rows(
        database_url, "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'mail.pin_alarm'"
    )[0]
    assert isinstance(count, int)
    return count


async def _wrong_from_outside(
    pins: Pins, mailbox_id: UUID, tenant_id: UUID, clock: Clock, *, times: int
) -> None:
    """Let callers from outside be wrong as often as locks let them, in less than a month."""
    for _ in range(times // 5):
        await be_wrong(pins, mailbox_id, source(tenant_id, None), times=5)
        clock.now += DAY + MINUTE


async def test_hundred_wrong_tries_from_outside_shut_out_no_extension(
    *, pins: Pins, mailbox_id: UUID, default_tenant: UUID, clock: Clock, database_url: str
) -> None:
    """A phone that comes for the first time is let in; callers from outside are not. Recipients are told."""
    await _wrong_from_outside(pins, mailbox_id, default_tenant, clock, times=100)
    extension = await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)
    outside = await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)
    clock.now += 60 * DAY
    later = await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)

    assert (True, False, False) == (extension, outside, later)
    assert 100 == rows(database_url, "SELECT count(*) FROM pin_tries WHERE NOT correct")[0][0]
    assert [({"mailbox_id": str(mailbox_id), "outside": True},)] == rows(
        database_url, "SELECT args FROM procrastinate_jobs WHERE task_name = 'mail.pin_alarm'"
    )
    assert [(None, True)] == rows(
        database_url, "SELECT pin_refused_at, pin_refused_outside_at IS NOT NULL FROM mailboxes"
    )


async def test_one_right_pin_from_outside_vouches_for_no_other_caller(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, clock: Clock
) -> None:
    """Callers from outside are many: who guesses is not let in because a team member was."""
    await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)
    await _wrong_from_outside(pins, mailbox_id, default_tenant, clock, times=100)

    assert not await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)


async def test_wrong_tries_of_extensions_and_from_outside_are_not_added_up(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, clock: Clock, database_url: str
) -> None:
    """Ninety of each refuse the PIN to nobody."""
    await _wrong_from_outside(pins, mailbox_id, default_tenant, clock, times=90)
    await _many_wrong(pins, mailbox_id, default_tenant, times=90)

    assert await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)
    assert await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)
    assert 0 == _alarms(database_url)


async def test_hundred_wrong_tries_of_extensions_refuse_it_from_outside_too(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """The PIN was guessed at; who may call from anywhere is the last to be trusted. Told once."""
    await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)

    assert not await pins.try_pin(mailbox_id, source(default_tenant, None), RIGHT)
    assert 1 == _alarms(database_url)


async def test_new_pin_lifts_the_refusal_from_outside(
    *,
    pins: Pins,
    mailbox_id: UUID,
    default_tenant: UUID,
    database: Database,
    hasher: CountingHasher,
    clock: Clock,
    database_url: str,
) -> None:
    """After the PIN was changed callers from outside may enter the new one."""
    clock.now -= 30 * DAY
    await _age(database, mailbox_id, "60 days")
    await _wrong_from_outside(pins, mailbox_id, default_tenant, clock, times=100)
    await _set_pin(database, mailbox_id, await hasher.hash(Pin("8252")))
    clock.now = datetime.now(UTC) + DAY

    assert await pins.try_pin(mailbox_id, source(default_tenant, None), Pin("8252"))
    assert [(None,)] == rows(database_url, "SELECT pin_refused_outside_at FROM mailboxes")


async def test_hundred_wrong_tries_of_many_sources_refuse_a_new_one(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """After a hundred wrong tries the right PIN of a source that never gave it is refused."""
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)

    assert not await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)


async def test_hundred_wrong_tries_do_not_refuse_who_gave_it_before(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID
) -> None:
    """A team member who has listened before is not locked out by strangers."""
    await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)

    assert await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)


async def test_recipients_are_told_once_with_the_hundredth_wrong_try(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """The mail about it is queued with the hundredth wrong try and never again."""
    await _many_wrong(pins, mailbox_id, default_tenant, times=99)
    before = _alarms(database_url)
    await _many_wrong(pins, mailbox_id, default_tenant, times=20)

    assert (before, _alarms(database_url)) == (0, 1)


async def test_right_pin_as_the_hundredth_try_raises_no_alarm(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """Ninety-nine wrong tries and a right one are not a hundred wrong ones."""
    await _many_wrong(pins, mailbox_id, default_tenant, times=99)

    result = await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)
    assert (result, _alarms(database_url)) == (True, 0)


async def test_refusal_outlives_the_month_in_which_it_began(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database: Database, clock: Clock
) -> None:
    """Two months later, with the old tries removed, the PIN is still refused to strangers."""
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)
    clock.now += 60 * DAY
    await _purge(database, clock.now - 30 * DAY)

    assert not await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)


async def test_trust_outlives_the_month_in_which_it_began(
    pins: Pins, mailbox_id: UUID, default_tenant: UUID, database: Database, clock: Clock
) -> None:
    """Who gave the PIN rightly two months ago is still let in, although older tries were removed."""
    await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)
    clock.now += 60 * DAY
    await _purge(database, clock.now - 30 * DAY)

    assert await pins.try_pin(mailbox_id, source(default_tenant, "101"), RIGHT)


async def _purge(database: Database, before: datetime) -> None:
    await purge_old_bookkeeping(
        database, recordings_taken_before=before, idempotency_keys_before=before, pin_tries_before=before
    )


async def test_purge_keeps_one_right_try_of_a_source(
    *, pins: Pins, mailbox_id: UUID, default_tenant: UUID, database: Database, database_url: str, clock: Clock
) -> None:
    """Of old tries only the last right one of each source stays."""
    await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)
    await pins.try_pin(mailbox_id, source(default_tenant), WRONG)
    await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)
    await _purge(database, clock.now + DAY)

    assert rows(database_url, "SELECT id, correct FROM pin_tries") == [(3, True)]


async def test_purge_forgets_right_tries_of_a_pin_that_was_changed(
    *,
    pins: Pins,
    mailbox_id: UUID,
    default_tenant: UUID,
    database: Database,
    database_url: str,
    hasher: CountingHasher,
    clock: Clock,
) -> None:
    """A right try of the PIN before gives no trust and goes."""
    clock.now -= 2 * MINUTE
    await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)
    await _set_pin(database, mailbox_id, await hasher.hash(Pin("8252")))
    await _purge(database, clock.now + DAY)

    assert rows(database_url, "SELECT id FROM pin_tries") == []


async def test_new_pin_lifts_the_refusal(
    *,
    pins: Pins,
    mailbox_id: UUID,
    default_tenant: UUID,
    database: Database,
    hasher: CountingHasher,
    clock: Clock,
) -> None:
    """After the PIN was changed every source may enter the new one."""
    clock.now -= 2 * MINUTE
    await _age(database, mailbox_id)
    await _many_wrong(pins, mailbox_id, default_tenant, times=100)
    await _set_pin(database, mailbox_id, await hasher.hash(Pin("8252")))
    clock.now += 3 * MINUTE

    assert await pins.try_pin(mailbox_id, source(default_tenant, "101"), Pin("8252"))


async def test_right_pin_under_an_old_key_is_stored_under_the_new_one(
    database: Database, jobs: Jobs, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """The first right try after a change of keys hashes the PIN anew, which is no change of the PIN."""
    before = rows(database_url, "SELECT version, pin_changed_at FROM mailboxes")
    with closing(PinHasher(f"{NEW}\n{OLD}", cost=CHEAP)) as rotated:
        pins = Pins(database, rotated, jobs, policy=PinLockPolicy())
        await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)
        again = await pins.try_pin(mailbox_id, source(default_tenant), RIGHT)

    after = rows(database_url, "SELECT version, pin_changed_at FROM mailboxes")
    ((key_id,),) = rows(database_url, "SELECT split_part(pin_hash, '$', 1) FROM mailboxes")
    assert (again, key_id, after) == (True, "new", before)


async def test_wrong_pin_under_an_old_key_is_not_stored(
    database: Database, jobs: Jobs, mailbox_id: UUID, default_tenant: UUID, database_url: str
) -> None:
    """A wrong try after a change of keys changes nothing of the mailbox."""
    before = rows(database_url, "SELECT pin_hash FROM mailboxes")
    with closing(PinHasher(f"{NEW}\n{OLD}", cost=CHEAP)) as rotated:
        await Pins(database, rotated, jobs, policy=PinLockPolicy()).try_pin(
            mailbox_id, source(default_tenant), WRONG
        )

    assert rows(database_url, "SELECT pin_hash FROM mailboxes") == before
