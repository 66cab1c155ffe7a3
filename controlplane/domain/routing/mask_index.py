"""Many masks by whom they belong to, to find those that cover another without a look at each."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping

_Owners = set[int]


class MaskIndex:
    """The masks of some owners, who are numbered; an owner without masks means any number.

    A mask covers another as `masks.covers` has it.
    """

    def __init__(self, masks: Mapping[int, Collection[str]]) -> None:
        self._any = {owner for owner, several in masks.items() if not several}
        self._numbers: dict[str, _Owners] = {}
        self._patterns: dict[str, _Owners] = {}
        ranges: dict[tuple[str, str], _Owners] = {}
        for owner, several in masks.items():
            for mask in several:
                first, dash, last = mask.removeprefix("+").partition("-")
                if dash:
                    ranges.setdefault((first, last), set()).add(owner)
                else:
                    kind = self._patterns if "*" in first else self._numbers
                    kind.setdefault(first, set()).add(owner)
        self._ranges = _Ranges(ranges)
        self._tree = _Node()
        for pattern, owners in self._patterns.items():
            self._tree.add(pattern, owners)

    def taking(self, masks: Collection[str]) -> Iterator[list[_Owners]]:
        """Yield the owners of masks that cover each of these masks, as sets; of none, those without masks."""
        if not masks:
            yield [self._any]
        for mask in masks:
            yield [self._any, *self._covering(mask)]

    def _covering(self, mask: str) -> Iterator[_Owners]:
        first, dash, last = mask.removeprefix("+").partition("-")
        if dash and first != last:
            yield from self._ranges.around(first, last)
            # Only a pattern whose `*` are its last ones covers a range of many numbers.
            for length, (one, other) in enumerate(zip(first, last, strict=True)):
                yield self._patterns.get(first[:length].ljust(len(first), "*"), set())
                if one != other:
                    return
        if "*" not in first:
            yield self._numbers.get(first, set())
        yield from self._tree.matching(first)
        yield from self._ranges.around(first.replace("*", "0"), first.replace("*", "9"))


class _Node:
    """A tree of patterns, by their characters from the first on."""

    __slots__ = ("below", "owners")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.owners: _Owners | None = None

    def add(self, pattern: str, owners: _Owners) -> None:
        """Put a pattern below this node."""
        node = self
        for character in pattern:
            node = node.below.setdefault(character, _Node())
        node.owners = owners

    def matching(self, mask: str) -> Iterator[_Owners]:
        """Yield the owners of the patterns that have a `*` or the same wherever the mask has a character."""
        nodes = [self]
        for character in mask:
            nodes = [
                node.below[wanted] for node in nodes for wanted in {"*", character} if wanted in node.below
            ]
        yield from (node.owners for node in nodes if node.owners is not None)


class _Ranges:
    """Ranges by their lengths and first ends; above them a tree that knows the last ends below it."""

    def __init__(self, ranges: Mapping[tuple[str, str], _Owners]) -> None:
        # Equally long digits are in the order of their values.
        self._owners = ranges
        self._sorted = sorted((len(first), first, last) for first, last in ranges)
        self._leaves = 2 ** math.ceil(math.log2(max(len(self._sorted), 1)))
        self._furthest = [(0, "")] * (2 * self._leaves)
        for place, (length, _, last) in enumerate(self._sorted):
            self._furthest[self._leaves + place] = (length, last)
        for node in range(self._leaves - 1, 0, -1):
            self._furthest[node] = max(self._furthest[2 * node], self._furthest[2 * node + 1])

    def around(self, first: str, last: str) -> Iterator[_Owners]:
        """Yield the owners of the ranges that begin at `first` or before, and end at `last` or after."""
        length = len(first)
        # Shorter ranges are before these; they are passed over by the tree, whose ends are shorter there.
        end = bisect_right(self._sorted, (length, first, "~"))
        ahead = [(1, 0, self._leaves)]
        while ahead:
            node, begin, stop = ahead.pop()
            if begin >= end or self._furthest[node] < (length, last):
                continue
            if stop - begin == 1:
                yield self._owners[self._sorted[begin][1:]]
                continue
            middle = (begin + stop) // 2
            ahead += [(2 * node, begin, middle), (2 * node + 1, middle, stop)]
