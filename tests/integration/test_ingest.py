"""The scanner: what it takes over, what it leaves alone, and what it puts aside."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.message import recording_id_of_fallback
from controlplane.services.deposit import Depositor
from controlplane.services.ingest import Handled, Ingest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from tests.support.deposits import FakeSwitch, insert_mailbox, messages, outcomes, queued, rows
from tests.support.takes import aged, facts_for, files, leave_fallback, leave_take, open_wav, spoken_wav

CALL = "1763912700.1"


@dataclass
class Scanner:
    """A scanner over an empty spool with a switch that knows no call, and a clock of its own."""

    ingest: Ingest
    spool: FileSpool
    depositor: Depositor
    switch: FakeSwitch
    now: float = 0.0

    @property
    def root(self) -> Path:
        """The folder of the spool."""
        return self.spool.root

    async def scan(self) -> dict[Handled, int]:
        """Scan, and return what was done, without what was not."""
        return {how: count for how, count in (await self.ingest.scan()).counts.items() if count}

    async def scan_and_again(self) -> list[dict[Handled, int]]:
        """Scan, and once more when what did not change is known to be quiet."""
        first = await self.scan()
        self.now += self.ingest.settle_seconds
        return [first, await self.scan()]


def scanner_over(database: Database, jobs: Jobs, folder: Path) -> Scanner:
    """Make a scanner over a folder."""
    spool = FileSpool(folder / "spool")
    depositor = Depositor(
        database=database, jobs=jobs, store=RecordingStore(folder / "recordings"), spool=spool
    )
    switch = FakeSwitch()
    made = Scanner(
        ingest=Ingest(spool=spool, depositor=depositor, switch=switch),
        spool=spool,
        depositor=depositor,
        switch=switch,
    )
    made.ingest.clock = lambda: made.now
    return made


@pytest.fixture
def scanner(database: Database, jobs: Jobs, tmp_path: Path) -> Scanner:
    """Make a scanner over an empty spool."""
    (tmp_path / "spool").mkdir()
    return scanner_over(database, jobs, tmp_path)


@pytest.fixture
def mailbox(database_url: str, default_tenant: UUID) -> UUID:
    """Add a mailbox."""
    return insert_mailbox(database_url, default_tenant)


def sidecar(mailbox: UUID, **given: str) -> dict[str, str]:
    """Return what the dialplan writes beside a fall-back take."""
    return {
        "v": "1",
        "mailbox": str(mailbox),
        "number": "101",
        "name": "Alice",
        "call": CALL,
        "at": "1763912701",
    } | given


# A call that is over.


async def test_take_of_a_dead_flow_becomes_a_message(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """What a flow recorded before it died is a message once the call is over."""
    facts = facts_for(mailbox)
    leave_take(scanner.root, facts, 3)
    done = await scanner.scan()

    assert done == {Handled.DEPOSITED: 1}
    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 3000)]
    assert files(scanner.root) == []


async def test_fallback_take_becomes_a_message(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """What the dialplan recorded is a message with its caller, under an id made of its name."""
    leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), 2)
    await scanner.scan()

    assert rows(database_url, "SELECT id, mailbox_id, caller_number, caller_name, call_id FROM messages") == [
        (recording_id_of_fallback(f"fb-{CALL}-1", switch="asterisk"), mailbox, "101", "Alice", CALL)
    ]
    assert files(scanner.root) == []


async def test_message_of_a_dead_flow_is_mailed(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """It is mailed as any other."""
    facts = facts_for(mailbox)
    leave_take(scanner.root, facts)
    await scanner.scan()

    assert queued(database_url) == [
        ("mail.send", str(facts.recording_id)),
        ("mwi.send", "8001"),
        ("speech.envelope", str(facts.recording_id)),
    ]


async def test_file_that_was_never_closed_is_repaired(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """A header of zero is repaired from the file's length when the switch does not know the call."""
    facts = facts_for(mailbox)
    leave_take(scanner.root, facts, 2.5, closed=False)
    await scanner.scan_and_again()

    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 2500)]


async def test_file_that_just_grew_is_left_alone(scanner: Scanner, mailbox: UUID) -> None:
    """A file that is not closed and was just written to is still recorded, whatever the switch says."""
    leave_take(scanner.root, facts_for(mailbox), 2, closed=False)

    assert await scanner.scan() == {Handled.WAITING: 1}


