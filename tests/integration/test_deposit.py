"""Depositing a take: once, durably, into the right mailbox."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.domain.caller import Caller
from controlplane.domain.errors import Unavailable
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.services.deposit import Depositor, DepositStep, NoSuchMailbox, StillRecorded
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.wav import HEADER_BYTES, NotAWav
from tests.support.deposits import insert_mailbox, messages, outcomes, queued, rows
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.takes import STARTED_AT, audio, closed_wav, facts_for, files, leave_take


@pytest.fixture
def depositor(database: Database, jobs: Jobs, tmp_path: Path) -> Depositor:
    """Make a depositor over an empty store and spool."""
    (tmp_path / "spool").mkdir()
    return Depositor(
        database=database,
        jobs=jobs,
        store=RecordingStore(tmp_path / "recordings"),
        spool=FileSpool(tmp_path / "spool"),
    )


@pytest.fixture
def mailbox(database_url: str, default_tenant: UUID) -> UUID:
    """Add a mailbox that wants mail and at least a second."""
    return insert_mailbox(database_url, default_tenant)


async def test_take_becomes_a_message(depositor: Depositor, database_url: str, mailbox: UUID) -> None:
    """The message has the take's id and mailbox, is new, and is as long as the audio."""
    facts = facts_for(mailbox)
    deposited = await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 3))

    assert deposited
    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 3000)]


async def test_recording_is_in_the_store(depositor: Depositor, mailbox: UUID) -> None:
    """What the caller said is stored, and the spool is empty."""
    facts = facts_for(mailbox)
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 3))

    assert depositor.store.path(facts.recording_id).read_bytes()[HEADER_BYTES:] == audio(3)
    assert files(depositor.spool.root) == []


async def test_message_keeps_who_called_and_how(
    depositor: Depositor, database_url: str, mailbox: UUID, default_tenant: UUID
) -> None:
    """Caller, call, time and way are kept; the tenant is that of the mailbox, whatever the facts say."""
    reached_by = ReachedBy(
        did="+49301",
        reason=ReachedReason.BUSY,
        path=(ReachedStep(kind="call-queue", number="6001", waited_seconds=9),),
    )
    facts = facts_for(mailbox, reached_by=reached_by, tenant_id=uuid4())
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))
    ((tenant, call, number, name, received_at, how),) = rows(
        database_url,
        "SELECT tenant_id, call_id, caller_number, caller_name, received_at, reached_by FROM messages",
    )

    assert (tenant, call, number, name, received_at) == (
        default_tenant,
        "1763912700.1",
        "101",
        "Alice",
        STARTED_AT,
    )
    assert ReachedBy.from_json(how) == reached_by


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
async def test_hostile_caller_is_no_obstacle(
    depositor: Depositor, database_url: str, mailbox: UUID, text: str
) -> None:
    """Whatever the caller is called, the message gets through the spool's facts and into the database."""
    facts = facts_for(mailbox, caller=Caller.of(text, text))
    wav = leave_take(depositor.spool.root, facts)
    (entry,) = depositor.spool.entries()
    read = depositor.spool.read_facts(entry, switch="asterisk")

    assert read == facts
    assert await depositor.deposit(read, wav)


async def test_mail_and_envelope_are_queued_once(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """With the message come a job for its spoken envelope and one for its mail; a repeat adds none."""
    facts = facts_for(mailbox)
    for _ in range(2):
        await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    assert queued(database_url) == [
        ("mail.send", str(facts.recording_id)),
        ("mwi.send", "8001"),
        ("speech.envelope", str(facts.recording_id)),
    ]


@pytest.mark.parametrize("values", [{"email_notification": False}, {"email_recipients": []}])
async def test_mailbox_that_mails_nobody_queues_no_mail(
    depositor: Depositor, database_url: str, default_tenant: UUID, values: dict[str, object]
) -> None:
    """Without notification or without recipients there is no mail; the rest is as ever."""
    facts = facts_for(insert_mailbox(database_url, default_tenant, **values))
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    assert [task for task, _ in queued(database_url)] == ["mwi.send", "speech.envelope"]
    assert rows(database_url, "SELECT recipient FROM message_mails") == []


async def test_each_recipient_is_mailed_once(
    depositor: Depositor, database_url: str, default_tenant: UUID
) -> None:
    """There is one mail and one job for each address, also for one that is named twice."""
    addresses = ("a@example.com", "b@example.com", "a@example.com")
    facts = facts_for(insert_mailbox(database_url, default_tenant, recipients=addresses))
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    assert rows(database_url, "SELECT recipient, status FROM message_mails ORDER BY recipient") == [
        ("a@example.com", "queued"),
        ("b@example.com", "queued"),
    ]
    assert sorted(
        rows(database_url, "SELECT args->>'recipient' FROM procrastinate_jobs WHERE task_name = 'mail.send'")
    ) == [("a@example.com",), ("b@example.com",)]


async def test_deposit_that_fails_leaves_nothing(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """Message, mails and jobs are there together, or none of them is."""

    def fail(step: DepositStep) -> None:
        if step is DepositStep.INSERTED:
            raise RuntimeError

    facts = facts_for(mailbox)
    with pytest.raises(RuntimeError):
        await replace(depositor, reached=fail).deposit(facts, leave_take(depositor.spool.root, facts))

    assert (messages(database_url), queued(database_url), outcomes(database_url)) == ([], [], {})


async def test_lamp_of_another_tenant_is_told_by_its_name(depositor: Depositor, database_url: str) -> None:
    """The same number of the default tenant is another one, with another lock."""
    other = uuid4()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO tenants (id, name, sip_domain, language, time_zone)"
            " VALUES (%s, 'other', 'other.test', 'en', 'UTC')",
            (other,),
        )
    facts = facts_for(insert_mailbox(database_url, other))
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    told = rows(
        database_url, "SELECT args->>'tenant', lock FROM procrastinate_jobs WHERE task_name = 'mwi.send'"
    )

    assert told == [(str(other), f"mwi:8001@{other}")]


async def test_repeat_only_cleans_up(depositor: Depositor, database_url: str, mailbox: UUID) -> None:
    """A take that is a message already is removed from the spool, and nothing else happens."""
    facts = facts_for(mailbox)
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 3))
    again = await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 9))

    assert again
    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 3000)]
    assert files(depositor.spool.root) == []


