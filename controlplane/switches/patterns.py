"""Patterns of extensions as Asterisk writes them: `_80XX`, `_[1-3]Z.`. FreeSWITCH reads them too.

Behind the underscore X is 0 to 9, Z 1 to 9, N 2 to 9, brackets hold a set, `.` is one character or more and
`!` none or more; a `-` outside of brackets is for the eye. The order of patterns is that of main/pbx.c in
Asterisk: position by position, the smaller set of characters first, then the one with the lower characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SETS: Final = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
_ANYTHING: Final = {".": (0x18000, ".+"), "!": (0x28000, ".*")}
_END: Final = (0x30000, 0)
_LARGEST_RANGE: Final = 256

_Order = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that a number can be compared with; those that come first in `order` are asked first."""

    order: _Order
    _regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        """Return the pattern of a name that begins with an underscore; None if it can match nothing."""
        order: list[tuple[int, int]] = []
        regex = ""
        rest = text[1:]
        while rest:
            character, rest = rest[0], rest[1:]
            if character == "-":
                continue
            if character in _ANYTHING:
                score, part = _ANYTHING[character]
                order.append((score, 0))
                regex += part
                break
            if character == "[":
                inside, closed, rest = rest.partition("]")
                if not closed:
                    return None
                members = _members(inside)
                if not members:
                    continue
            else:
                members = frozenset(_SETS.get(character.upper(), character))
            order.append(_score(members))
            regex += "[" + "".join(re.escape(one) for one in sorted(members)) + "]"
        return cls((*order, _END), re.compile(regex, re.DOTALL))

    def matches(self, number: str) -> bool:
        """Say whether all of a number is what the pattern means."""
        return self._regex.fullmatch(number) is not None


def _members(inside: str) -> frozenset[str]:
    """Return the characters between two brackets."""
    found: set[str] = set()
    while inside:
        if len(inside) > 2 and inside[1] == "-":  # noqa: PLR2004 (`a-b`)
            first, last = ord(inside[0]), ord(inside[2])
            found.update(map(chr, range(first, min(last, first + _LARGEST_RANGE) + 1)))
            inside = inside[3:]
        else:
            found.add(inside[0])
            inside = inside[1:]
    return frozenset(found)


def _score(members: frozenset[str]) -> tuple[int, int]:
    """Return what a set is ordered by: its size, its lowest character, then which others it has."""
    lowest = min(ord(one) for one in members)
    return (len(members) << 8) + min(lowest, 0xFF), -sum(1 << max(0, 255 - ord(one)) for one in members)
