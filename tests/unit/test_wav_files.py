"""WAV files as switches leave them."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from controlplane.storage.wav import Header, Layout, NotAWav, duration_ms, header, inspect, parse
from hypothesis import given
from hypothesis import strategies as st
from tests.support.takes import audio, closed_wav, open_wav


def _riff(*chunks: tuple[bytes, int, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", length) + data for name, length, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def _fmt(*, tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> tuple[bytes, int, bytes]:
    frame = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    return b"fmt ", 16, body


def _parse(data: bytes) -> Layout:
    return parse(data, len(data))


def test_closed_file_is_measured_by_its_header(tmp_path: Path) -> None:
    """A file that the switch closed is as long as its header says."""
    layout = inspect(closed_wav(tmp_path / "a.wav", 2.5))

    assert (layout.header, layout.audio_offset, layout.duration_ms) == (Header.CLOSED, 44, 2500)


def test_own_header_is_read_by_others(tmp_path: Path) -> None:
    """The header that we write is what the standard library reads."""
    with wave.open(str(closed_wav(tmp_path / "a.wav", 1.0))) as file:
        read = (file.getframerate(), file.getsampwidth(), file.getnchannels(), file.getnframes())

    assert read == (8000, 2, 1, 8000)


def test_zero_length_is_measured_by_the_file(tmp_path: Path) -> None:
    """A switch that was killed left zero in the header; the audio is what is in the file."""
    layout = inspect(open_wav(tmp_path / "a.wav", 1.5))

    assert (layout.header, layout.duration_ms) == (Header.OPEN, 1500)


@pytest.mark.parametrize("length", [32_002, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_length_beyond_the_end_is_not_believed(length: int) -> None:
    """A length beyond the end of the file is that of a file cut off, and nothing beyond its end is audio."""
    layout = _parse(_riff(_fmt(), (b"data", length, audio(2))))

    assert (layout.header, layout.audio_bytes) == (Header.OPEN, 32_000)


def test_odd_byte_at_the_end_is_left_out() -> None:
    """Half a sample at the end of a file that was cut off is no audio."""
    layout = _parse(header(0) + audio(0.5) + b"x")

    assert layout.audio_bytes == 8000


def test_silent_live_recording_has_no_audio() -> None:
    """The 44 bytes of a caller who has not spoken yet are an open file without audio."""
    layout = _parse(header(0))

    assert (layout.header, layout.audio_bytes, layout.duration_ms) == (Header.OPEN, 0, 0)


@pytest.mark.parametrize("size", [0, 1, 4, 11, 12, 20, 36, 43])
def test_unfinished_header_is_empty(size: int) -> None:
    """A file that ends inside its header holds nothing yet."""
    layout = _parse(header(0)[:size])

    assert (layout.header, layout.audio_bytes) == (Header.EMPTY, 0)


def test_missing_file_has_no_audio(tmp_path: Path) -> None:
    """A file that does not exist measures nothing."""
    assert duration_ms(tmp_path / "none.wav") == 0


def test_chunks_around_the_audio_are_skipped() -> None:
    """Chunks before and after the audio, odd ones with their padding, do not count as audio."""
    tags = (b"LIST", 5, b"INFOx\0")
    layout = _parse(_riff(_fmt(), tags, (b"data", 16000, audio(1)), tags))

    assert (layout.header, layout.audio_offset, layout.duration_ms) == (Header.CLOSED, 58, 1000)


def test_other_kinds_of_audio_are_measured_by_their_format() -> None:
    """The duration is that of the file's own rate and channels."""
    layout = _parse(_riff(_fmt(channels=2, rate=16000), (b"data", 64000, bytes(64000))))

    assert (layout.duration_ms, layout.is_ours) == (1000, False)


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"OggS" + bytes(100),
        b"RIFF\0\0\0\0AVI " + bytes(100),
        _riff((b"data", 4, b"abcd"), _fmt()),
        _riff((b"fmt ", 4, b"abcd"), (b"data", 40, bytes(40))),
        _riff(_fmt(channels=0), (b"data", 40, bytes(40))),
        _riff(_fmt(rate=0), (b"data", 40, bytes(40))),
        _riff(_fmt(bits=12), (b"data", 40, bytes(40))),
        _riff(_fmt(), (b"LIST", 0xFFFFFFFF, bytes(40))),
        _riff(_fmt(), *[(b"junk", 0, b"")] * 10_000, (b"data", 40, bytes(40))),
    ],
    ids=["zeros", "ogg", "avi", "no-format", "short-format", "channels", "rate", "bits", "size", "endless"],
)
def test_what_is_no_recording_is_said_to_be_none(data: bytes) -> None:
    """Other files and headers that make no sense are refused with the parser's own error."""
    with pytest.raises(NotAWav):
        _parse(data)


def test_what_is_no_recording_measures_nothing(tmp_path: Path) -> None:
    """A flow that measures a file which is no WAV gets 0, not an error."""
    (tmp_path / "a.wav").write_bytes(b"not audio at all, by no means" * 9)

    assert duration_ms(tmp_path / "a.wav") == 0


def test_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in the spool is not followed."""
    closed_wav(tmp_path / "target.wav", 1)
    (tmp_path / "a.wav").symlink_to(tmp_path / "target.wav")

    with pytest.raises(OSError, match="symbolic"):
        inspect(tmp_path / "a.wav")


def _holds(data: bytes) -> None:
    try:
        layout = _parse(data)
    except NotAWav:
        return

    assert 0 <= layout.audio_offset <= layout.audio_offset + layout.audio_bytes <= len(data)
    assert layout.duration_ms >= 0


@given(st.binary(max_size=300))
def test_any_bytes_give_a_layout_within_the_file(data: bytes) -> None:
    """Whatever the bytes are, the audio lies within the file, or the parser's own error says why not."""
    _holds(data)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"fmt ", b"data", b"LIST", b"junk"]),
            st.integers(0, 2**32 - 1) | st.integers(0, 64),
            st.binary(max_size=64),
        ),
        max_size=6,
    )
)
def test_any_chunks_give_a_layout_within_the_file(chunks: list[tuple[bytes, int, bytes]]) -> None:
    """Whatever lengths the chunks claim, the audio lies within the file."""
    _holds(_riff(*chunks))
    _holds(_riff(_fmt(), *chunks))


@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_every_cut_of_a_file_gives_a_layout_within_it(cut: int, length: int) -> None:
    """A file cut off at any byte, with any length in its header, is measured by what is there."""
    _holds((_riff(_fmt(), (b"data", length, audio(0.02))))[:cut])
