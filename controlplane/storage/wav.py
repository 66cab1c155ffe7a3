"""WAV files as switches leave them: finished, still being written, or cut off when the switch died.

Rules of the format: `RIFF`, a length, `WAVE`; then chunks of a four-byte name, a length (32 bit,
little endian) and that many bytes, padded to an even number. `fmt ` comes before `data`. A switch
writes the audio's length when it closes the file; until then, and for ever if it is killed, the
length is zero (Asterisk 22, FreeSWITCH 1.11). No length in a file is believed beyond the file's end.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from controlplane.domain.errors import ControlPlaneError

RATE = 8000
FRAME_BYTES = 2
HEADER_BYTES = 44
_LONGEST_HEADER = 65536
_FORMAT_BYTES = 16
_MOST_RATE = 768_000
_MOST_FRAME_BYTES = 64
_PCM = 1
# What Asterisk calls silence (dsp.c): 20 ms whose samples have a mean distance from zero below this.
_SILENCE_LEVEL = 256
_LEVEL_SAMPLES = RATE // 50
_SAMPLES_AT_ONCE = _LEVEL_SAMPLES * 50
_EXTENSIBLE = 0xFFFE


class NotAWav(ControlPlaneError):
    """The file holds something else, or a header that cannot be understood."""


class Header(Enum):
    """What the header says about the audio."""

    CLOSED = "closed"  # a length that is not zero and fits the file
    OPEN = "open"  # zero or a length beyond the end of the file: still written, or cut off
    EMPTY = "empty"  # the file ends before the audio could begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the audio is in a file: bytes from its start, and how many, whole frames only."""

    header: Header
    audio_offset: int
    audio_bytes: int
    rate: int
    channels: int
    bits: int
    format_tag: int

    @property
    def duration_ms(self) -> int:
        """Return the length of the audio in milliseconds."""
        return self.audio_bytes * 1000 // (self.rate * self.frame_bytes)

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one sample of all channels."""
        return self.channels * self.bits // 8

    @property
    def is_ours(self) -> bool:
        """Tell whether the audio is 8 kHz, 16 bit, mono, as everything here plays and keeps it."""
        return (self.rate, self.channels, self.bits, self.format_tag) == (RATE, 1, 16, _PCM)


_NOTHING = Layout(
    header=Header.EMPTY, audio_offset=0, audio_bytes=0, rate=RATE, channels=1, bits=16, format_tag=_PCM
)


def parse(head: bytes, size: int) -> Layout:
    """Read the first bytes of a file of `size` bytes; raises NotAWav.

    `head` must hold at least the header, of which 64 KiB are looked at.
    """
    if size == 0:
        return _NOTHING
    if not b"RIFF".startswith(head[:4]) or not b"WAVE".startswith(head[8:12]):
        raise NotAWav("The file does not begin as a WAV file does.")
    form: tuple[int, int, int, int] | None = None
    position = 12
    while position + 8 <= min(len(head), size, _LONGEST_HEADER):
        name, length = struct.unpack_from("<4sI", head, position)
        body = position + 8
        if name == b"data":
            if form is None:
                raise NotAWav("The audio comes before the description of its format.")
            return _layout(form, body, length, size)
        if name == b"fmt ":
            if body + _FORMAT_BYTES > size:
                return _NOTHING
            form = _format(head[body : body + min(length, 40)])
        position = body + length + length % 2
    if size <= HEADER_BYTES:
        return _NOTHING
    raise NotAWav("The file has no audio chunk in its first 64 KiB.")


def _format(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < _FORMAT_BYTES:
        raise NotAWav("The description of the audio's format is cut off.")
    tag, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:  # noqa: PLR2004 (where the sub-format begins, two bytes long)
        tag = struct.unpack_from("<H", body, 24)[0]
    if not (channels > 0 and 0 < rate <= _MOST_RATE and bits % 8 == 0 and bits > 0):
        raise NotAWav("The description of the audio's format makes no sense.")
    if frame != channels * bits // 8 or frame > _MOST_FRAME_BYTES:
        raise NotAWav("The description of the audio's format contradicts itself.")
    return tag, channels, rate, bits


def _layout(form: tuple[int, int, int, int], offset: int, length: int, size: int) -> Layout:
    tag, channels, rate, bits = form
    present = size - offset
    closed = 0 < length <= present
    audio = length if closed else present
    return Layout(
        header=Header.CLOSED if closed else Header.OPEN,
        audio_offset=offset,
        audio_bytes=audio - audio % (channels * bits // 8),
        rate=rate,
        channels=channels,
        bits=bits,
        format_tag=tag,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The text in a file's `LIST INFO` chunk; empty where there is none. Anybody may have written it."""

    title: str = ""
    artist: str = ""
    comment: str = ""


