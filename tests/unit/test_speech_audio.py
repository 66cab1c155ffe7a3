"""Telephone audio: its format, its loudness, its ends."""

from __future__ import annotations

import stat
import wave
from pathlib import Path

import numpy as np
import pytest
from controlplane.callflows.prompts import Tone
from controlplane.speech.audio import RATE, Samples, telephone, tone, write


def _hum(peak: float, *, silence_seconds: float = 1.0) -> Samples:
    at = np.arange(22_050, dtype=np.float32) / 22_050
    silence = np.zeros(round(22_050 * silence_seconds), dtype=np.float32)
    return np.concatenate([silence, peak * np.sin(2 * np.pi * 300 * at), silence]).astype(np.float32)


def test_silence_at_both_ends_is_cut() -> None:
    """One second of sound between seconds of silence keeps a fraction of them."""
    seconds = telephone(_hum(0.5), 22_050).size / RATE

    assert 1.1 < seconds < 1.3


@pytest.mark.parametrize("peak", [0.01, 0.3, 1.0])
def test_all_speech_has_one_loudness(peak: float) -> None:
    """However loud it was recorded, it comes out at 20 dB below full scale."""
    sound = telephone(_hum(peak, silence_seconds=0), 22_050).astype(np.float64) / 32_768

    assert pytest.approx(-20, abs=0.7) == 20 * np.log10(np.sqrt(np.mean(sound**2)))


def test_nothing_is_clipped() -> None:
    """A click in quiet speech stays below full scale."""
    samples = _hum(0.01)
    samples[30_000] = 1.0

    assert abs(telephone(samples, 22_050).astype(int)).max() <= 32_767 * 0.8


@pytest.mark.parametrize("length", [0, 1, 8000])
def test_silence_alone_becomes_nothing(length: int) -> None:
    """What holds no sound has no length."""
    assert 0 == telephone(np.zeros(length, dtype=np.float32), 16_000).size


@pytest.mark.parametrize(("kind", "seconds"), [(Tone.BEEP, 0.25), (Tone.SILENCE, 0.5), (Tone.HOLD, 8.0)])
def test_a_tone_has_its_length(kind: Tone, seconds: float) -> None:
    """The beep takes a quarter, silence half a second."""
    assert seconds == tone(kind).size / RATE


def test_the_beep_is_one_kilohertz() -> None:
    """The loudest frequency of the beep is 1 kHz."""
    spectrum = np.abs(np.fft.rfft(tone(Tone.BEEP)))

    assert 1000 == np.argmax(spectrum) / 0.25


def test_a_file_is_what_switches_play(tmp_path: Path) -> None:
    """A file has 8 kHz, 16 bit, one channel, and other users may read it."""
    path = tmp_path / "new" / "beep.wav"

    write(path, tone(Tone.BEEP))

    with wave.open(str(path)) as file:
        assert (8000, 2, 1, 2000) == (*_format(file), file.getnframes())
    assert stat.S_IRGRP | stat.S_IROTH == path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    assert [path] == list(path.parent.iterdir())


def _format(file: wave.Wave_read) -> tuple[int, int, int]:
    return file.getframerate(), file.getsampwidth(), file.getnchannels()