async def test_purged_message_does_not_come_back(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """The note that a recording was dealt with outlives its message."""
    facts = facts_for(mailbox)
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM messages")
    await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    assert messages(database_url) == []


async def test_short_take_is_dropped_and_counted(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """Less than the mailbox's minimum is no message; that it was dealt with is written down."""
    facts = facts_for(mailbox)
    deposited = await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 0.99))

    assert not deposited
    assert messages(database_url) == []
    assert outcomes(database_url) == {facts.recording_id: "too_short"}
    assert files(depositor.spool.root) == []
    assert depositor.metrics.takes.labels("too_short")._value.get() == 1


async def test_minimum_itself_is_long_enough(depositor: Depositor, mailbox: UUID) -> None:
    """A take of exactly the minimum is a message."""
    facts = facts_for(mailbox)

    assert await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 1.0))


async def test_silence_of_no_length_is_no_message(
    depositor: Depositor, database_url: str, default_tenant: UUID
) -> None:
    """Even where there is no minimum, a take without audio is dropped."""
    mailbox = insert_mailbox(database_url, default_tenant, min_message_seconds=0)
    facts = facts_for(mailbox)

    assert not await depositor.deposit(facts, leave_take(depositor.spool.root, facts, 0, closed=False))


async def test_deleted_mailbox_gets_it_in_the_trash(
    depositor: Depositor, database_url: str, default_tenant: UUID
) -> None:
    """A message on its way into a mailbox that was deleted goes to its trash, without mail.

    Never to the new mailbox of the same number.
    """
    old = insert_mailbox(database_url, default_tenant, deleted_at=STARTED_AT)
    insert_mailbox(database_url, default_tenant)
    facts = facts_for(old)
    deposited = await depositor.deposit(facts, leave_take(depositor.spool.root, facts))

    assert deposited
    assert rows(database_url, "SELECT mailbox_id, state, state_before FROM messages") == [
        (old, "deleted", "new")
    ]
    assert queued(database_url) == []


async def test_deletion_at_the_same_time_leaves_no_new_message(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """A mailbox that is being deleted while a message is stored has none that is new afterwards."""
    facts = facts_for(mailbox)
    wav = leave_take(depositor.spool.root, facts)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("UPDATE mailboxes SET deleted_at = now() WHERE id = %s", (mailbox,))
        depositing = asyncio.create_task(depositor.deposit(facts, wav))
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
            async with asyncio.timeout(10):
                while not await _somebody_waits(other):  # noqa: ASYNC110 (the fact is in the database)
                    await asyncio.sleep(0.01)
    await depositing

    assert [state for _, _, state, _ in messages(database_url)] == ["deleted"]


async def _somebody_waits(connection: psycopg.AsyncConnection[tuple[int]]) -> bool:
    found = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    row = await found.fetchone()
    return row is not None and row[0] > 0


async def test_unknown_mailbox_is_an_error_and_loses_nothing(depositor: Depositor) -> None:
    """A take of a mailbox that never was stays in the spool."""
    facts = facts_for(uuid4())
    wav = leave_take(depositor.spool.root, facts)
    with pytest.raises(NoSuchMailbox):
        await depositor.deposit(facts, wav)

    assert wav.exists()


async def test_open_recording_is_left_to_the_scanner(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """A file that the switch has not closed is no message yet, unless the call is over for certain."""
    facts = facts_for(mailbox)
    wav = leave_take(depositor.spool.root, facts, 2, closed=False)
    with pytest.raises(StillRecorded):
        await depositor.deposit(facts, wav)
    assert wav.exists()

    assert await depositor.deposit(facts, wav, ended=True)
    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 2000)]


