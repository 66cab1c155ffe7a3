"""Simulated calls in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.errors import InvalidValue
from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.simulation import PhoneState, Result, SimulatedCall, Simulation, Step
from controlplane.web.api.fields import Output, example
from controlplane.web.api.schemas_messages import ReachedByOut
from controlplane.web.moments import MomentField, moment_of

_HOURS: Final = {Hours.OPEN: "office_hours", Hours.CLOSED: "outside_hours", Hours.HOLIDAY: "holidays"}
_OTHERS: Final = "*"
_FULL: Final = "full"

_STEP: dict[str, Any] = {
    "kind": "ring-group",
    "number": "6100",
    "name": "Sales",
    "hours": "office_hours",
    "rang": ["101", "102"],
    "key": None,
    "reason": "no_answer",
    "seconds": 20,
    "next": "8001",
}
_LAST: dict[str, Any] = {
    "kind": "mailbox",
    "number": "8001",
    "name": "Sales",
    "hours": None,
    "rang": [],
    "key": None,
    "reason": None,
    "seconds": None,
    "next": None,
}
_WAY: dict[str, Any] = {
    "kind": "ring-group",
    "number": "6100",
    "key": None,
    "reason": "no_answer",
    "waited_seconds": 20,
}


class SimulateQuery(BaseModel):
    """A call, and what phones and the caller do."""

    model_config = ConfigDict(extra="forbid")

    did: Annotated[
        str | None,
        Field(pattern=r"^\+?[0-9]{1,32}$", description="The number dialled from outside; or `to`."),
    ] = None
    to: Annotated[
        str | None, Field(pattern=r"^[0-9]{3,64}$", description="The number dialled by a phone; or `did`.")
    ] = None
    caller: Annotated[
        str, Field(pattern=r"^(\+?[0-9]{1,32})?$", description="Who calls; empty: somebody unknown.")
    ] = ""
    trunk: Annotated[
        str | None,
        Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", description="The trunk by its name."),
    ] = None
    at: MomentField = None
    states: Annotated[
        str,
        Field(
            max_length=4000,
            pattern=r"^(([0-9]{3,64}|\*):[a-z]+(,([0-9]{3,64}|\*):[a-z]+)*)?$",
            description=(
                "What phones do, by number: `101:busy,102:unanswered`; `*` is all others. Phones are "
                "`answered` (as all that are not named), `busy`, `declined`, `unanswered` or "
                "`unregistered`, queues `full`."
            ),
            examples=["101:busy,*:unanswered"],
        ),
    ] = ""
    keys: Annotated[
        str,
        Field(
            max_length=200,
            pattern=r"^([0-9*#]{1,20}(,[0-9*#]{1,20})*)?$",
            description=("What the caller presses; a comma is a pause. At a mailbox: during its greeting."),
            examples=["5"],
        ),
    ] = ""

    def call(self, now: datetime) -> SimulatedCall:
        """Return the domain's call; raises InvalidValue (`invalid-state`) naming the field."""
        states: dict[str, PhoneState] = {}
        full: set[str] = set()
        for number, _, state in (one.partition(":") for one in self.states.split(",") if one):
            if state == _FULL and number != _OTHERS:
                full.add(number)
            elif state in set(PhoneState):
                states[number] = PhoneState(state)
            else:
                raise InvalidValue(
                    f"A phone is one of {', '.join(PhoneState)}; a queue is {_FULL}.",
                    error_id="invalid-state",
                    field="states",
                )
        return SimulatedCall(
            at=moment_of(self.at, now=now),
            caller=self.caller,
            did=self.did,
            to=self.to,
            trunk=self.trunk,
            others=states.pop(_OTHERS, PhoneState.ANSWERED),
            states=states,
            full=frozenset(full),
            keys=tuple(one for one in self.keys.split(",") if one),
        )


class StepOut(Output):
    """One object that the call met."""

    model_config = example(_STEP)

    kind: str
    number: str | None = Field(description="`null` for an inbound rule.")
    name: str
    hours: Literal["office_hours", "outside_hours", "holidays"] | None
    rang: list[str] = Field(description="Whose phones rang.")
    key: str | None = Field(description="What the caller pressed.")
    reason: ReachedReason | None = Field(description="Why the call went on; `null` where it did not.")
    seconds: int | None = Field(description="So long it was there.")
    next: str | None = Field(description="Where it went: a number, `hangup`, or empty without a rule.")

    @classmethod
    def of(cls, step: Step) -> StepOut:
        """Make it from the domain's value."""
        return cls(
            kind=step.kind,
            number=step.number,
            name=step.name,
            hours=None if step.hours is None else _HOURS[step.hours],
            rang=list(step.rang),
            key=step.key,
            reason=step.reason,
            seconds=step.seconds,
            next=step.next,
        )


class SimulationOut(Output):
    """What a caller would meet."""

    model_config = example(
        {
            "at": "2026-03-02T09:00:00Z",
            "steps": [_STEP, _LAST],
            "result": "mailbox",
            "number": "8001",
            "cause": None,
            "seconds": 20,
            "by_chance": False,
            "reached_by": {"did": None, "reason": "no_answer", "path": [_WAY]},
        }
    )

    at: datetime
    steps: list[StepOut]
    result: Result = Field(
        description=(
            "How it ends: `cut` is a call that was sent on too often, `log_in` a caller who enters the PIN "
            "of the mailbox."
        )
    )
    number: str | None = Field(description="Who answered, the mailbox, or the number that nobody has.")
    cause: str | None = Field(
        description="Why it was hung up: `normal`, `busy`, `no_answer` or `not_registered`."
    )
    seconds: int = Field(description="Ringing and waiting in all, without what is said.")
    by_chance: bool = Field(description="Whether a random order decided; this is one of the ways.")
    reached_by: ReachedByOut = Field(description="What a message would carry.")

    @classmethod
    def of(cls, at: datetime, found: Simulation) -> SimulationOut:
        """Make it from the domain's value."""
        return cls(
            at=at,
            steps=[StepOut.of(step) for step in found.steps],
            result=found.result,
            number=found.number,
            cause=found.cause,
            seconds=found.seconds,
            by_chance=found.by_chance,
            reached_by=ReachedByOut.model_validate(found.reached_by.to_json()),
        )
