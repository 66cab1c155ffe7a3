"""What a phone heard: find a prompt in it, measure it, and the tones of keys.

A prompt was heard when the voiced pieces of its WAV file correlate with the recording at rising
positions. One correlation over the whole prompt would fail on a jump of the jitter buffer.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 8000
WINDOW = 2400
_VOICED = 300.0
_ALIKE = 0.85
_ALIKE_PIECE = 0.9
_ABOUT = 0.05
_ANCHORS = 3
_PIECE = 800
_JUMP = 6400
_MISSING = 0.25
_MISSING_IN_A_ROW = 2
_SILENCE_CUT = 800

Samples = npt.NDArray[np.float32]

_TONES = {
    key: (row, column)
    for row, keys in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
    for key, column in zip(keys, (1209, 1336, 1477, 1633), strict=True)
}


def read(path: Path) -> Samples:
    """Return the samples of a WAV file (16 bit mono), also of one that is still being written."""
    data = path.read_bytes()
    at = data.find(b"data", 12)
    if at < 0:
        return np.zeros(0, np.float32)
    raw = data[at + 8 :]
    return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float32)


def write(samples: npt.NDArray[Any], path: Path) -> None:
    """Write samples as a WAV file, 8 kHz, 16 bit, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())


def tones(digits: str, path: Path) -> None:
    """Write the tones of `digits` (ITU-T Q.23): 120 ms each, 100 ms apart."""
    time = np.arange(int(0.12 * RATE)) / RATE
    gap = np.zeros(int(0.1 * RATE))
    pieces = [gap]
    for digit in digits:
        low, high = _TONES[digit]
        pieces += [6000 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)), gap]
    write(np.concatenate(pieces), path)


def _correlation(window: Samples, where: Samples) -> Samples:
    """Return the normalised correlation of `window` at each position of `where`."""
    size = 1 << int(np.ceil(np.log2(len(where) + len(window))))
    spectrum = np.fft.rfft(where, size) * np.conj(np.fft.rfft(window, size))
    products = np.fft.irfft(spectrum, size)[: len(where) - len(window) + 1]
    sums = np.concatenate(([0.0], np.cumsum(where.astype(np.float64) ** 2)))
    energy = sums[len(window) :] - sums[: -len(window)]
    scale = np.sqrt(np.maximum(energy, 1.0)) * np.sqrt(float(np.sum(window.astype(np.float64) ** 2)))
    return np.asarray(products / scale, np.float32)


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording of what was heard; positions in seconds from its start."""

    samples: Samples

    @classmethod
    def of(cls, path: Path) -> Heard:
        """Read what is there by now; nothing if the file does not exist yet."""
        return cls(read(path) if path.exists() else np.zeros(0, np.float32))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE

    def find(self, prompt: Path, *, after: float = 0.0) -> float | None:
        """Return where `prompt` ends in what was heard, or None if it was not heard whole.

        It must begin at or after `after`, or a tenth of a second before (see Search).
        """
        return Search(prompt, after=after).look(self)

    def first_sound(self, *, after: float = 0.0) -> float | None:
        """Return where the first 20 ms louder than silence begin."""
        frame = RATE // 50
        for at in range(int(after * RATE), len(self.samples) - frame, frame):
            if float(np.sqrt(np.mean(self.samples[at : at + frame] ** 2))) > _VOICED:
                return at / RATE
        return None

    def part(self, begin: float, end: float | None = None) -> Heard:
        """Return a part of it."""
        return Heard(self.samples[int(begin * RATE) : None if end is None else int(end * RATE)])

    def save(self, path: Path) -> None:
        """Write it as a WAV file."""
        write(self.samples, path)


class Search:
    """Looks for one prompt in a recording that grows; what was searched in vain is not searched again.

    The beginning is found by a window of 0.3 s; from there on the prompt is followed in pieces of 0.1 s,
    each near where the one before was. A jitter buffer on a busy machine inserts or drops some frames, and
    what comes after a stall comes up to 0.8 s later: pieces that are cut by such a jump may be missing, but
    never two tenths of a second in a row and never a quarter of the prompt. It also drops silence: what
    comes behind the end of another prompt may begin up to 0.1 s before that.
    """

    def __init__(self, prompt: Path, *, after: float = 0.0) -> None:
        self._wanted = read(prompt)
        self._from = max(0, int(after * RATE) - _SILENCE_CUT)
        self._window = min(WINDOW, len(self._wanted))
        # Those of a short prompt overlap: one that a jump cuts must not be the only one.
        apart = min(self._window, (len(self._wanted) - self._window) // (_ANCHORS - 1))
        self._anchors = self._voiced(self._window, apart)[:_ANCHORS]
        piece = min(_PIECE, len(self._wanted))
        self._pieces = self._voiced(piece, piece)

    def look(self, heard: Heard) -> float | None:
        """Return where the prompt ends, in seconds, or None if it was not heard whole up to now."""
        for offset in self._anchors:
            window = self._wanted[offset : offset + self._window]
            place = _earliest(window, heard.samples, self._from, len(heard.samples), _ALIKE)
            if place is not None:
                return self._follow(heard.samples, place - offset)
        if self._anchors:
            behind = self._anchors[-1] + self._window
            self._from = max(self._from, len(heard.samples) - behind)
        return None

    def _voiced(self, length: int, apart: int) -> list[int]:
        """List where the pieces of a length begin that are more than silence, which says nothing."""
        return [
            offset
            for offset in range(0, len(self._wanted) - length + 1, max(1, apart))
            if float(np.sqrt(np.mean(self._wanted[offset : offset + length] ** 2))) >= _VOICED
        ]

    def _follow(self, samples: Samples, shift: int) -> float | None:
        missing = in_a_row = 0
        length = min(_PIECE, len(self._wanted))
        for offset in self._pieces:
            piece = self._wanted[offset : offset + length]
            expected = shift + offset
            low = max(self._from, expected - _JUMP)
            place = _earliest(piece, samples, low, expected + length + _JUMP, _ALIKE_PIECE)
            if place is None:
                missing, in_a_row = missing + 1, in_a_row + 1
                if in_a_row > _MISSING_IN_A_ROW:
                    return None
            else:
                shift, in_a_row = place - offset, 0
        if missing > len(self._pieces) * _MISSING:
            return None
        return (shift + len(self._wanted)) / RATE


def _earliest(piece: Samples, samples: Samples, low: int, high: int, alike: float) -> int | None:
    """Return the earliest of the best places between `low` and `high`, if they are good."""
    low = max(0, low)
    where = samples[low : min(high, len(samples))]
    if len(where) < len(piece):
        return None
    correlation = _correlation(piece, where)
    best = int(np.argmax(correlation))
    if correlation[best] < alike:
        return None
    good = np.flatnonzero(correlation >= correlation[best] - _ABOUT)
    first = int(good[0])
    # The top of the earliest hill, not its foot.
    return low + first + int(np.argmax(correlation[first : first + RATE // 100]))
