"""Inbound rules in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingObject
from controlplane.web.api.fields import Input, Output, example, left_out
from controlplane.web.api.schemas_destinations import FORWARD, ByHoursBody, NameField, by_hours_of

_Mask = Annotated[str, Field(min_length=1, max_length=40)]
_Dids = Annotated[
    list[_Mask],
    Field(
        max_length=200,
        description=(
            "Numbers that were dialled: each a number, a range `a-b` of equally long ones, or a pattern with "
            "`*` for any one digit. A `+` in front does not count. Empty means any number."
        ),
    ),
]
_Callers = Annotated[
    list[_Mask], Field(max_length=200, description="Who calls, in the same words; empty means anybody.")
]
_Trunk = Annotated[
    NameField | None, Field(description="The trunk that the call came by; `null` is any, and none.")
]
_Priority = Annotated[
    int, Field(ge=0, le=1000, description="Rules are asked from 0 on, those of one priority by name.")
]
_Enabled = Annotated[bool, Field(description="Whether the rule counts.")]
_Hours = Annotated[NameField | None, Field(description="Office hours by name; `null` is the tenant's.")]
_Destination = Annotated[ByHoursBody, Field(description="Where the call goes.")]

_SETTINGS: dict[str, Any] = {
    "dids": ["+4930123400", "4930123410-4930123419", "49301235**"],
    "callers": [],
    "trunk": None,
    "priority": 100,
    "enabled": True,
    "office_hours": None,
    "destination": {"office_hours": FORWARD, "outside_hours": None, "holidays": None},
}
_SHOWN: dict[str, Any] = {
    "id": "0d6f1a52-8a2f-4b57-9c5c-7f6f7d1f6f02",
    "name": "main-number",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class InboundRuleIn(Input):
    """An inbound rule to be made."""

    model_config = example({"name": "main-number", **_SETTINGS})

    name: NameField
    destination: _Destination
    dids: _Dids = []  # noqa: RUF012 (pydantic copies it)
    callers: _Callers = []  # noqa: RUF012 (pydantic copies it)
    trunk: _Trunk = None
    priority: _Priority = 100
    enabled: _Enabled = True
    office_hours: _Hours = None

    @property
    def key_number(self) -> str | None:
        """None: it has a name."""
        return None

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    def settings(self) -> InboundRule:
        """Return the domain's inbound rule."""
        return InboundRule(
            destination=self.destination.value(),
            dids=tuple(self.dids),
            callers=tuple(self.callers),
            trunk=self.trunk,
            priority=self.priority,
            enabled=self.enabled,
            office_hours=self.office_hours,
        )


class InboundRulePatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"priority": 10})

    destination: _Destination = left_out()
    dids: _Dids = left_out()
    callers: _Callers = left_out()
    trunk: _Trunk = left_out()
    priority: _Priority = left_out()
    enabled: _Enabled = left_out()
    office_hours: _Hours = left_out()

    @property
    def new_label(self) -> str | None:
        """None: the name never changes."""
        return None

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were sent, as the domain has them."""
        values: dict[str, Any] = {
            "destination": by_hours_of(self.destination),
            "dids": tuple(self.dids or ()),
            "callers": tuple(self.callers or ()),
        }
        return {name: values.get(name, getattr(self, name)) for name in self.model_fields_set}


class InboundRuleOut(Output):
    """An inbound rule."""

    model_config = example(_SHOWN)

    id: UUID
    name: str
    dids: list[str]
    callers: list[str]
    trunk: str | None
    priority: int
    enabled: bool
    office_hours: str | None
    destination: ByHoursBody
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, shown: RoutingObject) -> InboundRuleOut:
        """Make it from the service's value."""
        rule = cast("InboundRule", shown.settings)
        return cls(
            id=shown.id,
            name=shown.name,
            dids=list(rule.dids),
            callers=list(rule.callers),
            trunk=rule.trunk,
            priority=rule.priority,
            enabled=rule.enabled,
            office_hours=rule.office_hours,
            destination=ByHoursBody.of(rule.destination),
            created_at=shown.created_at,
            updated_at=shown.updated_at,
        )


class InboundRulePage(Output):
    """Some inbound rules, by name."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[InboundRuleOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
