"""Recordings as attachments: playable, small, never larger than a server takes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from controlplane.domain.mailbox import AttachmentFormat
from controlplane.mail.attachments import encode, mp3

_MANY = 15 * 1024 * 1024


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Return a recording of 20 seconds: noise that comes and goes like words."""
    at = np.arange(20 * 8000) / 8000
    words = np.random.default_rng(1).normal(0, 0.1, at.size) * (np.sin(2 * np.pi * at) > 0)
    path = tmp_path / "recording.wav"
    soundfile.write(path, words, 8000, subtype="PCM_16")
    return path


def test_an_mp3_plays(wav: Path) -> None:
    """An MP3 has the length of the recording and a rate that every player knows."""
    samples, rate = soundfile.read(io.BytesIO(mp3(wav)))

    assert (16_000, pytest.approx(20, abs=0.2)) == (rate, len(samples) / rate)


def test_an_mp3_sounds_like_the_recording(wav: Path) -> None:
    """What was loud is loud and what was silent is silent."""
    samples, rate = soundfile.read(io.BytesIO(mp3(wav)))

    loud, silent = samples[: rate // 2], samples[round(rate * 0.6) : round(rate * 0.9)]
    assert np.std(silent) < 0.1 * np.std(loud)


def test_an_mp3_is_small(wav: Path) -> None:
    """An MP3 takes a quarter of the WAV at most."""
    assert len(mp3(wav)) < wav.stat().st_size / 4


def test_a_wav_is_attached_as_it_is(wav: Path) -> None:
    """The bytes of a WAV are not changed."""
    attachment = encode(wav, AttachmentFormat.WAV, max_bytes=_MANY)

    assert attachment is not None
    assert (wav.read_bytes(), AttachmentFormat.WAV) == (attachment.content, attachment.format)


def test_a_large_wav_becomes_an_mp3(wav: Path) -> None:
    """A WAV that no server would take is encoded."""
    attachment = encode(wav, AttachmentFormat.WAV, max_bytes=wav.stat().st_size - 1)

    assert attachment is not None
    assert AttachmentFormat.MP3 is attachment.format


def test_what_is_too_large_is_not_attached(wav: Path) -> None:
    """A recording that is too large even as MP3 stays out of the mail."""
    assert encode(wav, AttachmentFormat.MP3, max_bytes=1000) is None


def test_what_cannot_be_encoded_is_attached_as_it_is(tmp_path: Path) -> None:
    """A broken recording is still a recording."""
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF")

    attachment = encode(path, AttachmentFormat.MP3, max_bytes=_MANY)

    assert attachment is not None
    assert (b"RIFF", AttachmentFormat.WAV) == (attachment.content, attachment.format)


@pytest.mark.parametrize("wanted", AttachmentFormat)
def test_a_missing_recording_is_told(tmp_path: Path, wanted: AttachmentFormat) -> None:
    """Without a file there is nothing to attach."""
    with pytest.raises(FileNotFoundError):
        encode(tmp_path / "missing.wav", wanted, max_bytes=_MANY)
