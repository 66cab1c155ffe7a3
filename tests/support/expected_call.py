"""What the product's simulation says of a call by SIP, in the words of `watched_call`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.simulation import PhoneState, Result, Simulation, Step
from tests.support.rig import OWN_GREETING, TONES
from tests.support.watched_call import Expected

TALKING = 200
"""What a phone that answers is heard as."""
_STATUSES = {"busy": {486}, "no_answer": {480}, "not_registered": {480}, "normal": {480, 603}}
_MESSAGE = (OWN_GREETING, TONES["beep"], TONES["thank-you"])

Rung = tuple[tuple[str, int | None], ...]


def expected(
    simulation: Simulation,
    numbers: Mapping[str, Mapping[str, Any]],
    states: Mapping[str, str],
    *,
    mailbox: str,
) -> Expected:
    """Return what should be seen; `numbers` are the plain values of the routing, `mailbox` the id of 8001."""
    # A rule has no number, and where a choice failed no number is met anew.
    met = [
        (step.kind, step.number)
        for step in simulation.steps
        if step.number is not None and step.reason is not ReachedReason.CALL_FAILED
    ]
    statuses, heard = {200}, []
    match simulation.result:
        case Result.MAILBOX:
            heard = list(_MESSAGE)
        case Result.ANSWERED:
            heard = [TALKING]
        case Result.CUT:
            met.append(("cut", simulation.number or ""))
            heard = [TONES["technical-problem"]]
        case _ if not any(_spoke(step) for step in simulation.steps):
            statuses = _STATUSES[simulation.cause or ""]
    return Expected(
        met=met,
        did=simulation.reached_by.did or "",
        way=[
            (step.kind, step.number, step.key or "", step.reason.value, step.waited_seconds)
            for step in simulation.reached_by.path
        ],
        rung=[
            group
            for step in simulation.steps
            if step.rang
            for group in _rung(step, numbers[step.number or ""], states)
        ],
        statuses=frozenset(statuses),
        heard=heard,
        answered_by=_answering(simulation, states),
        mailbox=mailbox if simulation.result is Result.MAILBOX else "",
    )


def _spoke(step: Step) -> bool:
    """Say whether a receptionist or a queue answered the call."""
    return step.reason in {ReachedReason.DIRECT, ReachedReason.TIMEOUT, ReachedReason.QUEUE_TIMEOUT}


def _answering(simulation: Simulation, states: Mapping[str, str]) -> frozenset[str]:
    """Return who may talk: of those who answer at once the first is a matter of chance."""
    if simulation.result is not Result.ANSWERED:
        return frozenset()
    return frozenset(one for one in simulation.steps[-1].rang if states[one] == PhoneState.ANSWERED)


def _rung(step: Step, thing: Mapping[str, Any], states: Mapping[str, str]) -> list[Rung]:
    """Return who rings, each for how long; those who ring at once together."""
    silent = {one for one in step.rang if states[one] == PhoneState.UNANSWERED}
    if thing["kind"] == "extension":
        return [((one, thing["seconds"] if one in silent else None),) for one in step.rang]
    if thing["kind"] == "call-queue":
        return [tuple((one, None if states[one] == PhoneState.ANSWERED else 0) for one in step.rang)]
    if thing["strategy"] == "simultaneous":
        answered = any(states[one] == PhoneState.ANSWERED for one in step.rang)
        turn = 0 if answered else min(thing["ring"], thing["total"])
        return [tuple((one, turn if one in silent else None) for one in step.rang)]
    spent, rung = 0, []
    for one in step.rang:
        turn = min(thing["ring"], thing["total"] - spent) if one in silent else None
        rung.append((one, turn))
        spent += turn or 0
    return [tuple(rung)] if thing["strategy"] == "random" else [(one,) for one in rung]
