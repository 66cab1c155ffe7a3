"""Ring groups and call queues, as a call meets them: whose phones ring, and where it goes else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from controlplane.domain.message import ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.simulation import PhoneState, Step
from controlplane.domain.routing.walk import REPEAT, Walk

_REPEAT_PAUSE: Final = 5
_STRENGTH: Final = {ReachedReason.NOT_REGISTERED: 0, ReachedReason.BUSY: 1, ReachedReason.NO_ANSWER: 2}


def through_ring_group(walk: Walk, step: Step, plan: Mapping[str, str], number: str) -> str:
    """Return the next number; raises Ended."""
    members = [one for one in plan.get("members", "").split("&") if one]
    turn, total = int(plan.get("ring_seconds") or 0), int(plan.get("total_seconds") or 0)
    together = plan.get("strategy") == "simultaneous"
    reason = ReachedReason.NOT_REGISTERED
    rung: list[str] = []
    spent = 0
    for member in members:
        if not together and spent >= total:
            break
        found = _not_taken(walk, member)
        if found is not None:
            reason = max(reason, found, key=_STRENGTH.__getitem__)
        if _rings(walk, member, plan):
            rung.append(member)
            if found is None and not together:
                _chance(walk, plan, members)
                walk.seconds += spent
                raise walk.answered(dataclasses.replace(step, rang=tuple(rung)), member)
            if found is ReachedReason.NO_ANSWER and not together:
                spent += min(turn, total - spent)
    answering = [one for one in rung if walk.state(one) is PhoneState.ANSWERED]
    if answering:
        raise walk.answered(dataclasses.replace(step, rang=tuple(rung)), answering[0])
    if together and reason is ReachedReason.NO_ANSWER:
        spent = min(turn, total)
    if not together and spent >= total and len(rung) < len(members):
        _chance(walk, plan, members)
    token = plan.get("no_answer", "")
    if token == REPEAT:
        token = number
        spent = max(spent, min(turn, _REPEAT_PAUSE))
    return walk.go(dataclasses.replace(step, next=token, rang=tuple(rung)), reason, seconds=spent)


def _rings(walk: Walk, member: str, plan: Mapping[str, str]) -> bool:
    """Say whether a member's phone is rung."""
    line = walk.routing.lines.get(member)
    if line is None or line.kind is not NumberKind.EXTENSION or line.plan.get("do_not_disturb") == "1":
        return False
    state = walk.state(member)
    on_a_call = state is PhoneState.BUSY and plan.get("skip_busy") == "1"
    return state is not PhoneState.UNREGISTERED and not on_a_call


def _not_taken(walk: Walk, member: str) -> ReachedReason | None:
    """Return why a member does not take the call, whether or not he is rung; None if he does."""
    line = walk.routing.lines.get(member)
    if line is None or line.kind is not NumberKind.EXTENSION:
        return ReachedReason.NOT_REGISTERED
    if line.plan.get("do_not_disturb") == "1":
        return ReachedReason.BUSY
    match walk.state(member):
        case PhoneState.ANSWERED:
            return None
        case PhoneState.BUSY | PhoneState.DECLINED:
            return ReachedReason.BUSY
        case PhoneState.UNANSWERED:
            return ReachedReason.NO_ANSWER
        case PhoneState.UNREGISTERED:
            return ReachedReason.NOT_REGISTERED


def _chance(walk: Walk, plan: Mapping[str, str], members: Sequence[str]) -> None:
    if plan.get("strategy") == "random" and len(members) > 1:
        walk.by_chance = True


def through_call_queue(walk: Walk, step: Step, plan: Mapping[str, str], number: str) -> str:
    """Return the next number; raises Ended."""
    agents = [one for one in plan.get("agents", "").split("&") if one]
    ready = [one for one in agents if _rings(walk, one, {})]
    if not ready and plan.get("wait_without_agents") != "1":
        return walk.go(dataclasses.replace(step, next=plan.get("no_agents", "")), ReachedReason.NO_AGENTS)
    if number in walk.call.full and int(plan.get("max_callers") or 0) > 0:
        return walk.go(dataclasses.replace(step, next=plan.get("full", "")), ReachedReason.QUEUE_FULL)
    # An agent who is on a call is left alone, as one of a group that skips the busy.
    rung = tuple(one for one in ready if _rings(walk, one, {"skip_busy": "1"}))
    step = dataclasses.replace(step, rang=rung)
    for agent in rung:
        if walk.state(agent) is PhoneState.ANSWERED:
            raise walk.answered(step, agent)
    exit_key = plan.get("exit_key", "")
    if exit_key and walk.keys.take(exit_key):
        gone = dataclasses.replace(step, next=plan.get("exit", ""))
        return walk.go(gone, ReachedReason.EXIT_KEY, key=exit_key)
    return walk.go(
        dataclasses.replace(step, next=plan.get("no_answer", "")),
        ReachedReason.QUEUE_TIMEOUT,
        seconds=int(plan.get("max_wait_seconds") or 0),
    )
