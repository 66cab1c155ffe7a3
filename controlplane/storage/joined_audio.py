"""Recordings that become one, a pause between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from controlplane.storage import wav as wav_files
from controlplane.storage.durable_files import sync_folder
from controlplane.storage.recordings import write_audio
from controlplane.storage.wav import FRAME_BYTES, HEADER_BYTES, RATE

_PAUSE = b"\0" * (RATE // 2 * FRAME_BYTES)


def join(parts: Sequence[Path], target: Path, *, mode: int) -> None:
    """Write recordings one after the other, durable before the file has its name: all of it, or nothing.

    Raises FileNotFoundError for a part that is not there, NotAWav or OSError.
    """
    temporary = target.with_name(f".{target.name}.joined")
    try:
        with ExitStack() as opened:
            sources = [opened.enter_context(wav_files.open_audio(part)) for part in parts]
            copy = opened.enter_context(temporary.open("wb"))
            os.fchmod(copy.fileno(), mode)
            copy.write(b"\0" * HEADER_BYTES)
            written = 0
            for place, source in enumerate(sources):
                written += copy.write(_PAUSE) if place else 0
                written += write_audio(source, copy)
            copy.seek(0)
            copy.write(wav_files.header(written))
            copy.flush()
            os.fsync(copy.fileno())
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
