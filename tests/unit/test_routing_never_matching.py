"""Rules that never match are looked up, and not compared each with each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import pytest
from controlplane.domain.routing.destination import HANGUP, ByHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.masks import covers
from controlplane.domain.routing.never_matching import shadowed_rules
from hypothesis import given
from hypothesis import strategies as st

Rules = Mapping[str, InboundRule]

_DIGITS = st.text("012", min_size=1, max_size=3)
_RANGES = st.tuples(_DIGITS, _DIGITS).filter(lambda ends: len(ends[0]) == len(ends[1]) and ends[0] <= ends[1])
_MASKS = st.one_of(
    _DIGITS, _DIGITS.map("+{}".format), st.text("01*", min_size=1, max_size=3), _RANGES.map("-".join)
)
_SEVERAL = st.lists(_MASKS, max_size=3).map(tuple)


def _rule(**settings: Any) -> InboundRule:
    return InboundRule(destination=ByHours(office_hours=HANGUP), **settings)


_RULES = st.builds(
    _rule,
    dids=_SEVERAL,
    callers=_SEVERAL,
    trunk=st.sampled_from([None, "a", "b"]),
    priority=st.integers(0, 2),
    enabled=st.sampled_from([True, True, True, False]),
)


def _takes(wider: tuple[str, ...], narrower: tuple[str, ...]) -> bool:
    each = (any(covers(one, mask) for one in wider) for mask in narrower)
    return not wider or (bool(narrower) and all(each))


def _compared(rules: Rules) -> Iterator[tuple[str, str]]:
    """Compare each rule with each before it."""
    order = sorted((rule.priority, name) for name, rule in rules.items() if rule.enabled)
    for place, (_, name) in enumerate(order):
        for _, earlier in order[:place]:
            one, other = rules[earlier], rules[name]
            of_trunk = one.trunk in (None, other.trunk)
            if of_trunk and _takes(one.dids, other.dids) and _takes(one.callers, other.callers):
                yield name, earlier
                break


@given(rules=st.lists(_RULES, max_size=8))
def test_what_is_looked_up_is_what_comparing_would_find(rules: list[InboundRule]) -> None:
    """For each rule the first one before it that takes all of its calls, by numbers, callers and trunk."""
    named = {f"rule-{place}": rule for place, rule in enumerate(rules)}

    assert list(_compared(named)) == list(shadowed_rules(named))


def _patterns(place: int) -> InboundRule:
    return _rule(dids=(f"49{place:04}***",))


def _sets_of_patterns(place: int) -> InboundRule:
    return _rule(dids=tuple(f"49{place:04}{digit}**" for digit in range(10)))


def _ranges(place: int) -> InboundRule:
    return _rule(dids=(f"49{place:04}000-49{place:04}499",))


def _ranges_and_numbers(place: int) -> InboundRule:
    return _rule(dids=(f"49{place:04}000-49{place:04}499", f"48{place:04}"))


def _callers_of_one_number(place: int) -> InboundRule:
    return _rule(dids=("4930100",), callers=(f"49{place:04}***",))


def _callers_of_all_numbers(place: int) -> InboundRule:
    return _rule(callers=(f"49{place:04}***",))


def _the_same(place: int) -> InboundRule:
    return _rule(dids=("49***",), priority=place % 1000)


def _steps(rules: Rules) -> int:
    """Count the lines that are run to look over rules."""
    steps = 0

    def count(_: FrameType, event: str, __: object) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for _found in shadowed_rules(rules):
            pass
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "kind",
    [
        _patterns,
        _sets_of_patterns,
        _ranges,
        _ranges_and_numbers,
        _callers_of_one_number,
        _callers_of_all_numbers,
        _the_same,
    ],
)
def test_four_times_the_rules_are_about_four_times_the_work(kind: Callable[[int], InboundRule]) -> None:
    """Comparing each with each would be sixteen times the work."""
    few, many = ({f"rule-{place:04}": kind(place) for place in range(count)} for count in (60, 240))

    assert _steps(many) < 7 * _steps(few)