_TAG_NAMES = {b"INAM": "title", b"IART": "artist", b"ICMT": "comment"}


def parse_tags(head: bytes) -> Tags:
    """Read the tags before the audio of a file that begins with `head`; never raises.

    Each is cut at its first zero byte, and what is no UTF-8 is replaced. The first of a name wins.
    """
    found: dict[str, str] = {}
    for name, body in _chunks(head[:_LONGEST_HEADER], 12):
        if name == b"data":
            break
        if name == b"LIST" and body[:4] == b"INFO":
            for tag, text in _chunks(body, 4):
                if tag in _TAG_NAMES:
                    found.setdefault(_TAG_NAMES[tag], text.partition(b"\0")[0].decode(errors="replace"))
    return Tags(**found)


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        yield name, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def read_tags(file: BinaryIO) -> Tags:
    """Read the tags of an open file; moves its position. Raises OSError."""
    file.seek(0)
    return parse_tags(file.read(_LONGEST_HEADER))


def open_audio(path: Path) -> BinaryIO:
    """Open a file that a switch may still be writing; a symbolic link is refused. Raises OSError."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def read_layout(file: BinaryIO) -> Layout:
    """Read the layout of an open file; moves its position. Raises NotAWav or OSError."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    return parse(file.read(min(size, _LONGEST_HEADER)), size)


def inspect(path: Path) -> Layout:
    """Read the layout of a file; a missing one has no audio. Raises NotAWav or OSError."""
    try:
        with open_audio(path) as file:
            return read_layout(file)
    except FileNotFoundError:
        return _NOTHING


def duration_ms(path: Path) -> int:
    """Measure the audio that is in a file now, whatever its header says; 0 without one.

    What is no WAV file measures 0 too. Raises OSError.
    """
    try:
        return inspect(path).duration_ms
    except NotAWav:
        return 0


def trailing_silence_ms(path: Path, layout: Layout) -> int:
    """Measure the silence at the end of a file's audio, in steps of 20 ms; all of it if nobody speaks.

    Audio that is not as ours is has none. Raises OSError.
    """
    if not layout.is_ours:
        return 0
    left = layout.audio_bytes // FRAME_BYTES
    silent = 0
    with open_audio(path) as file:
        while left:
            count = min(left, _SAMPLES_AT_ONCE)
            left -= count
            file.seek(layout.audio_offset + left * FRAME_BYTES)
            samples = array("h", file.read(count * FRAME_BYTES))
            if sys.byteorder == "big":
                samples.byteswap()
            for end in range(count, 0, -_LEVEL_SAMPLES):
                part = samples[max(0, end - _LEVEL_SAMPLES) : end]
                if sum(map(abs, part)) >= _SILENCE_LEVEL * len(part):
                    return silent * 1000 // RATE
                silent += len(part)
    return silent * 1000 // RATE


def header(audio_bytes: int) -> bytes:
    """Return the 44 bytes that stand before `audio_bytes` of 8 kHz, 16 bit, mono audio."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + audio_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        1,
        RATE,
        RATE * FRAME_BYTES,
        FRAME_BYTES,
        16,
        b"data",
        audio_bytes,
    )