@pytest.mark.parametrize("ahead_seconds", [-100_000, -3600, 3600, 100_000])
async def test_stepped_clock_ends_no_recording(scanner: Scanner, mailbox: UUID, ahead_seconds: float) -> None:
    """What grows is being recorded, and who says nothing may still begin, however old their files look."""
    scanner.switch.known = {CALL}
    # What a switch says of its start follows the clock.
    scanner.switch.since = time.time() + ahead_seconds - 60
    growing = leave_fallback(scanner.root, "fb-nobody-1", sidecar(mailbox), 4, closed=False)
    silent = leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), 0, closed=False)
    aged(silent, ahead_seconds)
    told = []
    for seconds in (3, 2, 1):
        with growing.open("ab") as file:
            file.write(bytes(1600))
        aged(growing, ahead_seconds + seconds)
        told.append(await scanner.scan())
        scanner.now += scanner.ingest.settle_seconds

    assert [{Handled.WAITING: 2}] * 3 == told
    assert silent.exists()


async def test_short_take_is_dropped(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """The mailbox's minimum length holds for the scanner too."""
    leave_take(scanner.root, facts_for(mailbox), 0.5)

    assert await scanner.scan() == {Handled.DROPPED: 1}
    assert (messages(database_url), files(scanner.root)) == ([], [])


@pytest.mark.parametrize("seconds", [None, 0])
async def test_facts_without_audio_are_removed(
    scanner: Scanner, mailbox: UUID, seconds: float | None
) -> None:
    """Nothing was recorded, and the call is over."""
    leave_take(scanner.root, facts_for(mailbox), seconds, closed=False)
    leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), seconds, closed=False)

    assert await scanner.scan() == {Handled.REMOVED: 2}
    assert files(scanner.root) == []


# A call that goes on.


async def test_live_recording_is_left_alone(scanner: Scanner, mailbox: UUID) -> None:
    """A file that is not closed belongs to the switch as long as it knows the call."""
    scanner.switch.known = {CALL}
    aged(leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), 20, closed=False), 1000)

    assert await scanner.scan() == {Handled.WAITING: 1}


async def test_silent_caller_is_left_alone(scanner: Scanner, mailbox: UUID) -> None:
    """A caller who thinks leaves 44 unchanged bytes for as long as he likes."""
    scanner.switch.known = {CALL}
    aged(leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), 0, closed=False), 1000)

    assert await scanner.scan() == {Handled.WAITING: 1}


async def test_facts_of_a_call_that_goes_on_are_left_alone(scanner: Scanner, mailbox: UUID) -> None:
    """The dialplan may be about to record under the facts that the flow wrote."""
    scanner.switch.known = {CALL}
    leave_take(scanner.root, facts_for(mailbox), None)

    assert await scanner.scan() == {Handled.WAITING: 1}


async def test_closed_recording_of_a_call_that_goes_on_is_taken_later(
    scanner: Scanner, mailbox: UUID
) -> None:
    """The dialplan gets the time to see that there is audio; then the message need not wait for the end."""
    scanner.switch.known = {CALL}
    leave_take(scanner.root, facts_for(mailbox))
    first = await scanner.scan()
    scanner.now += 4.9
    second = await scanner.scan()
    scanner.now += 0.2

    assert [first, second, await scanner.scan()] == [
        {Handled.WAITING: 1},
        {Handled.WAITING: 1},
        {Handled.DEPOSITED: 1},
    ]


async def test_take_that_a_flow_holds_is_left_alone(scanner: Scanner, mailbox: UUID) -> None:
    """A flow that lives disposes of its take itself, even when the call is over."""
    take = await scanner.spool.begin(facts_for(mailbox))
    leave_take(scanner.root, take.facts)
    (held, _) = (await scanner.scan(), await take.release())

    assert held == {Handled.HELD: 1}


# The switch itself.


async def test_killed_switch_loses_no_recording(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """After its restart nothing of before is recorded any more, even if an id is used again."""
    scanner.switch.known = {CALL}
    scanner.switch.since = time.time() - 10
    aged(leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox), 4, closed=False), 12)

    assert [{Handled.WAITING: 1}, {Handled.DEPOSITED: 1}] == await scanner.scan_and_again()
    assert [length for *_, length in messages(database_url)] == [4000]


