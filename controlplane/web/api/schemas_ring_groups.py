"""Ring groups in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.destination import HANGUP
from controlplane.domain.routing.ring_group import RingGroup, RingStrategy
from controlplane.web.api.fields import DisplayName, NumberField, Output, example, left_out
from controlplane.web.api.schemas_destinations import (
    FORWARD,
    DestinationBody,
    NumberOfTenant,
)
from controlplane.web.api.schemas_routing import ClosedField, HoursField, RoutingIn, RoutingOut, RoutingPatch

_Members = Annotated[
    list[NumberOfTenant], Field(max_length=50, description="The extensions that ring, in their order.")
]
_Strategy = Annotated[RingStrategy, Field(strict=False, description="Who rings when.")]
_RingSeconds = Annotated[int, Field(ge=5, le=300, description="So long a member rings.")]
_TotalSeconds = Annotated[int, Field(ge=5, le=3600, description="So long the whole lasts at most.")]
_SkipBusy = Annotated[bool, Field(description="Whether members on a call are left out.")]
_NoAnswer = Annotated[DestinationBody, Field(description="Destination if no answer; `repeat` rings again.")]

_SETTINGS: dict[str, Any] = {
    "display_name": "Sales",
    "members": ["101"],
    "strategy": "simultaneous",
    "ring_seconds": 20,
    "total_seconds": 60,
    "skip_busy": True,
    "no_answer": FORWARD,
    "office_hours": None,
    "closed": None,
}
_SHOWN: dict[str, Any] = {
    "id": "0d6f1a52-8a2f-4b57-9c5c-7f6f7d1f6f01",
    "number": "6100",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class RingGroupIn(RoutingIn):
    """A ring group to be made."""

    model_config = example({"number": "6100", **_SETTINGS})

    makes = RingGroup

    number: NumberField
    display_name: DisplayName
    members: _Members = []  # noqa: RUF012 (pydantic copies it)
    strategy: _Strategy = RingStrategy.SIMULTANEOUS
    ring_seconds: _RingSeconds = 20
    total_seconds: _TotalSeconds = 60
    skip_busy: _SkipBusy = True
    no_answer: _NoAnswer = DestinationBody.of(HANGUP)
    office_hours: HoursField = None
    closed: ClosedField = None


class RingGroupPatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"display_name": "Sales and support"})

    display_name: DisplayName = left_out()
    members: _Members = left_out()
    strategy: _Strategy = left_out()
    ring_seconds: _RingSeconds = left_out()
    total_seconds: _TotalSeconds = left_out()
    skip_busy: _SkipBusy = left_out()
    no_answer: _NoAnswer = left_out()
    office_hours: HoursField = left_out()
    closed: ClosedField = left_out()


class RingGroupOut(RoutingOut):
    """A ring group."""

    model_config = example(_SHOWN)

    id: UUID
    number: str
    display_name: str
    members: list[str]
    strategy: RingStrategy
    ring_seconds: int
    total_seconds: int
    skip_busy: bool
    no_answer: DestinationBody
    office_hours: str | None
    closed: DestinationBody | None
    created_at: datetime
    updated_at: datetime


class RingGroupPage(Output):
    """Some ring groups, in the order of their numbers' digits."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[RingGroupOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
