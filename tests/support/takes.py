"""Takes as flows, dialplans and dying switches leave them in a spool."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy, TakeFacts
from controlplane.storage.facts import to_json
from controlplane.storage.wav import RATE, header

STARTED_AT = datetime(2026, 11, 23, 15, 45, tzinfo=UTC)


def audio(seconds: float) -> bytes:
    """Return 8 kHz, 16 bit, mono audio that is not silent and never the same twice in a row."""
    return b"".join((index % 30000).to_bytes(2, "little") for index in range(int(seconds * RATE)))


def closed_wav(path: Path, seconds: float) -> Path:
    """Write a recording as a switch closes it."""
    data = audio(seconds)
    path.write_bytes(header(len(data)) + data)
    return path


def open_wav(path: Path, seconds: float) -> Path:
    """Write a recording that a switch is still writing, or wrote when it was killed."""
    path.write_bytes(header(0) + audio(seconds))
    return path


def aged(path: Path, seconds: float) -> Path:
    """Set the time of a file's last change back."""
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def facts_for(mailbox_id: UUID, **given: object) -> TakeFacts:
    """Return the facts of a take that Alice leaves."""
    values: dict[str, object] = {
        "recording_id": uuid4(),
        "tenant_id": uuid4(),
        "mailbox_id": mailbox_id,
        "call_id": "1763912700.1",
        "caller": Caller(number="101", name="Alice"),
        "reached_by": ReachedBy(),
        "started_at": STARTED_AT,
    }
    return TakeFacts(**(values | given))  # type: ignore[arg-type]  # each value is of its field's type


def leave_take(
    spool: Path,
    facts: TakeFacts,
    seconds: float | None = 3.0,
    *,
    closed: bool = True,
    recording: Path | None = None,
) -> Path:
    """Leave a flow's take whose flow is dead; without `seconds` it has no audio file.

    A `recording` is what was said, instead of so many seconds of anything.
    """
    spool.mkdir(parents=True, exist_ok=True)
    (spool / f"{facts.recording_id}.json").write_bytes(to_json(facts))
    wav = spool / f"{facts.recording_id}.wav"
    if recording is not None:
        wav.write_bytes(recording.read_bytes())
    elif seconds is not None:
        (closed_wav if closed else open_wav)(wav, seconds)
    return wav


def leave_fallback(
    spool: Path, name: str, values: dict[str, str] | None, seconds: float | None = 3.0, *, closed: bool = True
) -> Path:
    """Leave a take of the dialplan; without `values` it has no sidecar."""
    spool.mkdir(parents=True, exist_ok=True)
    if values is not None:
        lines = "".join(f"{key}={quote(value, safe='')}\n" for key, value in values.items())
        (spool / f"{name}.meta").write_text(lines)
    wav = spool / f"{name}.wav"
    if seconds is not None:
        (closed_wav if closed else open_wav)(wav, seconds)
    return wav


def files(spool: Path) -> list[str]:
    """List the files of a spool, without its folders."""
    return sorted(path.name for path in spool.iterdir() if path.is_file())


def spoken(parts: Sequence[tuple[int, int]]) -> bytes:
    """Return audio of parts, each of so many milliseconds at a level: 0 is silence, 8000 is speech."""
    return b"".join(
        (level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True))
        * (milliseconds * RATE // 2000)
        for milliseconds, level in parts
    )


def spoken_wav(path: Path, *parts: tuple[int, int], closed: bool = True) -> Path:
    """Write a recording of such parts over one that is there."""
    data = spoken(parts)
    path.write_bytes(header(len(data) if closed else 0) + data)
    return path
