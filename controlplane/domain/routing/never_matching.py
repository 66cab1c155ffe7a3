"""Rules and exceptions that never match, because one before them takes all the calls that they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controlplane.domain.routing.extension_rules import CallerException, When
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.masks import covers


def shadowed_rules(rules: Mapping[str, InboundRule]) -> Iterator[tuple[str, str]]:
    """Yield the names of rules that never match, each with that of the rule before it.

    Several rules that take the calls of another only together are not seen.
    """
    order = [
        (name, rule.trunk, _Masks.of(rule.dids), _Masks.of(rule.callers))
        for name, rule in sorted(rules.items(), key=lambda one: (one[1].priority, one[0]))
        if rule.enabled
    ]
    for place, (name, trunk, dids, callers) in enumerate(order):
        for earlier, its_trunk, its_dids, its_callers in order[:place]:
            if its_trunk in (None, trunk) and its_dids.cover(dids) and its_callers.cover(callers):
                yield name, earlier
                break


@dataclass(frozen=True, slots=True)
class _Masks:
    """Masks of a rule, none being any number. Plain numbers, which may be many, are compared as a set."""

    numbers: frozenset[str]
    others: tuple[str, ...]

    @classmethod
    def of(cls, masks: Sequence[str]) -> _Masks:
        plain = [mask for mask in masks if mask.removeprefix("+").isdecimal()]
        return cls(
            frozenset(mask.removeprefix("+") for mask in plain),
            tuple(mask for mask in masks if not mask.removeprefix("+").isdecimal()),
        )

    def cover(self, narrower: _Masks) -> bool:
        """Say whether each number that the other masks mean is meant by one of these."""
        if not self.numbers and not self.others:
            return True
        if not narrower.numbers and not narrower.others:
            return False
        if not self.others and not narrower.others:
            return narrower.numbers <= self.numbers
        return all(
            any(covers(one, mask) for one in (*self.others, *self._alike(mask)))
            for mask in (*(narrower.numbers - self.numbers), *narrower.others)
        )

    def _alike(self, mask: str) -> tuple[str, ...]:
        """Return the number that a range of one number means, if it is among these."""
        first, _, last = mask.partition("-")
        return (first,) if first == last and first in self.numbers else ()


def shadowed_exceptions(exceptions: Sequence[CallerException]) -> Iterator[tuple[int, int]]:
    """Yield the places of exceptions that never match, each with that of the one before it."""
    for place, later in enumerate(exceptions):
        for before, earlier in enumerate(exceptions[:place]):
            if earlier.when in (When.ALWAYS, later.when) and covers(earlier.caller, later.caller):
                yield place, before
                break
