"""A greeting that somebody recorded: a file of any usual kind, checked and brought to telephone audio."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import soundfile

from controlplane.speech import audio
from controlplane.speech.audio import Samples
from controlplane.speech.decoding import decode, is_compressed
from controlplane.speech.mono import cut_off, mono, refused, unreadable

MAX_GREETING_BYTES: Final = 36 * 2**20
"""Three minutes at 48 kHz, 16 bit, stereo fit as WAV."""

_SILENT: Final = 10 ** (-50 / 20)
"""What never gets louder, full scale being 1, is the noise of a microphone that was off."""

_WAV_HEAD: Final = 12
_CHUNK_HEAD: Final = 8
_UNKNOWN_LENGTH: Final = 0x7FFF_0000


def greeting_from(content: bytes) -> bytes:
    """Return a recording as calls play it: WAV, 8 kHz, 16 bit, mono, without the silence at its ends.

    It is WAV, MP3, OGG (Vorbis or Opus) or FLAC, by its content and not by its name. Raises InvalidValue
    (field `greeting`) for what is empty, of another kind, of a rate or number of channels that nobody
    records speech with, longer than three minutes, cut off, or silent. Blocks.
    """
    if not content:
        raise refused("greeting-empty", "The recording is empty. Send a file as the body.")
    if content[:4] == b"RIFF" and content[8:_WAV_HEAD] == b"WAVE":
        samples, rate = _read_wav(content)
    elif is_compressed(content):
        samples, rate = decode(content)
    else:
        raise unreadable()
    if float(np.max(np.abs(samples), initial=0.0)) < _SILENT:
        raise refused(
            "greeting-silent", "The recording is silent. Record it again, closer to the microphone."
        )
    return audio.wav(audio.telephone(samples, rate))


def _read_wav(content: bytes) -> tuple[Samples, int]:
    if _ends_early(content):
        raise cut_off()
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            return mono(file), file.samplerate
    except soundfile.LibsndfileError as error:
        raise refused(
            "greeting-no-audio", "This WAV file cannot be read. Save the recording as WAV, 16 bit PCM."
        ) from error


def _ends_early(content: bytes) -> bool:
    """Say whether a WAV has less audio than it says; one that was written as a stream does not say it."""
    at = _WAV_HEAD
    while at + _CHUNK_HEAD <= len(content):
        length = int.from_bytes(content[at + 4 : at + _CHUNK_HEAD], "little")
        if content[at : at + 4] == b"data":
            return length < _UNKNOWN_LENGTH and at + _CHUNK_HEAD + length > len(content)
        at += _CHUNK_HEAD + length + length % 2
    return False
