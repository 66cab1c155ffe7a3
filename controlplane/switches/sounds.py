"""Which files say an utterance, what a key is, and how long a file plays; the same for every switch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from controlplane.callflows.prompts import Prompt, PromptFiles, Tone, Utterance

KEYS: Final = "0123456789*#"
_WAV_HEADER_BYTES: Final = 44
_WAV_BYTES_PER_SECOND: Final = 16_000


def files_of(prompts: PromptFiles, utterances: Sequence[Utterance], language: str) -> list[Path]:
    """Return the files that say `utterances`; what has none is left out and logged."""
    files: list[Path] = []
    for utterance in utterances:
        found = prompts.files(utterance, language)
        if not found:
            fixed = isinstance(utterance, Prompt | Tone)
            structlog.get_logger().warning(
                "prompt.missing",
                utterance=str(utterance) if fixed else type(utterance).__name__,
                language=language,
            )
        files += found
    return files


def checked_keys(keys: str) -> str:
    """Return `keys`; raises ValueError if one of them is not on a telephone."""
    if any(key not in KEYS for key in keys):
        raise ValueError("A key is a digit, * or #.")
    return keys


def seconds_of(path: Path) -> float:
    """Return an upper bound of how long a WAV file of 8 kHz and 16 bit plays; 0 if it is not there."""
    try:
        return max(0, path.stat().st_size - _WAV_HEADER_BYTES) / _WAV_BYTES_PER_SECOND
    except OSError:
        return 0.0
