"""The spool: where the switch writes recordings, and what lies beside them until they are taken over.

- `<recording id>.json` and `<recording id>.wav`: a take of a flow. The flow holds an `flock` on
  the facts from before they have their name until it has disposed of the take.
- `fb-<channel id>-<n>.wav` and `.meta`: a take of the dialplan, which had to do without us. Without
  `.meta` its facts are tags in the WAV.
- `<recording id>.discarded`: the renamed facts of a take that is dropped; its audio is never a message.
- `.<recording id>.json.new`: facts that are being written.
- `.note-<id>.wav`: what is recorded to be put before a message that is forwarded; never a take.
- `quarantine/`: what could not be understood, each with a `.reason`.

The switch may run as another user: the folder then belongs to a group of both, with mode 2770,
and nothing here depends on who owns a file.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from controlplane.domain.message import TakeFacts
from controlplane.storage import facts as written
from controlplane.storage import wav as wav_files
from controlplane.storage.durable_files import sync_folder
from controlplane.storage.joined_audio import join
from controlplane.storage.spool_entries import Entry, EntryKind, Lock, age_seconds, entry_of, split

_DRAFT = ".note-"
_LONGEST_FACTS = 65536
_LAST_SECOND = 253_402_300_799  # of the year 9999
_MODE = 0o660
_FOLDER_MODE = 0o770


class SpoolStep(StrEnum):
    """What was just done in the spool; the tests of crashes stop there."""

    FACTS_WRITTEN = "facts-written"
    MARKED = "marked"
    AUDIO_REMOVED = "audio-removed"
    REMOVED = "removed"


class FileTake:
    """A take of a flow that is running; made by `FileSpool.begin`, which locked it."""

    def __init__(self, spool: FileSpool, facts: TakeFacts, lock: Lock) -> None:
        self._spool = spool
        self._facts = facts
        self._lock = lock

    @property
    def facts(self) -> TakeFacts:
        """What was written beside it."""
        return self._facts

    @property
    def wav(self) -> Path:
        """Where the switch records."""
        return self._spool.root / f"{self._facts.recording_id}.wav"

    def duration_ms(self) -> int:
        """Measure the audio as it is in the file now; 0 without one. Repairs nothing."""
        return wav_files.duration_ms(self.wav)

    async def keep(self) -> None:
        """Note beside it that it is long enough, for the scanner; raises OSError."""
        await asyncio.to_thread(self._spool.keep, self._facts.recording_id)
        self._facts = replace(self._facts, kept=True)

    async def mark_urgent(self, *, urgent: bool) -> None:
        """Note beside it whether the caller marked it as urgent; raises OSError."""
        self._facts = replace(self._facts, urgent=urgent)
        await asyncio.to_thread(self._spool.mark_urgent, self._facts.recording_id, urgent=urgent)

    async def fill(self, *parts: Path) -> None:
        """Make its audio of recordings, one after the other: all of it, or nothing.

        Raises FileNotFoundError for a part that is not there, NotAWav or OSError.
        """
        await asyncio.to_thread(join, parts, self.wav, mode=_MODE)

    async def discard(self) -> None:
        """Drop it in steps that a crash cannot turn into a message; raises OSError."""
        await asyncio.to_thread(self._spool.discard, self._facts.recording_id)

    async def release(self) -> None:
        """Let go of the lock; if it was not deposited, the scanner takes it over. Idempotent."""
        self._lock.release()


class FileScratch:
    """A recording that is never a message; made by `FileSpool.scratch`, which locked it."""

    def __init__(self, spool: FileSpool, recording_id: UUID, lock: Lock) -> None:
        self._spool = spool
        self._id = recording_id
        self._lock = lock

    @property
    def wav(self) -> Path:
        """Where the switch records."""
        return self._spool.root / f"{self._id}.wav"

    def duration_ms(self) -> int:
        """Measure the audio; 0 without any."""
        return wav_files.duration_ms(self.wav)

    async def remove(self) -> None:
        """Remove it; idempotent, raises OSError: then the scanner does."""
        try:
            await asyncio.to_thread(self._spool.discard, self._id)
        finally:
            self._lock.release()


class FileSpool:
    """The spool as a local folder; NFS is no place for it. All methods but `begin` block.

    `reached` is told of each step once it is done.
    """

    def __init__(self, root: Path, *, reached: Callable[[SpoolStep], None] = lambda _: None) -> None:
        self.root = root
        self.quarantine_folder = root / "quarantine"
        self._reached = reached

    async def begin(self, facts: TakeFacts) -> FileTake:
        """Write the facts durably, hold their lock, and return the take; raises OSError."""
        writing = asyncio.ensure_future(asyncio.to_thread(self._begin, facts))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The thread goes on; a lock that nobody knows of would hide the take from the scanner.
            with suppress(OSError):
                await (await writing).release()
            raise

    async def scratch(self, recording_id: UUID) -> FileScratch:
        """Begin a recording that is marked as dropped before it is made; raises OSError.

        Whatever dies, the scanner removes it.
        """
        making = asyncio.ensure_future(asyncio.to_thread(self._mark, recording_id))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            with suppress(OSError):
                await (await making).remove()
            raise

    def _mark(self, recording_id: UUID) -> FileScratch:
        lock = self._write_locked(f"{recording_id}.discarded", b"")
        return FileScratch(self, recording_id, lock)

    def _begin(self, facts: TakeFacts) -> FileTake:
        lock = self._write_locked(f"{facts.recording_id}.json", written.to_json(facts))
        self._reached(SpoolStep.FACTS_WRITTEN)
        return FileTake(self, facts, lock)

    def _write_locked(self, name: str, content: bytes) -> Lock:
        """Write a file durably under a name, locked from before it has it; return the lock."""
        self.root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        target = self.root / name
        temporary = self.root / f".{target.stem}.json.new"
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            # Locked before it has its name, so that no scanner ever sees it without a lock.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(descriptor, _MODE)
            _write_all(descriptor, content)
            os.fsync(descriptor)
            temporary.rename(target)
            sync_folder(self.root)
        except BaseException:
            temporary.unlink(missing_ok=True)
            target.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return Lock(descriptor)

    def draft(self, draft_id: UUID) -> Path:
        """Return where something can be recorded that is no take: no scanner looks at such a name."""
        return self.root / f"{_DRAFT}{draft_id}.wav"

    def draft_ms(self, draft: Path) -> int:
        """Measure a draft as it is now; 0 without one. Raises OSError."""
        return wav_files.duration_ms(draft)

    async def discard_draft(self, draft: Path) -> None:
        """Remove a draft; what cannot be removed now is, once it is old."""
        with suppress(OSError):
            await asyncio.to_thread(draft.unlink, missing_ok=True)

    def remove_old_drafts(self, seconds: float) -> None:
        """Remove what was left of drafts older than that by a process that died; raises OSError."""
        for kind in (f"{_DRAFT}*.wav", ".*.wav.joined"):
            for left in self.root.glob(kind):
                if age_seconds(left) > seconds:
                    left.unlink(missing_ok=True)

    def keep(self, recording_id: UUID) -> None:
        """Note in its facts that a take is long enough; survives the process. Raises OSError."""
        self._write_over(recording_id, written.YES_BYTE, written.KEPT_OFFSET)

    def mark_urgent(self, recording_id: UUID, *, urgent: bool) -> None:
        """Note in its facts whether a take is urgent; survives the process. Raises OSError."""
        byte = written.YES_BYTE if urgent else written.NO_BYTE
        self._write_over(recording_id, byte, written.URGENT_OFFSET)

    def _write_over(self, recording_id: UUID, byte: bytes, offset: int) -> None:
        descriptor = os.open(self.root / f"{recording_id}.json", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, byte, offset)
        finally:
            os.close(descriptor)

    def discard(self, recording_id: UUID) -> None:
        """Drop a take for ever: mark it, remove the audio, remove the mark. Idempotent; raises OSError."""
        facts = self.root / f"{recording_id}.json"
        mark = self.root / f"{recording_id}.discarded"
        with suppress(FileNotFoundError):
            facts.rename(mark)
            sync_folder(self.root)
            self._reached(SpoolStep.MARKED)
        if mark.exists():
            self._remove_audio_then(self.root / f"{recording_id}.wav", mark)

    def remove(self, wav: Path) -> None:
        """Remove a take that was dealt with: first its audio, then its facts. Idempotent; raises OSError."""
        self._remove_audio_then(wav, *(wav.with_name(wav.stem + end) for end in (".json", ".meta")))

    def _remove_audio_then(self, wav: Path, *others: Path) -> None:
        wav.unlink(missing_ok=True)
        # The order must hold on the disk too, or a power failure leaves audio without its facts.
        sync_folder(self.root)
        self._reached(SpoolStep.AUDIO_REMOVED)
        for other in others:
            other.unlink(missing_ok=True)
        sync_folder(self.root)
        self._reached(SpoolStep.REMOVED)

    def entries(self) -> list[Entry]:
        """List what lies in the spool, by name; links, folders and foreign files are left out."""
        files: dict[str, dict[str, Path]] = {}
        try:
            with os.scandir(self.root) as listing:
                for file in listing:
                    parts = split(file.name)
                    if parts and file.is_file(follow_symlinks=False):
                        files.setdefault(parts[0], {})[parts[1]] = Path(file.path)
        except FileNotFoundError:
            return []
        return [entry_of(self.root, name, found) for name, found in sorted(files.items())]

    def lock(self, entry: Entry) -> Lock | None:
        """Lock an entry without waiting; None if somebody has it, or it is no longer as listed.

        Of a flow's take it is the facts that are locked, of any other the audio if there is any.
        """
        candidates = (
            [entry.wav, entry.facts] if entry.kind is EntryKind.FALLBACK else [entry.facts, entry.wav]
        )
        for path in candidates:
            if path is None:
                continue
            try:
                lock = Lock(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
            except FileNotFoundError:
                continue
            if lock.take() and self._has_no_other_facts(entry) and lock.holds(path):
                return lock
            lock.release()
            return None
        return None

    def _has_no_other_facts(self, entry: Entry) -> bool:
        # A listing is no snapshot: facts may have come since, or have become the mark of a
        # discarded take. Asked before the name of the locked file is, as discarding removes that last.
        return entry.facts is not None or not any(
            (self.root / (entry.name + end)).exists() for end in (".json", ".meta", ".discarded")
        )

    def read_facts(self, entry: Entry, *, switch: str) -> TakeFacts | None:
        """Read what is known of an entry; None if it names no mailbox. Raises OSError."""
        recording_id = entry.recording_id(switch=switch)
        if recording_id is None or entry.kind is EntryKind.DISCARDED:
            return None
        if entry.facts is None:
            return _read_tags(entry, recording_id) if entry.kind is EntryKind.FALLBACK else None
        descriptor = os.open(entry.facts, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_LONGEST_FACTS)
            written_at = _written_at(file)
        if entry.kind is EntryKind.FALLBACK:
            return written.from_lines(data, recording_id, call_id=entry.call_id, written_at=written_at)
        return written.from_json(data, recording_id, written_at=written_at)

    def remove_unfinished(self, entry: Entry) -> None:
        """Remove facts whose writer died before the beep; raises OSError."""
        if entry.kind is EntryKind.UNFINISHED and entry.facts is not None:
            entry.facts.unlink(missing_ok=True)

    def quarantine(self, entry: Entry, reason: str) -> None:
        """Put an entry where nobody trips over it, with the reason beside it; raises OSError."""
        folder = self.quarantine_folder
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        name = entry.name
        if (folder / f"{name}.reason").exists():
            name = f"{name}.{secrets.token_hex(4)}"
        (folder / f"{name}.reason").write_text(f"{datetime.now(UTC).isoformat()} {reason}\n")
        for path in (entry.wav, entry.facts):
            if path is not None:
                with suppress(FileNotFoundError):
                    path.rename(folder / (name + path.suffix))
        sync_folder(folder)
        sync_folder(self.root)

    def has_unlocked(self) -> bool:
        """Tell whether there is anything that no flow holds."""
        for entry in self.entries():
            lock = self.lock(entry)
            if lock is not None:
                lock.release()
                return True
        return False


def _read_tags(entry: Entry, recording_id: UUID) -> TakeFacts | None:
    try:
        with wav_files.open_audio(entry.wav) as file:
            tags = wav_files.read_tags(file)
            written_at = _written_at(file)
    except FileNotFoundError:
        return None
    return written.from_tags(tags, recording_id, call_id=entry.call_id, written_at=written_at)


def _written_at(file: BinaryIO) -> datetime:
    changed_at = os.fstat(file.fileno()).st_mtime
    return datetime.fromtimestamp(min(max(changed_at, 0), _LAST_SECOND), UTC)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
