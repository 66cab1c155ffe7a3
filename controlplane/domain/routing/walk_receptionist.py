"""A virtual receptionist, as a call meets it: the keys that the caller presses, and what they choose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.limits import MOST_GREETINGS
from controlplane.domain.routing.simulation import Reception, Result, Step
from controlplane.domain.routing.walk import HANGUP, REPEAT, Ended, Walk


def through_receptionist(walk: Walk, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
    """Return the next number; raises Ended."""
    reception = walk.routing.receptions[step.number or ""]
    waited = repeats = 0
    for _ in range(MOST_GREETINGS):
        keys, is_extension = _pressed(walk, reception)
        if not keys:
            waited += reception.timeout_seconds
            if repeats >= reception.timeout_repeats:
                break
            repeats += 1
            continue
        rule = reception.keys.get(keys)
        if rule is None and is_extension:
            return _chosen(walk, step, plan, keys, key=None, waited=waited)
        if rule is not None and rule[hours] != REPEAT:
            return _chosen(walk, step, plan, rule[hours], key=keys, waited=waited)
    return _onward(walk, step, reception.timeout, ReachedReason.TIMEOUT, key=None, waited=waited)


def _chosen(
    walk: Walk, step: Step, plan: Mapping[str, str], token: str, *, key: str | None, waited: int
) -> str:
    walk.failed = plan.get("call_failed", "")
    walk.failed_number = step.number or ""
    return _onward(walk, step, token, ReachedReason.DIRECT, key=key, waited=waited)


def _onward(
    walk: Walk, step: Step, token: str, reason: ReachedReason, *, key: str | None, waited: int
) -> str:
    if reason is not ReachedReason.DIRECT:
        walk.failed = ""
    if token == HANGUP:
        # The flow says goodbye and ends the call itself.
        walk.steps.append(dataclasses.replace(step, next=token, reason=reason, key=key, seconds=waited))
        walk.seconds += waited
        raise Ended(Result.HUNG_UP, cause="normal")
    return walk.go(dataclasses.replace(step, next=token), reason, key=key, seconds=waited)


def _pressed(walk: Walk, reception: Reception) -> tuple[str, bool]:
    """Take keys as long as they may become more that is known; say whether they are an extension."""
    keys = walk.keys.after_a_wait()
    while keys and (_may_go_on(walk, reception, keys) or _begins(reception.keys, keys)):
        key = walk.keys.at_once()
        longer = keys + key
        is_rule = longer in reception.keys or _begins(reception.keys, longer)
        if not key or (key == "#" and _is_extension(walk, reception, keys) and not is_rule):
            break
        keys = longer
    return keys, _is_extension(walk, reception, keys)


def _is_extension(walk: Walk, reception: Reception, keys: str) -> bool:
    return reception.dial_extensions and keys in walk.routing.extensions


def _may_go_on(walk: Walk, reception: Reception, keys: str) -> bool:
    return reception.dial_extensions and _begins(walk.routing.extensions, keys)


def _begins(known: Mapping[str, object] | frozenset[str], keys: str) -> bool:
    return any(len(one) > len(keys) and one.startswith(keys) for one in known)
