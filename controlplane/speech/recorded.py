"""A greeting that somebody recorded: WAV of any usual rate, checked and brought to telephone audio."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import soundfile

from controlplane.domain.errors import InvalidValue
from controlplane.speech import audio
from controlplane.speech.audio import Samples

MAX_GREETING_BYTES: Final = 36 * 2**20
"""Three minutes at 48 kHz, 16 bit, stereo fit."""

_MAX_SECONDS: Final = 180
_RATES: Final = (8_000, 48_000)
_MAX_CHANNELS: Final = 2
_SILENT: Final = 10 ** (-50 / 20)
"""What never gets louder, full scale being 1, is the noise of a microphone that was off."""

_BLOCK: Final = 65_536
_WAV_HEAD: Final = 12
_CHUNK_HEAD: Final = 8
_UNKNOWN_LENGTH: Final = 0x7FFF_0000


def greeting_from(content: bytes) -> bytes:
    """Return a recording as calls play it: WAV, 8 kHz, 16 bit, mono, without the silence at its ends.

    Raises InvalidValue (field `greeting`) for what is empty, no WAV, of a rate or number of channels that
    nobody records speech with, longer than three minutes, or silent. Blocks.
    """
    if not content:
        raise _refused("greeting-empty", "The recording is empty. Send a WAV file as the body.")
    if not (content[:4] == b"RIFF" and content[8:_WAV_HEAD] == b"WAVE"):
        raise _refused("greeting-no-audio", "This is no WAV file. Save the recording as WAV.")
    if _ends_early(content):
        raise _refused("greeting-cut-off", "The end of this file is missing. Send the whole file.")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            samples = _mono(file)
            rate = file.samplerate
    except soundfile.LibsndfileError as error:
        raise _refused(
            "greeting-no-audio", "This WAV file cannot be read. Save the recording as WAV, 16 bit PCM."
        ) from error
    if float(np.max(np.abs(samples), initial=0.0)) < _SILENT:
        raise _refused(
            "greeting-silent", "The recording is silent. Record it again, closer to the microphone."
        )
    return audio.wav(audio.telephone(samples, rate))


def _ends_early(content: bytes) -> bool:
    """Say whether a WAV has less audio than it says; one that was written as a stream does not say it."""
    at = _WAV_HEAD
    while at + _CHUNK_HEAD <= len(content):
        length = int.from_bytes(content[at + 4 : at + _CHUNK_HEAD], "little")
        if content[at : at + 4] == b"data":
            return length < _UNKNOWN_LENGTH and at + _CHUNK_HEAD + length > len(content)
        at += _CHUNK_HEAD + length + length % 2
    return False


def _mono(file: soundfile.SoundFile) -> Samples:
    least, most = _RATES
    if not least <= file.samplerate <= most or not 1 <= file.channels <= _MAX_CHANNELS:
        raise _refused(
            "greeting-wrong-format",
            "A recording has 8,000 to 48,000 samples a second, in one or two channels. Convert it.",
        )
    if file.frames > _MAX_SECONDS * file.samplerate:
        raise _refused(
            "greeting-too-long", f"A greeting lasts at most {_MAX_SECONDS} seconds. Make it shorter."
        )
    # A file of floating point may hold what is no number.
    blocks = [
        np.nan_to_num(block.mean(axis=1), posinf=0.0, neginf=0.0)
        for block in file.blocks(_BLOCK, dtype="float32", always_2d=True)
    ]
    return np.clip(np.concatenate(blocks), -1, 1) if blocks else np.zeros(0, dtype=np.float32)


def _refused(error_id: str, sentence: str) -> InvalidValue:
    return InvalidValue(sentence, error_id=error_id, field="greeting")
