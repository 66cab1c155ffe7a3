"""What a caller would meet: the walk of a call over the plans that the switches read, as data.

Nothing is asked, rung or waited for: the phones' states, the keys that the caller presses and the time are
given. What a switch does with the lines of a plan is done here in the same order: by `walk` what all objects
have in common, by `walk_…` what one kind of them does.
"""

from __future__ import annotations

import dataclasses
from typing import Final, assert_never

from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.limits import MAX_HOPS
from controlplane.domain.routing.simulation import Result, Routing, SimulatedCall, Simulation, Step
from controlplane.domain.routing.walk import Ended, Walk
from controlplane.domain.routing.walk_extension import through_extension
from controlplane.domain.routing.walk_mailbox import through_mailbox
from controlplane.domain.routing.walk_receptionist import through_receptionist
from controlplane.domain.routing.walk_ringing import through_call_queue, through_ring_group

_INBOUND_RULE: Final = "inbound-rule"


def simulate(routing: Routing, call: SimulatedCall) -> Simulation:
    """Walk the way of a call; it is cut after MAX_HOPS numbers at the latest."""
    walk = Walk(routing, call)
    try:
        at = _begin(walk)
        while True:
            at = _number(walk, at)
    except Ended as end:
        return Simulation(
            steps=tuple(walk.steps),
            result=end.result,
            number=end.number,
            cause=end.cause,
            seconds=walk.seconds,
            reached_by=ReachedBy(
                did=call.did,
                reason=walk.path[-1].reason if walk.path else ReachedReason.DIRECT,
                path=tuple(walk.path),
            ),
            by_chance=walk.by_chance,
        )


def _begin(walk: Walk) -> str:
    """Return the first number: the one that was dialled, or where the first rule that matches leads."""
    call = walk.call
    if call.did is None:
        return call.to or ""
    did = call.did.removeprefix("+")
    for line in sorted(walk.routing.rules, key=lambda one: (one.rule.priority, one.name)):
        if line.rule.matches(did=did, caller=call.caller, trunk=call.trunk):
            hours = walk.hours(line.hours)
            token = line.tokens[hours]
            step = Step(kind=_INBOUND_RULE, number=None, name=line.name, hours=hours, next=token)
            if token != line.tokens[Hours.OPEN]:
                return walk.go(step, ReachedReason.CLOSED)
            walk.steps.append(step)
            if token.isdecimal():
                return token
            raise Ended(Result.HUNG_UP, cause="normal")
    return did


def _number(walk: Walk, number: str) -> str:
    """Do what the object of a number does, and return the next number."""
    walk.hops += 1
    if walk.hops > MAX_HOPS:
        raise Ended(Result.CUT, number)
    line = walk.routing.lines.get(number)
    if line is None:
        raise Ended(Result.UNKNOWN_NUMBER, number)
    hours = walk.hours(line.plan.get("hours", ""))
    step = Step(kind=line.kind.value, number=number, name=line.name, hours=hours)
    match line.kind:
        case NumberKind.MAILBOX:
            return through_mailbox(walk, dataclasses.replace(step, hours=None), line)
        case NumberKind.EXTENSION:
            return through_extension(walk, step, line.plan, hours)
        case NumberKind.RING_GROUP:
            return walk.closed(step, line.plan, hours) or through_ring_group(walk, step, line.plan, number)
        case NumberKind.CALL_QUEUE:
            return walk.closed(step, line.plan, hours) or through_call_queue(walk, step, line.plan, number)
        case NumberKind.VIRTUAL_RECEPTIONIST:
            return walk.closed(step, line.plan, hours) or through_receptionist(walk, step, line.plan, hours)
    assert_never(line.kind)
