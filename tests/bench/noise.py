"""Speech whose every 20 ms are different, so that a recording tells which of its packets it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FRAME = 160
FRAME_MS = 20
_HEADER_BYTES = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Which packets a recording holds: the first, the last, how many between are missing.

    `foreign` pieces of 20 ms are none of them: what a switch put in for a packet that came late.
    """

    first: int
    last: int
    missing: int
    foreign: int
    frames: int

    @property
    def error_ms(self) -> int:
        """How much the recording's length differs from that of what was sent while it ran."""
        return (self.frames - (self.last - self.first + 1)) * FRAME_MS


def mu_law(seconds: int) -> bytes:
    """Return noise, the same each time, as G.711 mu-law."""
    codes = np.random.default_rng(20).integers(0, 40, seconds * 8000, dtype=np.uint8)
    signs = np.random.default_rng(21).integers(0, 2, seconds * 8000, dtype=np.uint8)
    return bytes(codes + 0x18 + (signs << 7))


def linear(data: bytes) -> np.ndarray:
    """Decode G.711 mu-law (ITU-T G.711)."""
    code = (~np.frombuffer(data, dtype=np.uint8)).astype(np.int32)
    size = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - size, size - 0x84).astype("<i2")


class Packets:
    """Knows the packets of what was sent."""

    def __init__(self, sent: bytes) -> None:
        samples = linear(sent)
        self._places = {
            samples[at : at + FRAME].tobytes(): at // FRAME for at in range(0, len(samples), FRAME)
        }

    def heard(self, recording: Path) -> Heard | None:
        """Tell which packets a WAV of ours (8 kHz, 16 bit, mono) holds; None if it is none at all."""
        audio = recording.read_bytes()[_HEADER_BYTES:]
        size = FRAME * 2
        pieces = [audio[at : at + size] for at in range(0, len(audio) - size + 1, size)]
        found = [self._places[piece] for piece in pieces if piece in self._places]
        if not found:
            return None
        first, last = min(found), max(found)
        return Heard(
            first=first,
            last=last,
            missing=last - first + 1 - len(set(found)),
            foreign=len(pieces) - len(found),
            frames=len(pieces),
        )
