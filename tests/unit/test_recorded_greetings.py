"""A greeting that somebody recorded: what is taken, what is refused, and what calls get."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
import soundfile
from controlplane.domain.errors import InvalidValue
from controlplane.speech.recorded import greeting_from
from hypothesis import given, settings
from hypothesis import strategies as st


def recording(
    seconds: float = 1.0,
    *,
    rate: int = 8000,
    channels: int = 1,
    level: float = 0.3,
    subtype: str | None = "PCM_16",
    format: str = "WAV",  # noqa: A002 (soundfile's word)
) -> bytes:
    """Return a file with a tone of 440 Hz."""
    at = np.arange(int(rate * seconds)) / rate
    sound = np.repeat((level * np.sin(2 * np.pi * 440 * at))[:, None], channels, axis=1)
    content = io.BytesIO()
    soundfile.write(content, sound, rate, subtype=subtype, format=format)
    return content.getvalue()


def refusal(content: bytes) -> tuple[str, str | None]:
    """Return how a recording is refused."""
    with pytest.raises(InvalidValue) as refused:
        greeting_from(content)
    return refused.value.error_id, refused.value.field


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_usual_recordings_become_telephone_audio(rate: int, channels: int, subtype: str) -> None:
    """8 kHz, 16 bit, mono, of the same length and pitch."""
    wav = greeting_from(recording(2.0, rate=rate, channels=channels, subtype=subtype))

    with wave.open(io.BytesIO(wav)) as file:
        assert (8000, 2, 1) == (file.getframerate(), file.getsampwidth(), file.getnchannels())
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert abs(len(samples) / 8000 - 2.0) < 0.25
    pitch = np.argmax(np.abs(np.fft.rfft(samples[:8000]))) * 8000 / 8000
    assert abs(pitch - 440) < 5


@pytest.mark.parametrize(
    ("content", "error_id"),
    [
        (b"", "greeting-empty"),
        (b"hello", "greeting-no-audio"),
        (b"RIFF\x24\x00\x00\x00WAVE", "greeting-no-audio"),
        (recording()[:30], "greeting-no-audio"),
        (recording(format="AIFF"), "greeting-no-audio"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "greeting-no-audio"),
        (recording(rate=96000), "greeting-wrong-format"),
        (recording(rate=4000), "greeting-wrong-format"),
        (recording(channels=3), "greeting-wrong-format"),
        (recording(181), "greeting-too-long"),
        (recording(0), "greeting-silent"),
        (recording(level=0), "greeting-silent"),
        (recording(level=0.001), "greeting-silent"),
    ],
)
def test_what_cannot_be_a_greeting_is_refused(content: bytes, error_id: str) -> None:
    """Each with words of its own, and the field."""
    assert (error_id, "greeting") == refusal(content)


@pytest.mark.parametrize(
    ("format", "subtype"), [("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", None)]
)
def test_compressed_recordings_are_decoded(format: str, subtype: str | None) -> None:  # noqa: A002 (as above)
    """Of the same length and pitch, in a process of its own."""
    with wave.open(
        io.BytesIO(greeting_from(recording(1.0, rate=16000, format=format, subtype=subtype)))
    ) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")

    pitch = np.argmax(np.abs(np.fft.rfft(samples[:8000], 8000)))
    assert (abs(len(samples) / 8000 - 1.0) < 0.25, abs(pitch - 440) < 5) == (True, True)


def lying(content: bytes, frames: int) -> bytes:
    """Return a FLAC that says another length; 0: it does not say it."""
    return content[:21] + bytes([content[21] & 0xF0]) + frames.to_bytes(4, "big") + content[26:]


def test_hostile_compressed_files_are_refused() -> None:
    """Hours of silence in little room, what lies about its length, what is cut off or only begins well."""
    hours = recording(7200, rate=8000, level=0, format="FLAC")
    assert len(hours) < 300_000
    short = recording(60, rate=8000, format="FLAC")
    found = {
        "hours": refusal(hours)[0],
        "hours that say one second": refusal(lying(hours, 8000))[0],
        "hours that do not say it": refusal(lying(hours, 0))[0],
        "a minute that says two": refusal(lying(short, 2 * 60 * 8000))[0],
        "half a file": refusal(short[: len(short) // 2])[0],
        "nothing but a mark": refusal(b"OggS" + bytes(5000))[0],
    }

    assert {
        "hours": "greeting-too-long",
        # No more is read than it says.
        "hours that say one second": "greeting-silent",
        "hours that do not say it": "greeting-no-audio",
        "a minute that says two": "greeting-cut-off",
        "half a file": "greeting-cut-off",
        "nothing but a mark": "greeting-no-audio",
    } == found


def test_three_minutes_are_taken() -> None:
    """180 seconds are the limit and not beyond it."""
    assert len(greeting_from(recording(180))) > 2 * 8000 * 179


def test_what_is_no_number_is_silence() -> None:
    """A file of floating point may hold infinities: they are not heard."""
    sound = np.full((8000, 1), np.inf, dtype=np.float32)
    sound[:4000] = np.nan
    content = io.BytesIO()
    soundfile.write(content, sound, 8000, subtype="FLOAT", format="WAV")

    assert ("greeting-silent", "greeting") == refusal(content.getvalue())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_taken_or_refused(data: st.DataObject) -> None:
    """Whatever the bytes are, the answer is a WAV file of ours or a refusal with words."""
    content = bytearray(recording(0.1))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    try:
        answer = greeting_from(bytes(content))[:4].decode()
    except InvalidValue as refused:
        answer = refused.field or ""

    assert answer in {"RIFF", "greeting"}
