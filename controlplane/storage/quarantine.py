"""What the scanner put aside: recordings that it could not understand, each with its reason.

`<name>.reason` begins with the time; its audio (`.wav`) and facts (`.json`, `.meta`) may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from controlplane.storage import wav as wav_files
from controlplane.storage.durable_files import sync_folder

_NAME: Final = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,199}", re.ASCII)
_MOST: Final = 500
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside:
    """A recording that was put aside; `duration_ms` 0: what is there is no audio."""

    name: str
    reason: str
    put_aside_at: datetime
    duration_ms: int
    has_audio: bool


class Quarantine:
    """The folder `quarantine` of the spool. All methods block."""

    def __init__(self, spool: Path) -> None:
        self._folder = spool / "quarantine"

    def count(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self._reasons())

    def all(self) -> list[PutAside]:
        """List what is there, the newest first, at most 500 of them; raises OSError."""
        found = [self._read(path) for path in self._reasons()]
        return sorted(found, key=lambda one: one.put_aside_at, reverse=True)[:_MOST]

    def find(self, name: str) -> PutAside | None:
        """Return one by its name, which may be anything; raises OSError."""
        if not _NAME.fullmatch(name):
            return None
        reason = self._folder / f"{name}.reason"
        return self._read(reason) if reason.is_file() else None

    def wav(self, name: str) -> Path:
        """Return where the audio of one that was found is; it may be missing."""
        return self._folder / f"{name}.wav"

    def remove(self, name: str) -> None:
        """Remove one that was found, its reason last; raises OSError."""
        for suffix in (".wav", ".json", ".meta", ".reason"):
            (self._folder / f"{name}{suffix}").unlink(missing_ok=True)
        sync_folder(self._folder)

    def _reasons(self) -> Iterator[Path]:
        if not self._folder.is_dir():
            return
        for path in self._folder.glob("*.reason"):
            if _NAME.fullmatch(path.stem):
                yield path

    def _read(self, path: Path) -> PutAside:
        when, _, reason = path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
        try:
            at = datetime.fromisoformat(when)
        except ValueError:
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        wav = self.wav(path.stem)
        return PutAside(
            name=path.stem,
            reason=reason[:_LONGEST_REASON],
            put_aside_at=at if at.tzinfo else at.replace(tzinfo=UTC),
            duration_ms=_duration(wav),
            has_audio=wav.is_file(),
        )


def _duration(wav: Path) -> int:
    try:
        return wav_files.duration_ms(wav)
    except OSError:
        return 0
