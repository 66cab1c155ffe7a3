"""Call queues and their agents in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.call_queue import CallQueue, QueueStrategy
from controlplane.domain.routing.destination import HANGUP
from controlplane.services.routing.queue_agents import QueueAgent
from controlplane.web.api.fields import DisplayName, Input, NumberField, Output, example, left_out
from controlplane.web.api.schemas_destinations import (
    FORWARD,
    DestinationBody,
    NumberOfTenant,
)
from controlplane.web.api.schemas_routing import ClosedField, HoursField, RoutingIn, RoutingOut, RoutingPatch

_Agents = Annotated[
    list[NumberOfTenant], Field(max_length=200, description="The extensions that take calls, in their order.")
]
_Strategy = Annotated[QueueStrategy, Field(strict=False, description="Which agent is offered a call.")]
_RingSeconds = Annotated[int, Field(ge=5, le=300, description="So long an agent's phones ring.")]
_WrapUp = Annotated[int, Field(ge=0, le=3600, description="So long an agent is left alone after a call.")]
_MaxWait = Annotated[int, Field(ge=15, le=65535, description="So long a caller waits; then `no_answer`.")]
_NoAnswer = Annotated[DestinationBody, Field(description="Destination if no answer.")]
_Waits = Annotated[
    bool, Field(description="Whether callers wait without an agent who is logged in and registered.")
]
_NoAgents = Annotated[
    DestinationBody | None,
    Field(description="Where a call goes at once without an agent; `null` is `no_answer`."),
]
_MaxCallers = Annotated[int, Field(ge=0, le=1000, description="So many callers may wait; 0 is no limit.")]
_Full = Annotated[
    DestinationBody | None,
    Field(description="Where a call goes when as many callers wait as may; `null` is `no_answer`."),
]
_ExitKey = Annotated[
    str | None, Field(pattern=r"^[0-9*#]$", description="The key by which a waiting caller leaves.")
]
_Exit = Annotated[DestinationBody | None, Field(description="Where the exit key leads; both, or neither.")]

_SETTINGS: dict[str, Any] = {
    "display_name": "IT support",
    "agents": ["101"],
    "strategy": "ring_all",
    "ring_seconds": 20,
    "wrap_up_seconds": 10,
    "max_wait_seconds": 300,
    "no_answer": FORWARD,
    "wait_without_agents": False,
    "no_agents": None,
    "max_callers": 0,
    "full": None,
    "exit_key": "8",
    "exit": FORWARD,
    "office_hours": None,
    "closed": None,
}
_SHOWN: dict[str, Any] = {
    "id": "1d6f1a52-8a2f-4b57-9c5c-7f6f7d1f6f02",
    "number": "6200",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}
_AGENT: dict[str, Any] = {
    "number": "101",
    "display_name": "Alice",
    "logged_in": True,
    "changed_at": "2026-03-02T09:00:00Z",
}


class CallQueueIn(RoutingIn):
    """A call queue to be made."""

    model_config = example({"number": "6200", **_SETTINGS})

    makes = CallQueue

    number: NumberField
    display_name: DisplayName
    agents: _Agents = []  # noqa: RUF012 (pydantic copies it)
    strategy: _Strategy = QueueStrategy.RING_ALL
    ring_seconds: _RingSeconds = 20
    wrap_up_seconds: _WrapUp = 10
    max_wait_seconds: _MaxWait = 300
    no_answer: _NoAnswer = DestinationBody.of(HANGUP)
    wait_without_agents: _Waits = False
    no_agents: _NoAgents = None
    max_callers: _MaxCallers = 0
    full: _Full = None
    exit_key: _ExitKey = None
    exit: _Exit = None
    office_hours: HoursField = None
    closed: ClosedField = None


class CallQueuePatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"max_wait_seconds": 180})

    display_name: DisplayName = left_out()
    agents: _Agents = left_out()
    strategy: _Strategy = left_out()
    ring_seconds: _RingSeconds = left_out()
    wrap_up_seconds: _WrapUp = left_out()
    max_wait_seconds: _MaxWait = left_out()
    no_answer: _NoAnswer = left_out()
    wait_without_agents: _Waits = left_out()
    no_agents: _NoAgents = left_out()
    max_callers: _MaxCallers = left_out()
    full: _Full = left_out()
    exit_key: _ExitKey = left_out()
    exit: _Exit = left_out()
    office_hours: HoursField = left_out()
    closed: ClosedField = left_out()


class CallQueueOut(RoutingOut):
    """A call queue."""

    model_config = example(_SHOWN)

    id: UUID
    number: str
    display_name: str
    agents: list[str]
    strategy: QueueStrategy
    ring_seconds: int
    wrap_up_seconds: int
    max_wait_seconds: int
    no_answer: DestinationBody
    wait_without_agents: bool
    no_agents: DestinationBody | None
    max_callers: int
    full: DestinationBody | None
    exit_key: str | None
    exit: DestinationBody | None
    office_hours: str | None
    closed: DestinationBody | None
    created_at: datetime
    updated_at: datetime


class CallQueuePage(Output):
    """Some call queues, in the order of their numbers' digits."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[CallQueueOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")


class QueueAgentIn(Input):
    """Whether an agent takes calls."""

    model_config = example({"logged_in": False})

    logged_in: bool


class QueueAgentOut(Output):
    """An agent of a call queue."""

    model_config = example(_AGENT)

    number: str
    display_name: str
    logged_in: bool
    changed_at: datetime | None = Field(description="When the agent last logged in or out; `null` is never.")

    @classmethod
    def of(cls, agent: QueueAgent) -> QueueAgentOut:
        """Make it from the service's value."""
        return cls(
            number=agent.number,
            display_name=agent.display_name,
            logged_in=agent.logged_in,
            changed_at=agent.changed_at,
        )


class QueueAgentsOut(Output):
    """The agents of a call queue, in their order."""

    model_config = example({"items": [_AGENT]})

    items: list[QueueAgentOut]
