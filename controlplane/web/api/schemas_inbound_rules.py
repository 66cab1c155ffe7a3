"""Inbound rules in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.web.api.fields import Output, example, left_out
from controlplane.web.api.schemas_destinations import FORWARD, ByHoursBody, NameField
from controlplane.web.api.schemas_routing import HoursField, RoutingIn, RoutingOut, RoutingPatch

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


class InboundRuleIn(RoutingIn):
    """An inbound rule to be made."""

    model_config = example({"name": "main-number", **_SETTINGS})

    makes = InboundRule

    name: NameField
    destination: _Destination
    dids: _Dids = []  # noqa: RUF012 (pydantic copies it)
    callers: _Callers = []  # noqa: RUF012 (pydantic copies it)
    trunk: _Trunk = None
    priority: _Priority = 100
    enabled: _Enabled = True
    office_hours: HoursField = None


class InboundRulePatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"priority": 10})

    destination: _Destination = left_out()
    dids: _Dids = left_out()
    callers: _Callers = left_out()
    trunk: _Trunk = left_out()
    priority: _Priority = left_out()
    enabled: _Enabled = left_out()
    office_hours: HoursField = left_out()


class InboundRuleOut(RoutingOut):
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


class InboundRulePage(Output):
    """Some inbound rules, by name."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[InboundRuleOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
