"""The spool as a folder: facts, locks, and the order in which things are removed."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep, TakeFacts
from controlplane.storage.facts import from_json, from_lines
from controlplane.storage.spool import FileSpool, SpoolStep
from controlplane.storage.spool_entries import Entry, EntryKind
from hypothesis import given
from hypothesis import strategies as st
from tests.support.takes import STARTED_AT, closed_wav, facts_for, files, leave_fallback, leave_take, open_wav

MAILBOX = UUID("33333333-3333-4333-8333-333333333333")
TENANT = UUID("11111111-1111-4111-8111-111111111111")


@pytest.fixture
def spool(tmp_path: Path) -> FileSpool:
    """Make an empty spool."""
    (tmp_path / "spool").mkdir()
    return FileSpool(tmp_path / "spool")


def only(spool: FileSpool) -> Entry:
    """Return the only entry."""
    (entry,) = spool.entries()
    return entry


class Died(BaseException):
    """The process ends here."""


def dies_at(spool: FileSpool, last: SpoolStep) -> FileSpool:
    """Return the same spool, used by somebody who dies after a step."""

    def reached(step: SpoolStep) -> None:
        if step is last:
            raise Died

    return FileSpool(spool.root, reached=reached)


async def test_facts_come_back_as_they_were_written(spool: FileSpool) -> None:
    """All that is known of a take is read again, whatever the caller is called."""
    path = (
        ReachedStep(kind="call-queue", number="6001", reason=ReachedReason.NO_ANSWER, waited_seconds=20),
        ReachedStep(kind="virtual-receptionist", number="6100", key="3"),
    )
    facts = facts_for(
        MAILBOX,
        caller=Caller.of("+49 30", 'Bob "${x}" 中文 \\ </x>'),
        reached_by=ReachedBy(did="+4930123", reason=ReachedReason.BUSY, path=path),
        replaces=uuid4(),
    )
    await spool.begin(facts)

    assert spool.read_facts(only(spool), switch="asterisk") == facts


async def test_facts_are_locked_until_released(spool: FileSpool) -> None:
    """Nobody else gets the lock of a take before its flow lets go of it."""
    take = await spool.begin(facts_for(MAILBOX))
    held = spool.lock(only(spool))
    await take.release()
    free = spool.lock(only(spool))

    assert (held, free is not None) == (None, True)


async def test_releasing_twice_is_no_error(spool: FileSpool) -> None:
    """A take may be released again."""
    take = await spool.begin(facts_for(MAILBOX))
    await take.release()
    await take.release()

    assert spool.lock(only(spool)) is not None


async def test_facts_may_be_read_by_the_group(spool: FileSpool) -> None:
    """The switch and we may be two users of one group."""
    facts = facts_for(MAILBOX)
    await spool.begin(facts)

    assert (spool.root / f"{facts.recording_id}.json").stat().st_mode & 0o777 == 0o660


async def test_spool_that_is_made_is_closed_to_others(tmp_path: Path) -> None:
    """Other users of the machine see neither recordings nor callers, nor what was put aside."""
    before = os.umask(0o022)
    try:
        spool = FileSpool(tmp_path / "spool")
        await (await spool.begin(facts_for(MAILBOX))).release()
        (entry,) = spool.entries()
        spool.quarantine(entry, "A test.")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (spool.root, spool.quarantine_folder)]

    assert [mode & 0o007 for mode in modes] == [0, 0]


async def test_cancelled_beginning_holds_no_lock(spool: FileSpool) -> None:
    """A flow that is cancelled while it writes the facts leaves nothing locked."""
    beginning = asyncio.create_task(spool.begin(facts_for(MAILBOX)))
    await asyncio.sleep(0)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning

    assert all(spool.lock(entry) is not None for entry in spool.entries())


async def test_spool_that_cannot_be_written_raises(tmp_path: Path) -> None:
    """Where no facts can be written, the flow hears so before the beep."""
    (tmp_path / "spool").write_text("not a folder")

    with pytest.raises(OSError, match="exists"):
        await FileSpool(tmp_path / "spool").begin(facts_for(MAILBOX))


async def test_take_is_measured_while_it_is_open(spool: FileSpool) -> None:
    """The flow measures what is in the file now."""
    take = await spool.begin(facts_for(MAILBOX))
    before = take.duration_ms()
    open_wav(take.wav, 1.5)

    assert (before, take.duration_ms()) == (0, 1500)


async def test_discarded_take_leaves_nothing(spool: FileSpool) -> None:
    """Neither audio nor facts nor mark remain of a discarded take; twice is no error."""
    take = await spool.begin(facts_for(MAILBOX))
    closed_wav(take.wav, 1)
    await take.discard()
    await take.discard()

    assert files(spool.root) == []


@pytest.mark.parametrize("last", [SpoolStep.MARKED, SpoolStep.AUDIO_REMOVED, SpoolStep.REMOVED])
async def test_discarding_that_died_is_never_audio_without_a_mark(spool: FileSpool, last: SpoolStep) -> None:
    """Wherever discarding dies, what is left says that it is discarded, or there is nothing."""
    facts = facts_for(MAILBOX)
    leave_take(spool.root, facts)
    with pytest.raises(Died):
        dies_at(spool, last).discard(facts.recording_id)
    kinds = [entry.kind for entry in spool.entries()]

    assert kinds == ([] if last is SpoolStep.REMOVED else [EntryKind.DISCARDED])


async def test_removal_that_died_leaves_facts_without_audio(spool: FileSpool) -> None:
    """A take that was dealt with loses its audio first: audio alone would be of an unknown caller."""
    facts = facts_for(MAILBOX)
    wav = leave_take(spool.root, facts)
    with pytest.raises(Died):
        dies_at(spool, SpoolStep.AUDIO_REMOVED).remove(wav)

    assert files(spool.root) == [f"{facts.recording_id}.json"]


async def test_mark_that_came_after_the_listing_is_respected(spool: FileSpool) -> None:
    """Audio that was listed alone, while its facts became a mark, is not taken for a lone recording."""
    facts = facts_for(MAILBOX)
    wav = leave_take(spool.root, facts)
    listed = Entry(name=wav.stem, kind=EntryKind.TAKE, facts=None, wav=wav)
    with pytest.raises(Died):
        dies_at(spool, SpoolStep.MARKED).discard(facts.recording_id)

    assert spool.lock(listed) is None


async def test_entry_that_is_gone_cannot_be_locked(spool: FileSpool) -> None:
    """What another scanner removed since the listing is left alone."""
    leave_fallback(spool.root, "fb-17.1-1", {"mailbox": str(MAILBOX)})
    listed = only(spool)
    spool.remove(listed.wav)

    assert spool.lock(listed) is None


async def test_folders_links_and_foreign_files_are_no_entries(spool: FileSpool) -> None:
    """Only regular files with the names of the spool are looked at."""
    (spool.root / "folder.wav").mkdir()
    (spool.root / "link.wav").symlink_to("/etc/hostname")
    (spool.root / "notes.txt").write_text("x")
    (spool.root / ".hidden.wav").write_text("x")

    assert spool.entries() == []


async def test_spool_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    """Before the first call there may be no folder."""
    assert FileSpool(tmp_path / "none").entries() == []


def sidecar(**given: str) -> dict[str, str]:
    """Return what the dialplan writes, with some of it given."""
    values = {
        "v": "1",
        "tenant": str(TENANT),
        "mailbox": str(MAILBOX),
        "number": "101",
        "name": "Alice",
        "call": "1763912700.7",
        "at": "1763912701",
        "reached_by": "",
    }
    return values | given


def read_sidecar(spool: FileSpool, values: dict[str, str]) -> TakeFacts | None:
    """Write a sidecar and read it."""
    leave_fallback(spool.root, "fb-1763912700.7-1", values)
    return spool.read_facts(only(spool), switch="asterisk")


async def test_sidecar_of_the_dialplan_is_read(spool: FileSpool) -> None:
    """What the dialplan wrote says who called whom and when."""
    facts = read_sidecar(spool, sidecar(name="Jos\u00e9 = %41\n${x}", reached_by="/extension.102..busy."))

    assert facts is not None
    assert (facts.tenant_id, facts.mailbox_id, facts.call_id) == (TENANT, MAILBOX, "1763912700.7")
    assert facts.caller == Caller(number="101", name="José = %41 ${x}")
    assert facts.reached_by.reason == ReachedReason.BUSY
    assert facts.started_at == datetime.fromtimestamp(1763912701, UTC)


async def test_two_readers_agree_on_the_id_of_a_fallback_take(spool: FileSpool) -> None:
    """The id of a fall-back take is made of its name and the kind of switch."""
    leave_fallback(spool.root, "fb-17.1-1", sidecar())
    first = only(spool).recording_id(switch="asterisk")

    assert (
        first == only(spool).recording_id(switch="asterisk") != only(spool).recording_id(switch="freeswitch")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "x"},
        {"number": ""},
        {"at": "soon"},
        {"at": "1e400"},
        {"at": "nan"},
        {"call": ""},
        {"reached_by": "{"},
        {"reached_by": "[" * 100_000},
        {"reached_by": "extension.102..none_such."},
        {"v": "9"},
    ],
)
async def test_mailbox_alone_makes_a_message(spool: FileSpool, change: dict[str, str]) -> None:
    """Whatever else of a sidecar is broken, its mailbox is enough, and the name tells the call."""
    facts = read_sidecar(spool, sidecar(**change))

    assert facts is not None
    assert (facts.mailbox_id, facts.call_id) == (MAILBOX, "1763912700.7")


@pytest.mark.parametrize("mailbox", ["", "8001", "\0" * 36])
async def test_sidecar_without_a_mailbox_is_no_facts(spool: FileSpool, mailbox: str) -> None:
    """Without a mailbox nobody can tell whose message it is."""
    assert read_sidecar(spool, sidecar(mailbox=mailbox)) is None


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"mailbox_id": 5}', b'{"mailbox_id": ["x"]}'],
)
async def test_broken_facts_are_no_facts(spool: FileSpool, text: bytes) -> None:
    """Facts that a foreign hand or a broken disk changed are refused without an error."""
    wav = leave_take(spool.root, facts_for(MAILBOX))
    wav.with_suffix(".json").write_bytes(text)

    assert spool.read_facts(only(spool), switch="asterisk") is None


def _with(key: str, value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with("caller", None),
        _with("caller", {"number": 5, "name": ["x"]}),
        _with("started_at", "0001-01-01T00:00:00+14:00"),
        _with("started_at", 5),
        _with("tenant_id", None),
        _with(
            "reached_by", {"path": [{"kind": "q", "number": "1", "key": {"a": "\0"}, "waited_seconds": "x"}]}
        ),
        _with("replaces", "x"),
    ],
)
async def test_half_broken_facts_keep_the_mailbox(spool: FileSpool, change: Callable[[Path], None]) -> None:
    """What is broken of our own facts does not lose the rest."""
    wav = leave_take(spool.root, facts_for(MAILBOX))
    change(wav.with_suffix(".json"))
    facts = spool.read_facts(only(spool), switch="asterisk")

    assert facts is not None
    assert (facts.mailbox_id, facts.call_id) == (MAILBOX, "1763912700.1")


async def test_take_cannot_replace_itself(spool: FileSpool) -> None:
    """Facts that name their own take as the one they replace do not block it for ever."""
    recording_id = uuid4()
    leave_take(spool.root, facts_for(MAILBOX, recording_id=recording_id, replaces=recording_id))
    facts = spool.read_facts(only(spool), switch="asterisk")

    assert facts is not None
    assert facts.replaces is None


async def test_quarantined_entry_keeps_its_files_and_its_reason(spool: FileSpool) -> None:
    """A second one of the same name does not overwrite the first."""
    for _ in range(2):
        leave_fallback(spool.root, "fb-17.1-1", sidecar())
        spool.quarantine(only(spool), "nobody knows")
    reasons = [path.read_text() for path in spool.quarantine_folder.glob("*.reason")]

    assert files(spool.root) == []
    assert sorted(path.suffix for path in spool.quarantine_folder.iterdir()) == [
        ".meta",
        ".meta",
        ".reason",
        ".reason",
        ".wav",
        ".wav",
    ]
    assert all(reason.endswith(" nobody knows\n") for reason in reasons)


async def test_unlocked_entries_are_noticed(spool: FileSpool) -> None:
    """The watch sees whether anything lies there that no flow holds."""
    take = await spool.begin(facts_for(MAILBOX))
    held = spool.has_unlocked()
    await take.release()

    assert (held, spool.has_unlocked()) == (False, True)


@given(st.binary(max_size=200))
def test_any_bytes_are_facts_or_none(data: bytes) -> None:
    """No content of a facts file or a sidecar raises."""
    mailbox = b"\nmailbox=" + str(MAILBOX).encode() + b"\n"
    for read in (
        from_json(data, MAILBOX, written_at=STARTED_AT),
        from_lines(data, MAILBOX, call_id="17.1", written_at=STARTED_AT),
    ):
        assert read is None or read.recording_id == MAILBOX
    told = from_lines(data + mailbox, MAILBOX, call_id="17.1", written_at=STARTED_AT)
    assert told is None or told.mailbox_id == MAILBOX


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists),
    st.text(),
)
def test_any_values_of_known_keys_are_facts(value: object, text: str) -> None:
    """Whatever type a value of our own facts has, the mailbox is enough."""
    keys = ("tenant_id", "call_id", "caller", "reached_by", "started_at", "replaces")
    for given_value in (value, text, {"number": value, "name": text, "path": [value], "did": value}):
        data = json.dumps({"mailbox_id": str(MAILBOX)} | dict.fromkeys(keys, given_value)).encode()
        read = from_json(data, TENANT, written_at=STARTED_AT)

        assert read is not None
        assert read.mailbox_id == MAILBOX


async def test_kept_take_says_so_to_the_scanner(spool: FileSpool) -> None:
    """The note is read back with the facts, which are as they were but for it; the lock stays."""
    facts = facts_for(MAILBOX)
    take = await spool.begin(facts)
    (entry,) = spool.entries()
    before = spool.read_facts(entry, switch="asterisk")
    await take.keep()
    after = spool.read_facts(entry, switch="asterisk")

    assert (before, after) == (facts, replace(facts, kept=True))
    assert spool.lock(entry) is None


async def test_take_says_to_the_scanner_that_it_is_urgent(spool: FileSpool) -> None:
    """The mark is written and taken back, and is no hindrance to the other note."""
    facts = facts_for(MAILBOX)
    take = await spool.begin(facts)
    (entry,) = spool.entries()
    read = []
    for urgent in (True, False, True):
        await take.mark_urgent(urgent=urgent)
        read.append(spool.read_facts(entry, switch="asterisk"))
    await take.keep()
    read.append(spool.read_facts(entry, switch="asterisk"))

    marked = replace(facts, urgent=True)
    assert read == [marked, facts, marked, replace(marked, kept=True)]
    assert take.facts == read[-1]


async def test_take_without_facts_cannot_be_kept(spool: FileSpool) -> None:
    """Facts that somebody took away are not made again."""
    take = await spool.begin(facts_for(MAILBOX))
    take.wav.with_suffix(".json").unlink()

    with pytest.raises(FileNotFoundError):
        await take.keep()
    assert files(spool.root) == []


async def test_a_scratch_is_never_a_message(spool: FileSpool) -> None:
    """It is marked as dropped before it is recorded, held while it lasts, and removed."""
    recording_id = uuid4()
    scratch = await spool.scratch(recording_id)
    closed_wav(scratch.wav, 2)
    entry = only(spool)

    assert (EntryKind.DISCARDED, None) == (entry.kind, spool.lock(entry))
    assert 2000 == scratch.duration_ms()

    await scratch.remove()
    await scratch.remove()

    assert [] == spool.entries()


async def test_the_scanner_removes_the_scratch_of_who_died(spool: FileSpool) -> None:
    """The end of the process lets go of the lock."""
    scratch = await spool.scratch(uuid4())
    closed_wav(scratch.wav, 2)
    scratch._lock.release()
    entry = only(spool)
    lock = spool.lock(entry)

    assert lock is not None
    assert spool.read_facts(entry, switch="asterisk") is None

    spool.discard(UUID(entry.name))
    lock.release()

    assert [] == spool.entries()
