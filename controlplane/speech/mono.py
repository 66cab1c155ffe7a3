"""Reading what somebody recorded as samples of one channel, as long as a greeting can be; and refusing it."""

from __future__ import annotations

from typing import Final

import numpy as np
import soundfile

from controlplane.domain.errors import InvalidValue
from controlplane.speech.audio import Samples

_MAX_SECONDS: Final = 180
_RATES: Final = (8_000, 48_000)
_MAX_CHANNELS: Final = 2
_BLOCK: Final = 65_536
_UNKNOWN: Final = 2**62
"""So many samples has a compressed file that was written as a stream: it cannot be read by parts."""


def mono(file: soundfile.SoundFile) -> Samples:
    """Return the samples of a file, its channels mixed; raises InvalidValue.

    What a file says of its length is not believed: no more is read than a greeting can have.
    """
    least, most = _RATES
    if not least <= file.samplerate <= most or not 1 <= file.channels <= _MAX_CHANNELS:
        raise refused(
            "greeting-wrong-format",
            "A recording has 8,000 to 48,000 samples a second, in one or two channels. Convert it.",
        )
    longest = _MAX_SECONDS * file.samplerate
    if file.frames > _UNKNOWN:
        raise unreadable()
    if file.frames > longest:
        raise _too_long()
    blocks: list[Samples] = []
    count = 0
    while len(block := _block(file, begun=count > 0)):
        count += len(block)
        if count > longest:
            raise _too_long()
        # A file of floating point may hold what is no number.
        blocks.append(np.nan_to_num(block.mean(axis=1), posinf=0.0, neginf=0.0))
    if count < file.frames - file.samplerate:
        raise cut_off()
    return np.clip(np.concatenate(blocks), -1, 1) if blocks else np.zeros(0, dtype=np.float32)


def refused(error_id: str, sentence: str) -> InvalidValue:
    """Return the error of a recording that cannot be a greeting."""
    return InvalidValue(sentence, error_id=error_id, field="greeting")


def unreadable() -> InvalidValue:
    """Return the error of what is no recording, or of a kind that is not read."""
    return refused(
        "greeting-no-audio", "This is no recording that can be read. Send WAV, MP3, OGG, Opus or FLAC."
    )


def cut_off() -> InvalidValue:
    """Return the error of a file whose end is missing."""
    return refused("greeting-cut-off", "The end of this file is missing. Send the whole file.")


def _block(file: soundfile.SoundFile, *, begun: bool) -> Samples:
    try:
        return np.asarray(file.read(_BLOCK, dtype="float32", always_2d=True))
    except soundfile.LibsndfileError as error:
        raise (cut_off() if begun else unreadable()) from error


def _too_long() -> InvalidValue:
    return refused("greeting-too-long", f"A greeting lasts at most {_MAX_SECONDS} seconds. Make it shorter.")
