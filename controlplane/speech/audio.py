"""From what an engine or a person recorded to telephone audio: 8 kHz, 16 bit, mono, one loudness."""

from __future__ import annotations

import io
import os
import secrets
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from controlplane.callflows.prompts import Tone

RATE = 8000
_LOUDNESS = 10 ** (-20 / 20)  # of speech on a telephone line, root mean square
_PEAK = 10 ** (-2 / 20)
_QUIET = 10 ** (-40 / 20)  # below the loudest: not speech
_HEAD_SECONDS, _TAIL_SECONDS = 0.05, 0.15
_FADE_SECONDS = 0.01
_BEEP_HERTZ, _BEEP_SECONDS, _BEEP_PEAK = 1000, 0.25, 10 ** (-12 / 20)
_SILENCE_SECONDS = 0.5
# What callers wait to: four chords, each of two seconds.
_HOLD_CHORDS = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
_HOLD_CHORD_SECONDS, _HOLD_PEAK = 2.0, 10 ** (-12 / 20)
_PAUSE_SECONDS = 0.25

Samples = npt.NDArray[np.float32]
Telephone = npt.NDArray[np.int16]


def telephone(samples: Samples, rate: int) -> Telephone:
    """Resample, cut the silence at both ends, and bring to one loudness; [] for silence alone."""
    resampled = np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)
    loudest = float(np.max(np.abs(resampled), initial=0.0))
    voiced = np.flatnonzero(np.abs(resampled) > loudest * _QUIET)
    if loudest <= 0 or not voiced.size:
        return np.zeros(0, dtype=np.int16)
    start = max(0, int(voiced[0]) - round(_HEAD_SECONDS * RATE))
    speech = _fade(resampled[start : int(voiced[-1]) + 1 + round(_TAIL_SECONDS * RATE)])
    active = speech[np.abs(speech) > loudest * 0.03]
    gain = min(_LOUDNESS / float(np.sqrt(np.mean(active**2))), _PEAK / loudest)
    return np.round(speech * gain * 32767).astype(np.int16)


def tone(kind: Tone) -> Telephone:
    """Make a beep (1 kHz, 0.25 s), half a second of silence, or the eight seconds that callers wait to."""
    match kind:
        case Tone.BEEP:
            at = np.arange(round(_BEEP_SECONDS * RATE), dtype=np.float32) / RATE
            wave_form = _fade(np.sin(2 * np.pi * _BEEP_HERTZ * at).astype(np.float32))
            return np.round(wave_form * _BEEP_PEAK * 32767).astype(np.int16)
        case Tone.SILENCE:
            return np.zeros(round(_SILENCE_SECONDS * RATE), dtype=np.int16)
        case Tone.HOLD:
            return np.concatenate([_chord(notes) for notes in _HOLD_CHORDS])


def _chord(hertz: Sequence[float]) -> Telephone:
    """Make a soft chord that dies away, as a struck string does."""
    at = np.arange(round(_HOLD_CHORD_SECONDS * RATE), dtype=np.float32) / RATE
    notes = sum(np.sin(2 * np.pi * each * at) for each in hertz) / len(hertz)
    struck = _fade((notes * np.exp(-1.5 * at)).astype(np.float32))
    return np.round(struck * _HOLD_PEAK * 32767).astype(np.int16)


def _fade(samples: Samples) -> Samples:
    """Fade both ends, so that nothing clicks."""
    length = min(round(_FADE_SECONDS * RATE), samples.size // 2)
    shaped = samples.copy()
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    shaped[:length] *= ramp
    shaped[samples.size - length :] *= ramp[::-1]
    return shaped


def write(path: Path, audio: Telephone) -> None:
    """Write a WAV file as a whole or not at all, durably; creates the folder. Raises OSError."""
    place(path, wav(audio))


def wav(audio: Telephone) -> bytes:
    """Return the content of a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(audio.astype("<i2").tobytes())
    return content.getvalue()


def seconds_of(content: bytes) -> float:
    """Return how long a WAV of ours is."""
    with wave.open(io.BytesIO(content), "rb") as file:
        return file.getnframes() / RATE


def joined(paths: Sequence[Path]) -> bytes:
    """Return WAV files of ours as one, with the pause between sentences; raises OSError."""
    pause = np.zeros(round(_PAUSE_SECONDS * RATE), dtype=np.int16)
    parts: list[Telephone] = []
    for path in paths:
        with wave.open(str(path), "rb") as file:
            parts += [np.frombuffer(file.readframes(file.getnframes()), dtype="<i2"), pause]
    return wav(np.concatenate(parts[:-1])) if parts else wav(pause[:0])


def place(path: Path, content: bytes) -> None:
    """Write a file that other users may read (the switch is one) by rename; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
