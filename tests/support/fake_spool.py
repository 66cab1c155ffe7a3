"""The Spool port over a folder, with a scanner and a dialplan that do what the real ones promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from controlplane.callflows.call import Stage
from controlplane.domain.message import TakeFacts
from tests.support.fake_call import FakeCall, wav_ms, write_wav
from tests.support.fake_voicemail import FakeVoicemail
from tests.support.fault_points import FaultPoints

_BARE_HEADER = 44


class FakeTake:
    """A recording in the making."""

    def __init__(self, spool: FakeSpool, facts: TakeFacts) -> None:
        self._spool = spool
        self._facts = facts

    @property
    def facts(self) -> TakeFacts:
        """What was written beside it."""
        return self._facts

    @property
    def wav(self) -> Path:
        """Where the switch records."""
        return self._spool.folder / f"{self._facts.recording_id}.wav"

    def duration_ms(self) -> int:
        """Measure it now."""
        if self._spool.unreadable:
            raise OSError(5, "Input/output error")
        return wav_ms(self.wav)

    async def keep(self) -> None:
        """Note that it is long enough."""
        if self._spool.read_only:
            raise OSError(30, "Read-only file system")
        self._spool.kept.add(self._facts.recording_id)

    async def mark_urgent(self, *, urgent: bool) -> None:
        """Note it beside the audio."""
        self._facts = replace(self._facts, urgent=urgent)
        if self._spool.read_only:
            raise OSError(30, "Read-only file system")
        self._spool.note(self._facts)

    async def fill(self, *parts: Path) -> None:
        """Write one recording of as many seconds as all parts."""
        self._spool.points.reach("spool.fill")
        if self._spool.read_only:
            raise OSError(30, "Read-only file system")
        for part in parts:
            if not part.exists():
                raise FileNotFoundError(part)
        write_wav(self.wav, sum(wav_ms(part) for part in parts) / 1000)

    async def discard(self) -> None:
        """Remove both files."""
        self._spool.points.reach("spool.discard")
        if self._spool.read_only:
            raise OSError(30, "Read-only file system")
        self._spool.remove(self._facts.recording_id)

    async def release(self) -> None:
        """Let go of the lock."""
        self._spool.points.reach("spool.release")
        self._spool.locked.discard(self._facts.recording_id)


class FakeSpool:
    """The Spool port over a folder; the facts are kept in memory beside an empty file."""

    def __init__(self, folder: Path, *, points: FaultPoints | None = None) -> None:
        self.folder = folder
        self.points = points or FaultPoints()
        self.locked: set[UUID] = set()
        self.kept: set[UUID] = set()
        self.read_only = False
        self.unreadable = False
        self.full_from: int | None = None
        """From which take on (counted from 0) the disk is full."""
        self._facts: dict[UUID, TakeFacts] = {}
        self._begun = 0

    async def begin(self, facts: TakeFacts) -> FakeTake:
        """Note the facts and the lock."""
        self.points.reach("spool.begin")
        if self.full_from is not None and self._begun >= self.full_from:
            raise OSError(28, "No space left on device")
        self._begun += 1
        self._add(facts)
        self.locked.add(facts.recording_id)
        return FakeTake(self, facts)

    def draft(self, draft_id: UUID) -> Path:
        """Return a name of which no scanner knows."""
        return self.folder / f".note-{draft_id}.wav"

    def draft_ms(self, draft: Path) -> int:
        """Measure it now."""
        return wav_ms(draft)

    async def discard_draft(self, draft: Path) -> None:
        """Remove it."""
        self.points.reach("spool.discard_draft")
        draft.unlink(missing_ok=True)

    def entries(self) -> list[str]:
        """Return the names of all files."""
        return sorted(path.name for path in self.folder.iterdir())

    def note(self, facts: TakeFacts) -> None:
        """Write the facts of a take over those of before."""
        self.points.reach("spool.note")
        self._facts[facts.recording_id] = facts

    def remove(self, recording_id: UUID) -> None:
        """Remove both files of a take."""
        (self.folder / f"{recording_id}.json").unlink(missing_ok=True)
        (self.folder / f"{recording_id}.wav").unlink(missing_ok=True)

    async def scan(self, voicemail: FakeVoicemail) -> None:
        """Take over every unlocked take, those that replace another one first, by the flow's rules."""
        waiting = [UUID(path.stem) for path in self.folder.glob("*.json")]
        for recording_id in sorted(waiting, key=lambda one: self._facts[one].replaces is None):
            facts = self._facts[recording_id]
            wav = self.folder / f"{recording_id}.wav"
            if recording_id in self.locked or not wav.with_suffix(".json").exists():
                continue
            mailbox = await voicemail.mailbox(facts.mailbox_id)
            assert mailbox is not None
            if wav_ms(wav) < max(1, mailbox.min_message_seconds * 1000):
                self.remove(recording_id)
                continue
            if facts.replaces is not None:
                self.remove(facts.replaces)
            assert await voicemail.deposit(facts, wav)

    def dialplan_goes_on(self, call: FakeCall, *, say_for: float) -> bool:
        """Do what the dialplan does when a flow has ended; True if it asked the caller to speak."""
        if call.gone or call.stage is Stage.DONE:
            return False
        recording_id = call.recording_id
        if call.stage is Stage.GREETING or call.stage is None or recording_id is None:
            assert call.facts.mailbox_id is not None
            facts = TakeFacts(
                recording_id=uuid4(),
                tenant_id=call.facts.tenant_id,
                mailbox_id=call.facts.mailbox_id,
                call_id=call.facts.call_id,
                caller=call.facts.caller,
                reached_by=call.facts.reached_by,
                started_at=datetime.now(UTC),
            )
            self._add(facts)
            write_wav(self.folder / f"{facts.recording_id}.wav", say_for)
            return True
        wav = self.folder / f"{recording_id}.wav"
        if wav.exists() and wav.stat().st_size > _BARE_HEADER:
            return False
        assert wav.with_suffix(".json").exists(), "the dialplan would record without facts"
        write_wav(wav, say_for)
        return True

    def _add(self, facts: TakeFacts) -> None:
        self._facts[facts.recording_id] = facts
        (self.folder / f"{facts.recording_id}.json").touch()
