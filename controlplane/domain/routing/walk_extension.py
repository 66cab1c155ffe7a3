"""An extension, as a call meets it: exceptions and rules first, then its phone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.limits import RING_SECONDS
from controlplane.domain.routing.masks import matches
from controlplane.domain.routing.simulation import PhoneState, Step
from controlplane.domain.routing.walk import RING, Walk


def through_extension(walk: Walk, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
    """Return the next number; raises Ended."""
    number = step.number or ""
    exception = _exception(walk, plan, hours)
    always = plan.get(f"always.{hours.value}", "")
    if exception not in {"", RING}:
        return walk.go(dataclasses.replace(step, next=exception), ReachedReason.ALWAYS)
    if not exception:
        if always not in {"", RING}:
            return walk.go(dataclasses.replace(step, next=always), ReachedReason.ALWAYS)
        if plan.get("do_not_disturb") == "1":
            return _ruled(walk, step, plan, "disturbed", ReachedReason.BUSY)
    match walk.state(number):
        case PhoneState.ANSWERED:
            raise walk.answered(step, number)
        case PhoneState.UNREGISTERED:
            return _ruled(walk, step, plan, "not_registered", ReachedReason.NOT_REGISTERED)
        case PhoneState.BUSY | PhoneState.DECLINED:
            return _ruled(walk, step, plan, "busy", ReachedReason.BUSY, rang=number, seconds=0)
        case PhoneState.UNANSWERED:
            seconds = int(plan.get("seconds") or RING_SECONDS)
            reason = ReachedReason.NO_ANSWER
            return _ruled(walk, step, plan, "no_answer", reason, rang=number, seconds=seconds)


def _ruled(
    walk: Walk,
    step: Step,
    plan: Mapping[str, str],
    rule: str,
    reason: ReachedReason,
    *,
    rang: str | None = None,
    seconds: int | None = None,
) -> str:
    token = plan.get(f"{rule}.{(step.hours or Hours.OPEN).value}", "")
    rung = () if rang is None else (rang,)
    return walk.go(dataclasses.replace(step, next=token, rang=rung), reason, seconds=seconds)


def _exception(walk: Walk, plan: Mapping[str, str], hours: Hours) -> str:
    for one in filter(None, plan.get("exceptions", "").split("|")):
        mask, when, token = one.split(">")
        fits = when == "a" or (when == "o") == (hours is Hours.OPEN)
        if fits and matches(mask, walk.call.caller):
            return token
    return ""
