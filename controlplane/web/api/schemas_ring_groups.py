"""Ring groups in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.destination import HANGUP
from controlplane.domain.routing.kinds import RoutingObject
from controlplane.domain.routing.ring_group import RingGroup, RingStrategy
from controlplane.web.api.fields import DisplayName, Input, NumberField, Output, example, left_out
from controlplane.web.api.schemas_destinations import (
    FORWARD,
    DestinationBody,
    NameField,
    NumberOfTenant,
    body_of,
    destination_of,
)

_Members = Annotated[
    list[NumberOfTenant], Field(max_length=50, description="The extensions that ring, in their order.")
]
_Strategy = Annotated[RingStrategy, Field(strict=False, description="Who rings when.")]
_RingSeconds = Annotated[int, Field(ge=5, le=300, description="So long a member rings.")]
_TotalSeconds = Annotated[int, Field(ge=5, le=3600, description="So long the whole lasts at most.")]
_SkipBusy = Annotated[bool, Field(description="Whether members on a call are left out.")]
_NoAnswer = Annotated[DestinationBody, Field(description="Destination if no answer; `repeat` rings again.")]
_Hours = Annotated[NameField | None, Field(description="Office hours by name; `null` is the tenant's.")]
_Closed = Annotated[
    DestinationBody | None, Field(description="Where calls go outside office hours and on holidays.")
]

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


class RingGroupIn(Input):
    """A ring group to be made."""

    model_config = example({"number": "6100", **_SETTINGS})

    number: NumberField
    display_name: DisplayName
    members: _Members = []  # noqa: RUF012 (pydantic copies it)
    strategy: _Strategy = RingStrategy.SIMULTANEOUS
    ring_seconds: _RingSeconds = 20
    total_seconds: _TotalSeconds = 60
    skip_busy: _SkipBusy = True
    no_answer: _NoAnswer = DestinationBody.of(HANGUP)
    office_hours: _Hours = None
    closed: _Closed = None

    @property
    def key_number(self) -> str | None:
        """The number."""
        return self.number

    @property
    def label(self) -> str:
        """The display name."""
        return self.display_name

    def settings(self) -> RingGroup:
        """Return the domain's ring group."""
        return RingGroup(
            members=tuple(self.members),
            strategy=self.strategy,
            ring_seconds=self.ring_seconds,
            total_seconds=self.total_seconds,
            skip_busy=self.skip_busy,
            no_answer=self.no_answer.value(),
            office_hours=self.office_hours,
            closed=destination_of(self.closed),
        )


class RingGroupPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"display_name": "Sales and support"})

    display_name: DisplayName = left_out()
    members: _Members = left_out()
    strategy: _Strategy = left_out()
    ring_seconds: _RingSeconds = left_out()
    total_seconds: _TotalSeconds = left_out()
    skip_busy: _SkipBusy = left_out()
    no_answer: _NoAnswer = left_out()
    office_hours: _Hours = left_out()
    closed: _Closed = left_out()

    @property
    def new_label(self) -> str | None:
        """The new display name; None if it stays."""
        return self.display_name if "display_name" in self.model_fields_set else None

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were sent, as the domain has them."""
        values: dict[str, Any] = {
            "members": tuple(self.members or ()),
            "no_answer": destination_of(self.no_answer),
            "closed": destination_of(self.closed),
        }
        return {
            name: values.get(name, getattr(self, name))
            for name in self.model_fields_set
            if name != "display_name"
        }


class RingGroupOut(Output):
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

    @classmethod
    def of(cls, shown: RoutingObject) -> RingGroupOut:
        """Make it from the service's value."""
        group = cast("RingGroup", shown.settings)
        return cls(
            id=shown.id,
            number=shown.number or "",
            display_name=shown.name,
            members=list(group.members),
            strategy=group.strategy,
            ring_seconds=group.ring_seconds,
            total_seconds=group.total_seconds,
            skip_busy=group.skip_busy,
            no_answer=DestinationBody.of(group.no_answer),
            office_hours=group.office_hours,
            closed=body_of(group.closed),
            created_at=shown.created_at,
            updated_at=shown.updated_at,
        )


class RingGroupPage(Output):
    """Some ring groups, in the order of their numbers' digits."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[RingGroupOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