async def test_without_the_switch_only_closed_files_are_taken(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """When the switch cannot be asked, a closed file is enough and an open one is left."""
    scanner.switch.away = True
    scanner.ingest.settle_seconds = 0
    closed = facts_for(mailbox)
    leave_take(scanner.root, closed, 3)
    aged(leave_take(scanner.root, facts_for(mailbox), 3, closed=False), 1000)
    leave_take(scanner.root, facts_for(mailbox), None)

    assert await scanner.scan() == {Handled.DEPOSITED: 1, Handled.WAITING: 2}
    assert [each for each, *_ in messages(database_url)] == [closed.recording_id]


async def test_forgotten_recording_is_taken_without_asking(scanner: Scanner, mailbox: UUID) -> None:
    """What nobody touched for more than a day is over, also without a switch to ask."""
    scanner.ingest.switch = None
    aged(leave_take(scanner.root, facts_for(mailbox), 3, closed=False), 90_000)

    assert [{Handled.WAITING: 1}, {Handled.DEPOSITED: 1}] == await scanner.scan_and_again()


# Recording again.


async def test_long_second_take_replaces_the_first(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """A flow that died before it chose: the newer take is the message, the older one is gone."""
    first = facts_for(mailbox)
    second = facts_for(mailbox, replaces=first.recording_id)
    leave_take(scanner.root, first, 5)
    leave_take(scanner.root, second, 3)

    assert await scanner.scan() == {Handled.DEPOSITED: 1, Handled.DROPPED: 1}
    assert messages(database_url) == [(second.recording_id, mailbox, "new", 3000)]
    assert files(scanner.root) == []


@pytest.mark.parametrize("seconds", [0.3, 0, None])
async def test_short_second_take_keeps_the_first(
    scanner: Scanner, database_url: str, mailbox: UUID, seconds: float | None
) -> None:
    """If the newer one is too short, or nothing was recorded, the older one is the message."""
    first = facts_for(mailbox)
    leave_take(scanner.root, first, 5)
    second = leave_take(
        scanner.root, facts_for(mailbox, replaces=first.recording_id), seconds, closed=bool(seconds)
    )
    if seconds is not None:
        aged(second, 60)
    await scanner.scan()

    assert messages(database_url) == [(first.recording_id, mailbox, "new", 5000)]
    assert files(scanner.root) == []


@pytest.mark.parametrize("held", [True, False])
async def test_first_take_waits_for_the_second(
    scanner: Scanner, database_url: str, mailbox: UUID, held: bool
) -> None:
    """While the take that may replace it is not decided, the first one is no message yet."""
    first = facts_for(mailbox, call_id="over")
    leave_take(scanner.root, first, 5)
    second = facts_for(mailbox, replaces=first.recording_id)
    if held:
        await scanner.spool.begin(second)
    else:
        scanner.switch.known = {CALL}
        leave_take(scanner.root, second, 3, closed=False)
    await scanner.scan()

    assert messages(database_url) == []


async def test_third_take_replaces_both(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """Of a chain of takes one message comes out, however they lie in the spool."""
    takes = [facts_for(mailbox)]
    for hour in (16, 17):
        takes.append(
            facts_for(
                mailbox,
                replaces=takes[-1].recording_id,
                started_at=takes[0].started_at.replace(hour=hour),
            )
        )
    for facts in takes:
        leave_take(scanner.root, facts)
    await scanner.scan()

    assert [each for each, *_ in messages(database_url)] == [takes[-1].recording_id]
    assert files(scanner.root) == []


async def test_discarded_take_is_never_a_message(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """A take whose flow died while dropping it is dropped."""
    facts = facts_for(mailbox)
    wav = leave_take(scanner.root, facts)
    wav.with_suffix(".json").rename(wav.with_suffix(".discarded"))

    assert await scanner.scan() == {Handled.REMOVED: 1}
    assert (messages(database_url), files(scanner.root)) == ([], [])


# What cannot be understood.


async def test_audio_without_facts_is_put_aside(scanner: Scanner, database_url: str) -> None:
    """A recording that nobody can place is kept for a person, with the reason."""
    leave_fallback(scanner.root, f"fb-{CALL}-1", None)

    assert await scanner.scan() == {Handled.QUARANTINED: 1}
    assert files(scanner.spool.quarantine_folder) == [f"fb-{CALL}-1.reason", f"fb-{CALL}-1.wav"]


async def test_audio_without_facts_that_was_dealt_with_is_removed(scanner: Scanner, mailbox: UUID) -> None:
    """What a crash left of a take that is a message already is no riddle."""
    facts = facts_for(mailbox)
    leave_take(scanner.root, facts)
    await scanner.scan()
    leave_take(scanner.root, facts).with_suffix(".json").unlink()
    scanner.ingest.settle_seconds = 0

    assert await scanner.scan() == {Handled.REMOVED: 1}


async def test_no_audio_is_put_aside_after_the_call(scanner: Scanner, mailbox: UUID) -> None:
    """A file that is no WAV is left during its call, and put aside after it."""
    scanner.switch.known = {CALL}
    leave_take(scanner.root, facts_for(mailbox)).write_bytes(bytes(1000))
    during = await scanner.scan()
    scanner.switch.known = set()

    assert [during, await scanner.scan()] == [{Handled.WAITING: 1}, {Handled.QUARANTINED: 1}]


async def test_unknown_mailbox_is_put_aside(scanner: Scanner) -> None:
    """A recording for a mailbox that never was is kept for a person."""
    leave_take(scanner.root, facts_for(uuid4()))

    assert await scanner.scan() == {Handled.QUARANTINED: 1}


async def test_file_of_an_unknown_name_is_put_aside(scanner: Scanner) -> None:
    """A foreign WAV file does not lie in the spool for ever."""
    open_wav(scanner.root / "holiday.wav", 2)
    aged(scanner.root / "holiday.wav", 90_000)

    assert [{Handled.WAITING: 1}, {Handled.QUARANTINED: 1}] == await scanner.scan_and_again()


async def test_unfinished_facts_are_removed_when_old(scanner: Scanner) -> None:
    """Facts whose writer died before the beep go after a while, and young ones stay."""
    (scanner.root / f".{uuid4()}.json.new").write_text("{")
    old = scanner.root / f".{uuid4()}.json.new"
    old.write_text("{")
    aged(old, 100)

    assert await scanner.scan() == {Handled.REMOVED: 1, Handled.WAITING: 1}
    assert not old.exists()


# Trouble.


async def test_bad_entry_does_not_block_the_others(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """An entry that fails stays and is counted; all others become messages."""
    scanner.depositor.store._root.write_text("not a folder")
    leave_take(scanner.root, facts_for(mailbox))
    leave_take(scanner.root, facts_for(mailbox), 0.2)
    failed = await scanner.scan()
    scanner.depositor.store._root.unlink()

    assert failed == {Handled.FAILED: 1, Handled.DROPPED: 1}
    assert await scanner.scan() == {Handled.DEPOSITED: 1}


async def test_failures_are_counted_for_the_alarm(scanner: Scanner, mailbox: UUID) -> None:
    """A disk that refuses shows in the metrics, and no longer once it is well."""
    scanner.depositor.store._root.write_text("not a folder")
    leave_take(scanner.root, facts_for(mailbox))
    await scanner.scan()
    left = scanner.ingest.metrics.left.labels("failed")
    during = left._value.get()
    scanner.depositor.store._root.unlink()
    await scanner.scan()

    assert (during, left._value.get()) == (1, 0)


async def test_database_that_is_away_ends_the_scan(scanner: Scanner, jobs: Jobs, tmp_path: Path) -> None:
    """Without a database nothing is lost and nothing raises; the scan ends at the first entry."""
    away = Database(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}", timeout_seconds=2)
    broken = scanner_over(away, jobs, tmp_path)
    for _ in range(3):
        leave_take(broken.root, facts_for(uuid4()))
    done = await broken.scan()
    await away.close()

    assert done == {Handled.FAILED: 1}
    assert len(files(broken.root)) == 6


async def test_spool_that_is_no_folder_is_an_alarm(scanner: Scanner) -> None:
    """A spool that cannot be read is a failure, not an end of the process."""
    scanner.root.rmdir()
    scanner.root.write_text("not a folder")

    assert await scanner.scan() == {Handled.FAILED: 1}


async def test_empty_spool_asks_nobody(scanner: Scanner) -> None:
    """A scan of nothing costs nothing, whatever the switch and the database do."""
    scanner.switch.away = True

    assert await scanner.scan() == {}


async def test_parallel_scans_and_flows_make_each_message_once(
    scanner: Scanner, database: Database, jobs: Jobs, database_url: str, mailbox: UUID
) -> None:
    """Four scanners and the flows themselves at once: each take is a message once, mailed once."""
    takes = [facts_for(mailbox) for _ in range(6)]
    wavs = [leave_take(scanner.root, facts, 1.5) for facts in takes]
    for number in range(6):
        leave_fallback(scanner.root, f"fb-{CALL}-{number}", sidecar(mailbox), 1.5)
    scanners = [scanner_over(database, jobs, scanner.root.parent) for _ in range(4)]
    await asyncio.gather(
        *(each.scan() for each in scanners),
        *(scanner.depositor.deposit(facts, wav) for facts, wav in zip(takes, wavs, strict=True)),
        return_exceptions=True,
    )
    await scanner.scan()
    tasks = [task for task, _ in queued(database_url)]

    assert len(messages(database_url)) == 12
    assert (tasks.count("mail.send"), tasks.count("speech.envelope")) == (12, 12)
    assert set(outcomes(database_url).values()) == {"message"}
    assert files(scanner.root) == []


# A call whose end nobody saw: silence may have ended the recording.


@pytest.mark.parametrize("minimum", [0, 1])
async def test_silent_caller_of_the_dialplan_leaves_nothing(
    scanner: Scanner, database_url: str, default_tenant: UUID, minimum: int
) -> None:
    """What the switch leaves of silence is no message, even without a minimum; nobody is mailed."""
    mailbox = insert_mailbox(database_url, default_tenant, min_message_seconds=minimum)
    spoken_wav(leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox)), (1020, 0))
    done = await scanner.scan()

    assert done == {Handled.DROPPED: 1}
    assert (messages(database_url), queued(database_url), files(scanner.root)) == ([], [], [])


async def test_silent_caller_of_a_dead_flow_leaves_nothing(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """A flow that died before it judged is judged for by its own rule."""
    spoken_wav(leave_take(scanner.root, facts_for(mailbox)), (1020, 0))
    done = await scanner.scan()

    assert done == {Handled.DROPPED: 1}
    assert (messages(database_url), files(scanner.root)) == ([], [])


async def test_second_of_speech_before_the_silence_is_a_message(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """Who speaks for the minimum and then says nothing leaves a message, with all of its audio."""
    spoken_wav(leave_fallback(scanner.root, f"fb-{CALL}-1", sidecar(mailbox)), (1000, 8000), (1020, 0))
    done = await scanner.scan()
    ((_, _, _, length),) = messages(database_url)

    assert done == {Handled.DEPOSITED: 1}
    assert length == 2020


async def test_take_that_a_flow_kept_is_not_judged_again(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """A flow knows what ended a recording: what it kept, and said is sent, becomes a message."""
    facts = facts_for(mailbox)
    take = await scanner.spool.begin(facts)
    spoken_wav(take.wav, (600, 8000), (1100, 0))
    await take.keep()
    await take.release()
    done = await scanner.scan()

    assert done == {Handled.DEPOSITED: 1}
    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 1700)]


async def test_take_that_its_caller_marked_is_urgent(
    scanner: Scanner, database_url: str, mailbox: UUID
) -> None:
    """What the flow noted before it died is delivered as the caller wanted it."""
    take = await scanner.spool.begin(facts_for(mailbox))
    spoken_wav(take.wav, (2000, 8000))
    await take.mark_urgent(urgent=True)
    await take.release()
    done = await scanner.scan()

    assert done == {Handled.DEPOSITED: 1}
    assert rows(database_url, "SELECT urgent FROM messages") == [(True,)]


async def test_silent_second_take_keeps_the_first(scanner: Scanner, database_url: str, mailbox: UUID) -> None:
    """Silence does not replace what the caller said before."""
    first = facts_for(mailbox)
    second = facts_for(mailbox, replaces=first.recording_id)
    leave_take(scanner.root, first, 3)
    spoken_wav(leave_take(scanner.root, second), (1020, 0))
    done = await scanner.scan()

    assert done == {Handled.DROPPED: 1, Handled.DEPOSITED: 1}
    assert messages(database_url) == [(first.recording_id, mailbox, "new", 3000)]