async def test_what_is_no_audio_stays(depositor: Depositor, mailbox: UUID) -> None:
    """What cannot be understood is an error, and stays where it is."""
    facts = facts_for(mailbox)
    wav = leave_take(depositor.spool.root, facts)
    wav.write_bytes(bytes(5000))
    with pytest.raises(NotAWav):
        await depositor.deposit(facts, wav)

    assert wav.exists()


async def test_replaced_take_can_never_become_a_message(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """With the take that the caller recorded again, the earlier one is settled as discarded."""
    earlier = facts_for(mailbox)
    later = facts_for(mailbox, replaces=earlier.recording_id)
    await depositor.deposit(later, leave_take(depositor.spool.root, later))
    first = await depositor.deposit(earlier, leave_take(depositor.spool.root, earlier))

    assert not first
    assert outcomes(database_url) == {later.recording_id: "message", earlier.recording_id: "discarded"}
    assert len(messages(database_url)) == 1


async def test_short_second_take_leaves_the_first(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """A take that is too short replaces nothing."""
    earlier = facts_for(mailbox)
    later = facts_for(mailbox, replaces=earlier.recording_id)
    await depositor.deposit(later, leave_take(depositor.spool.root, later, 0.5))

    assert await depositor.deposit(earlier, leave_take(depositor.spool.root, earlier))


async def test_two_at_once_make_one_message(depositor: Depositor, database_url: str, mailbox: UUID) -> None:
    """Eight deposits of one take at the same time end as one message and one mail, and all say yes."""
    facts = facts_for(mailbox)
    wav = leave_take(depositor.spool.root, facts)
    everybody = await asyncio.gather(
        *(depositor.deposit(facts, wav) for _ in range(8)), return_exceptions=True
    )

    # Who came too late to copy finds the file gone, and hears so next time.
    assert all(result is True or isinstance(result, FileNotFoundError) for result in everybody)
    assert len(messages(database_url)) == 1
    assert [task for task, _ in queued(database_url)] == ["mail.send", "mwi.send", "speech.envelope"]


async def test_spool_that_cannot_be_cleaned_is_no_lost_message(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """Once the message is committed the caller hears that it is sent, whatever the spool does."""
    facts = facts_for(mailbox)
    wav = leave_take(depositor.spool.root, facts)

    def become_a_folder(step: DepositStep) -> None:
        if step is DepositStep.COMMITTED:
            wav.unlink()
            wav.mkdir()

    deposited = await replace(depositor, reached=become_a_folder).deposit(facts, wav)

    assert deposited
    assert len(messages(database_url)) == 1
    assert depositor.metrics.not_removed._value.get() == 1


async def test_store_that_cannot_be_written_keeps_the_take(
    database: Database, jobs: Jobs, database_url: str, mailbox: UUID, tmp_path: Path
) -> None:
    """A store that refuses is an error; take and facts stay, and nothing is committed."""
    spool = FileSpool(tmp_path / "spool")
    (tmp_path / "recordings").write_text("not a folder")
    depositor = Depositor(
        database=database, jobs=jobs, store=RecordingStore(tmp_path / "recordings"), spool=spool
    )
    facts = facts_for(mailbox)
    wav = leave_take(spool.root, facts)
    with pytest.raises(OSError, match="exists"):
        await depositor.deposit(facts, wav)

    assert len(files(spool.root)) == 2
    assert outcomes(database_url) == {}


async def test_database_that_is_away_keeps_the_take(jobs: Jobs, tmp_path: Path, mailbox: UUID) -> None:
    """Without a database the deposit says so in time, and the take stays."""
    spool = FileSpool(tmp_path / "spool")
    away = Database(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}", timeout_seconds=2)
    depositor = Depositor(
        database=away, jobs=jobs, store=RecordingStore(tmp_path / "recordings"), spool=spool
    )
    facts = facts_for(mailbox)
    wav = leave_take(spool.root, facts)
    with pytest.raises(Unavailable):
        await depositor.deposit(facts, wav)
    await away.close()

    assert len(files(spool.root)) == 2


async def test_flow_deposits_the_take_that_it_holds(
    depositor: Depositor, database_url: str, mailbox: UUID
) -> None:
    """A flow deposits its own take while it holds the lock, then lets go."""
    facts = facts_for(mailbox)
    take = await depositor.spool.begin(facts)
    closed_wav(take.wav, 2)
    deposited = await depositor.deposit(take.facts, take.wav)
    await take.release()

    assert deposited
    assert files(depositor.spool.root) == []
