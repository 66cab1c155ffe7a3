"""Rules and exceptions that never match, because one before them takes all the calls that they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controlplane.domain.routing.extension_rules import CallerException, When
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.mask_index import MaskIndex
from controlplane.domain.routing.masks import covers


def shadowed_rules(rules: Mapping[str, InboundRule]) -> Iterator[tuple[str, str]]:
    """Yield the names of rules that never match, each with that of the first rule that takes their calls.

    Several rules that take the calls of another only together are not seen. A tenant may have thousands of
    rules: each is looked up among the others, and not compared with each of them.
    """
    first: dict[_Masks, int] = {}
    order = [
        (name, _Masks.of(rule))
        for name, rule in sorted(rules.items(), key=lambda one: (one[1].priority, one[0]))
        if rule.enabled
    ]
    for place, (_, masks) in enumerate(order):
        first.setdefault(masks, place)
    index = _Index(first)
    takers: dict[_Masks, int] = {}
    for place, (name, masks) in enumerate(order):
        taker = takers[masks] if masks in takers else index.first_taker(masks, before=place)
        # Who takes the calls of a rule takes those of all with the same masks; else it does itself.
        takers.setdefault(masks, place if taker is None else taker)
        if taker is not None:
            yield name, order[taker][0]


@dataclass(frozen=True, slots=True)
class _Masks:
    """Which calls a rule means; no masks are any number, no trunk is any."""

    dids: frozenset[str]
    callers: frozenset[str]
    trunk: str | None

    @classmethod
    def of(cls, rule: InboundRule) -> _Masks:
        return cls(frozenset(rule.dids), frozenset(rule.callers), rule.trunk)


class _Index:
    """Rules by their masks, to find those that take all calls of another."""

    def __init__(self, places: Mapping[_Masks, int]) -> None:
        self._dids = MaskIndex({place: masks.dids for masks, place in places.items()})
        self._callers = MaskIndex({place: masks.callers for masks, place in places.items()})
        self._trunks: dict[str | None, set[int]] = {}
        for masks, place in places.items():
            self._trunks.setdefault(masks.trunk, set()).add(place)

    def first_taker(self, masks: _Masks, *, before: int) -> int | None:
        """Return the place of the first rule before another that takes all its calls."""
        # A rule must be in each of these, which are a few sets each; the smallest names the candidates.
        needed = [
            [self._trunks.get(trunk, set()) for trunk in {None, masks.trunk}],
            *self._dids.taking(masks.dids),
            *self._callers.taking(masks.callers),
        ]
        smallest = min(needed, key=lambda sets: sum(map(len, sets)))
        return min(
            (
                place
                for some in smallest
                for place in some
                if place < before and all(any(place in one for one in sets) for sets in needed)
            ),
            default=None,
        )


def shadowed_exceptions(exceptions: Sequence[CallerException]) -> Iterator[tuple[int, int]]:
    """Yield the places of exceptions that never match, each with that of the one before it."""
    for place, later in enumerate(exceptions):
        for before, earlier in enumerate(exceptions[:place]):
            if earlier.when in (When.ALWAYS, later.when) and covers(earlier.caller, later.caller):
                yield place, before
                break
