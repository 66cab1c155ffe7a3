"""The life of a message, cut off at every step: it is there once, mailed once, and the spool is empty."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.message import TakeFacts
from controlplane.services.deposit import Depositor, DepositStep
from controlplane.services.ingest import Handled, Ingest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool, SpoolStep
from controlplane.storage.wav import HEADER_BYTES
from tests.support.deposits import DEPOSIT_STEPS, FakeSwitch, insert_mailbox, messages, queued
from tests.support.dying import AGAIN, BEGIN, LEAVE, SCAN, run_until
from tests.support.takes import audio, facts_for, files, leave_fallback, leave_take

KILLED = -9


@pytest.fixture
def facts(database_url: str, default_tenant: UUID) -> TakeFacts:
    """Return the facts of a take for a mailbox that wants mail."""
    return facts_for(insert_mailbox(database_url, default_tenant))


@pytest.fixture
def ingest(database: Database, jobs: Jobs, tmp_path: Path) -> Ingest:
    """Make the scanner of a switch whose calls are over."""
    (tmp_path / "spool").mkdir()
    return scanner_over(database, jobs, tmp_path)


def scanner_over(database: Database, jobs: Jobs, folder: Path) -> Ingest:
    """Make a scanner over a folder."""
    spool = FileSpool(folder / "spool")
    depositor = Depositor(
        database=database, jobs=jobs, store=RecordingStore(folder / "recordings"), spool=spool
    )
    return Ingest(spool=spool, depositor=depositor, switch=FakeSwitch(), settle_seconds=0)


def assert_there_once(url: str, ingest: Ingest, message_id: UUID, seconds: float = 3.0) -> None:
    """Check that there is one whole message, one mail and one envelope to be made, and nothing left."""
    store = ingest.depositor.store

    assert [(each, length) for each, _, _, length in messages(url)] == [(message_id, round(seconds * 1000))]
    assert queued(url) == [
        ("mail.send", str(message_id)),
        ("mwi.send", "8001"),
        ("speech.envelope", str(message_id)),
    ]
    assert store.path(message_id).read_bytes()[HEADER_BYTES:] == audio(seconds)
    assert files(ingest.spool.root) == []


@pytest.mark.parametrize("step", ["recorded", *DEPOSIT_STEPS])
async def test_flow_killed_at_any_step_loses_nothing(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path, step: str
) -> None:
    """A flow is killed after the recording or at any step of its deposit; the scanner does the rest."""
    ended = run_until(LEAVE, step, url=database_url, folder=tmp_path, facts=facts)
    await ingest.scan()

    assert ended == KILLED
    assert_there_once(database_url, ingest, facts.recording_id)


async def test_flow_killed_while_recording_keeps_what_was_said(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path
) -> None:
    """Flow and switch die during the recording: what is in the file is the message."""
    run_until(LEAVE, "recording", url=database_url, folder=tmp_path, facts=facts)
    await ingest.scan()

    assert_there_once(database_url, ingest, facts.recording_id, 1.2)


@pytest.mark.parametrize("step", [SpoolStep.FACTS_WRITTEN, "begun"])
async def test_flow_killed_before_the_beep_leaves_nothing(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path, step: str
) -> None:
    """Before anything was recorded there is no message, and the facts go with the call."""
    run_until(LEAVE, step, url=database_url, folder=tmp_path, facts=facts)
    await ingest.scan()

    assert (messages(database_url), files(ingest.spool.root)) == ([], [])


@pytest.mark.parametrize("step", DEPOSIT_STEPS)
async def test_scanner_killed_at_any_step_loses_nothing(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path, step: str
) -> None:
    """The scanner itself is killed while it takes over a recording of the dialplan."""
    leave_fallback(
        ingest.spool.root, "fb-17.1-1", {"mailbox": str(facts.mailbox_id), "call": "17.1", "at": "17"}
    )
    (entry,) = ingest.spool.entries()
    ended = run_until(SCAN, step, url=database_url, folder=tmp_path, facts=facts)
    await ingest.scan()

    assert ended == KILLED
    assert_there_once(database_url, ingest, entry.recording_id(switch="asterisk") or uuid4())


async def test_killed_again_and_again_is_still_once(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path
) -> None:
    """One scanner after the other is killed, each one step further; the message is there once."""
    leave_take(ingest.spool.root, facts)
    for step in DEPOSIT_STEPS:
        run_until(SCAN, step, url=database_url, folder=tmp_path, facts=facts)
    await ingest.scan()

    assert_there_once(database_url, ingest, facts.recording_id)


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (SpoolStep.FACTS_WRITTEN, "earlier"),
        ("begun", "earlier"),
        ("recording", "later, cut off"),
        ("recorded", "later"),
        (SpoolStep.MARKED, "later"),
        ("replaced", "later"),
        (DepositStep.COPIED, "later"),
        (DepositStep.COMMITTED, "later"),
    ],
)
async def test_recording_again_killed_at_any_step_keeps_one(
    ingest: Ingest, facts: TakeFacts, database_url: str, step: str, kept: str
) -> None:
    """A caller records again and the flow dies: one of the two takes is the message, never none or both.

    It is the newer one as soon as that is long enough.
    """
    earlier = facts_for(facts.mailbox_id)
    # The earlier take passes some of the same steps; only the later one is to die there.
    if step == SpoolStep.FACTS_WRITTEN:
        leave_take(ingest.spool.root, earlier, 5)
        run_until(LEAVE, step, url=database_url, folder=ingest.spool.root.parent, facts=facts)
    else:
        run_until(
            AGAIN, step, url=database_url, folder=ingest.spool.root.parent, facts=facts, earlier=earlier
        )
    await ingest.scan()
    message_id, seconds = {
        "earlier": (earlier.recording_id, 5.0),
        "later": (facts.recording_id, 3.0),
        "later, cut off": (facts.recording_id, 1.2),
    }[kept]

    assert_there_once(database_url, ingest, message_id, seconds)


async def test_full_disk_keeps_the_take_until_there_is_room(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path
) -> None:
    """A store that takes no more bytes loses nothing, leaves no half recording, and is retried."""
    wav = leave_take(ingest.spool.root, facts)
    ended = run_until(SCAN, "never", url=database_url, folder=tmp_path, facts=facts, largest_file=16_384)

    assert ended == 0
    assert wav.exists()
    assert messages(database_url) == []
    assert [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()] == []

    await ingest.scan()
    assert_there_once(database_url, ingest, facts.recording_id)


async def test_full_disk_before_the_beep_is_an_error_and_leaves_nothing(
    ingest: Ingest, facts: TakeFacts, database_url: str, tmp_path: Path
) -> None:
    """Facts that cannot be written whole are not written at all, and the flow hears of it."""
    ended = run_until(BEGIN, "never", url=database_url, folder=tmp_path, facts=facts, largest_file=10)

    assert ended == 1
    assert list(ingest.spool.root.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB; skipped where that is not allowed."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    """Make a mounted disk read-only (`ro`) or not (`rw`)."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


async def test_disk_that_fills_up_keeps_the_take(
    ingest: Ingest, facts: TakeFacts, database_url: str, small_disk: Path
) -> None:
    """A real full disk: the recording waits in the spool and is a message once there is room."""
    (small_disk / "ballast").write_bytes(bytes(40_000))
    leave_take(ingest.spool.root, facts)
    full = await ingest.scan()
    (small_disk / "ballast").unlink()
    await ingest.scan()

    assert full[Handled.FAILED] == 1
    assert_there_once(database_url, ingest, facts.recording_id)


async def test_read_only_store_keeps_the_take(
    ingest: Ingest, facts: TakeFacts, database_url: str, small_disk: Path
) -> None:
    """A store that became read-only: the recording waits until it can be written again."""
    remount(small_disk, "ro")
    leave_take(ingest.spool.root, facts)
    refused = await ingest.scan()
    remount(small_disk, "rw")
    await ingest.scan()

    assert refused[Handled.FAILED] == 1
    assert_there_once(database_url, ingest, facts.recording_id)
