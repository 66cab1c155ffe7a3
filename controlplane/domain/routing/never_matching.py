"""Rules and exceptions that never match, because one before them takes all the calls that they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from controlplane.domain.routing.extension_rules import CallerException, When
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.masks import covers


def shadowed_rules(rules: Mapping[str, InboundRule]) -> Iterator[tuple[str, str]]:
    """Yield the names of rules that never match, each with that of the rule before it.

    Several rules that take the calls of another only together are not seen.
    """
    order = sorted(
        (name for name, rule in rules.items() if rule.enabled),
        key=lambda name: (rules[name].priority, name),
    )
    for place, name in enumerate(order):
        for earlier in order[:place]:
            if _takes_all(rules[earlier], rules[name]):
                yield name, earlier
                break


def _takes_all(earlier: InboundRule, later: InboundRule) -> bool:
    return (
        earlier.trunk in (None, later.trunk)
        and _covers_all(earlier.dids, later.dids)
        and _covers_all(earlier.callers, later.callers)
    )


def _covers_all(wider: Sequence[str], narrower: Sequence[str]) -> bool:
    if not wider:
        return True
    return bool(narrower) and all(any(covers(one, mask) for one in wider) for mask in narrower)


def shadowed_exceptions(exceptions: Sequence[CallerException]) -> Iterator[tuple[int, int]]:
    """Yield the places of exceptions that never match, each with that of the one before it."""
    for place, later in enumerate(exceptions):
        for before, earlier in enumerate(exceptions[:place]):
            if earlier.when in (When.ALWAYS, later.when) and covers(earlier.caller, later.caller):
                yield place, before
                break
