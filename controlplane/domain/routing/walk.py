"""A call on its way: what it has met, and how it leaves an object for the next number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from controlplane.domain.message import ReachedReason, ReachedStep
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import DestinationAction
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.simulation import PhoneState, Result, Routing, SimulatedCall, Step

HANGUP: Final = DestinationAction.HANGUP.value
REPEAT: Final = DestinationAction.REPEAT.value
RING: Final = DestinationAction.RING.value

_CAUSES: Final = {ReachedReason.BUSY, ReachedReason.NO_ANSWER, ReachedReason.NOT_REGISTERED}


class Ended(Exception):
    """The walk is over."""

    def __init__(self, result: Result, number: str | None = None, cause: str | None = None) -> None:
        super().__init__(result)
        self.result = result
        self.number = number
        self.cause = cause


class Keys:
    """The keys that a caller presses; between two entries is a pause."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [list(entry) for entry in entries if entry]

    def after_a_wait(self) -> str:
        """Return the next key, however long it takes; empty if no other comes."""
        while self._entries and not self._entries[0]:
            self._entries.pop(0)
        return self._entries[0].pop(0) if self._entries else ""

    def at_once(self) -> str:
        """Return the key that comes without a pause; empty after the last one of an entry."""
        return self._entries[0].pop(0) if self._entries and self._entries[0] else ""

    def take(self, key: str) -> bool:
        """Take the next key if it is this one."""
        while self._entries and not self._entries[0]:
            self._entries.pop(0)
        if self._entries and self._entries[0][0] == key:
            self._entries[0].pop(0)
            return True
        return False


class Walk:
    """One call on its way.

    `failed` is where it goes when what a receptionist chose does not take it, and `failed_number` is that
    receptionist. `by_chance` says that another call may meet something else.
    """

    def __init__(self, routing: Routing, call: SimulatedCall) -> None:
        self.routing = routing
        self.call = call
        self.keys = Keys(call.keys)
        self.steps: list[Step] = []
        self.path: list[ReachedStep] = []
        self.hops = 0
        self.seconds = 0
        self.failed = ""
        self.failed_number = ""
        self.by_chance = False

    def go(
        self, step: Step, reason: ReachedReason, *, key: str | None = None, seconds: int | None = None
    ) -> str:
        """Leave an object for its next token, as `cp-go` does; returns the number."""
        self.steps.append(dataclasses.replace(step, reason=reason, key=key, seconds=seconds))
        self.path.append(
            ReachedStep(
                kind=step.kind, number=step.number or "", key=key, reason=reason, waited_seconds=seconds
            )
        )
        self.seconds += seconds or 0
        token = step.next or ""
        if token.isdecimal():
            return token
        if token == HANGUP:
            raise Ended(Result.HUNG_UP, cause=_cause(reason))
        return self._nobody(reason)

    def _nobody(self, reason: ReachedReason) -> str:
        """Tell the receptionist that chose this way, if there is one, or end the call."""
        if not self.failed:
            raise Ended(Result.HUNG_UP, cause=_cause(reason))
        token, number = self.failed, self.failed_number
        self.failed = ""
        step = Step(
            kind=NumberKind.VIRTUAL_RECEPTIONIST.value,
            number=number,
            name=self.routing.lines[number].name,
            next=number if token == REPEAT else token,
        )
        return self.go(step, ReachedReason.CALL_FAILED)

    def closed(self, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
        """Go on to where closed doors lead; empty if they are open, or lead nowhere."""
        token = plan.get("closed", "")
        if hours is Hours.OPEN or not token:
            return ""
        return self.go(dataclasses.replace(step, next=token), ReachedReason.CLOSED)

    def answered(self, step: Step, number: str) -> Ended:
        """Return the end at a phone that takes the call; one of those that rang, if several did."""
        rang = step.rang or (number,)
        self.steps.append(dataclasses.replace(step, rang=rang))
        return Ended(Result.ANSWERED, number)

    def state(self, number: str) -> PhoneState:
        """Return what becomes of a call to a phone."""
        return self.call.states.get(number, self.call.others)

    def hours(self, schedule: str) -> Hours:
        """Return whether it is open now; without office hours it is."""
        found = self.routing.hours.get(schedule)
        return Hours.OPEN if found is None else found.at(self.call.at)


def _cause(reason: ReachedReason) -> str:
    return reason.value if reason in _CAUSES else "normal"
