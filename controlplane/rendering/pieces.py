"""The extensions of a tenant, cut into pieces: what is rendered, checked, written and verified as one file.

A piece holds all numbers whose hashes begin with the same bits. One that would hold more than 500 is two,
each with a bit more, so that a number that comes or goes touches its own piece and no other one. Which
pieces there are follows from the numbers alone, and from nothing that was before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from controlplane.rendering.context import ExtensionContext

MOST = 500
"""So many fit into a group of FreeSWITCH's directory, which is searched, and read, from its beginning."""

_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some extensions of a tenant by number; `bits` begin the hash of each, none where there is one piece."""

    bits: str
    extensions: tuple[ExtensionContext, ...]

    @property
    def name(self) -> str:
        """The name of its file, without the folder."""
        return f"phones-{self.bits}" if self.bits else "phones"


def place_of(number: str) -> int:
    """Return where a number stands among the others of its tenant: the beginning of its SHA-256."""
    return int.from_bytes(hashlib.sha256(number.encode()).digest()[: _BITS // 8], "big")


@dataclass(slots=True)
class Cutter:
    """Takes the extensions of a tenant by their places, and gives pieces; it holds one piece at a time."""

    most: int = MOST
    _bits: str = ""
    _held: list[tuple[int, ExtensionContext]] = field(default_factory=list)

    def push(self, extension: ExtensionContext) -> Iterator[Piece]:
        """Take the next one; give the pieces that it ends. Raises ValueError for one out of place."""
        place = place_of(extension.number)
        if self._held and place < self._held[-1][0]:
            raise ValueError("Extensions are cut in the order of their places.")
        while not self._has(place, self._bits):
            yield from self.end()
            # What follows: the next branch of the tree whose other one was left.
            self._bits = f"{self._bits.rstrip('1')[:-1]}1"
        self._held.append((place, extension))
        while len(self._held) > self.most and len(self._bits) < _BITS:
            yield from self._split()

    def end(self) -> Iterator[Piece]:
        """Give what is left."""
        if self._held:
            held = sorted((extension for _, extension in self._held), key=lambda one: one.number)
            self._held = []
            yield Piece(bits=self._bits, extensions=tuple(held))

    def _split(self) -> Iterator[Piece]:
        left, right = f"{self._bits}0", f"{self._bits}1"
        after = [one for one in self._held if self._has(one[0], right)]
        if not after:
            self._bits = left
            return
        self._held = [one for one in self._held if not self._has(one[0], right)]
        self._bits = left
        yield from self.end()
        self._held, self._bits = after, right

    @staticmethod
    def _has(place: int, bits: str) -> bool:
        return not bits or place >> (_BITS - len(bits)) == int(bits, 2)


def cut(extensions: Iterable[ExtensionContext], *, most: int = MOST) -> Iterator[Piece]:
    """Cut the extensions of a tenant, in any order, into pieces."""
    cutter = Cutter(most)
    for extension in sorted(extensions, key=lambda one: place_of(one.number)):
        yield from cutter.push(extension)
    yield from cutter.end()
