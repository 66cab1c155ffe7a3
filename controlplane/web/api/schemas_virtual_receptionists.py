"""Virtual receptionists in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from controlplane.domain.routing.destination import HANGUP, REPEAT
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.web.api.fields import DisplayName, Input, NumberField, Output, example, left_out
from controlplane.web.api.fields import Language as LanguageTag
from controlplane.web.api.schemas_destinations import (
    FORWARD,
    ByHoursBody,
    DestinationBody,
    NumberOfTenant,
)
from controlplane.web.api.schemas_routing import HoursField, RoutingIn, RoutingOut, RoutingPatch

_RULE: dict[str, Any] = {
    "keys": "5",
    "destination": {"office_hours": FORWARD, "outside_hours": None, "holidays": None},
}


class KeyRuleBody(Input):
    """Where keys lead. A rule that begins another one waits for the gap."""

    model_config = example(_RULE)

    keys: Annotated[
        str,
        Field(pattern=r"^[0-9*#]{1,5}$", description="1 to 5 of 0 to 9, `*` and `#`.", examples=["5"]),
    ]
    destination: ByHoursBody

    def value(self) -> KeyRule:
        """Return the domain's rule."""
        return KeyRule(keys=self.keys, destination=self.destination.value())

    @classmethod
    def of(cls, rule: KeyRule) -> KeyRuleBody:
        """Make it from the domain's."""
        return cls(keys=rule.keys, destination=ByHoursBody.of(rule.destination))


_Greeting = Annotated[
    Annotated[str, Field(min_length=1, max_length=2000)] | None,
    Field(
        description=(
            "What it says, spoken after each change; a recording (`PUT …/greeting`) wins. `null` is a "
            "sentence of ours."
        )
    ),
]
_Language = Annotated[LanguageTag | None, Field(description="A BCP 47 tag; `null` is the tenant's.")]
_Keys = Annotated[list[KeyRuleBody], Field(max_length=50, description="Where keys lead.")]
_DialExtensions = Annotated[
    bool, Field(description="Whether the number of an extension may be dialled as well.")
]
_Gap = Annotated[int, Field(ge=1, le=10, description="So long a further key is waited for.")]
_Timeout = Annotated[int, Field(ge=2, le=120, description="So long a first key is waited for.")]
_Repeats = Annotated[int, Field(ge=0, le=10, description="So often the greeting is said again then.")]
_After = Annotated[DestinationBody, Field(description="Where calls without a key go after that.")]
_Failed = Annotated[
    DestinationBody,
    Field(description="Where a chosen call goes that nobody takes, and of which no rule says more."),
]
_Fallback = Annotated[
    NumberOfTenant | None,
    Field(description="Where calls go while the control plane is away; `null`: an apology."),
]
_Closed = Annotated[
    DestinationBody | None,
    Field(description="Where all calls go outside office hours and on holidays; `null`: the keys say."),
]

_SETTINGS: dict[str, Any] = {
    "display_name": "Main number",
    "greeting": "Welcome to Example. For Sales, press 1. To leave a message, press 5.",
    "language": "en",
    "keys": [_RULE],
    "dial_extensions": True,
    "digit_gap_seconds": 2,
    "timeout_seconds": 30,
    "timeout_repeats": 3,
    "timeout": FORWARD,
    "call_failed": {"action": "repeat", "number": None},
    "fallback": "8001",
    "office_hours": None,
    "closed": None,
}
_SHOWN: dict[str, Any] = {
    "id": "0d6f1a52-8a2f-4b57-9c5c-7f6f7d1f6f03",
    "number": "6000",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class VirtualReceptionistIn(RoutingIn):
    """A virtual receptionist to be made."""

    model_config = example({"number": "6000", **_SETTINGS})

    makes = VirtualReceptionist

    number: NumberField
    display_name: DisplayName
    greeting: _Greeting = None
    language: _Language = None
    keys: _Keys = []  # noqa: RUF012 (pydantic copies it)
    dial_extensions: _DialExtensions = True
    digit_gap_seconds: _Gap = 2
    timeout_seconds: _Timeout = 30
    timeout_repeats: _Repeats = 3
    timeout: _After = DestinationBody.of(HANGUP)
    call_failed: _Failed = DestinationBody.of(REPEAT)
    fallback: _Fallback = None
    office_hours: HoursField = None
    closed: _Closed = None


class VirtualReceptionistPatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"greeting": "Welcome to Example. To leave a message, press 5."})

    display_name: DisplayName = left_out()
    greeting: _Greeting = left_out()
    language: _Language = left_out()
    keys: _Keys = left_out()
    dial_extensions: _DialExtensions = left_out()
    digit_gap_seconds: _Gap = left_out()
    timeout_seconds: _Timeout = left_out()
    timeout_repeats: _Repeats = left_out()
    timeout: _After = left_out()
    call_failed: _Failed = left_out()
    fallback: _Fallback = left_out()
    office_hours: HoursField = left_out()
    closed: _Closed = left_out()


class VirtualReceptionistOut(RoutingOut):
    """A virtual receptionist."""

    model_config = example(_SHOWN)

    id: UUID
    number: str
    display_name: str
    greeting: str | None
    language: str | None
    keys: list[KeyRuleBody]
    dial_extensions: bool
    digit_gap_seconds: int
    timeout_seconds: int
    timeout_repeats: int
    timeout: DestinationBody
    call_failed: DestinationBody
    fallback: str | None
    office_hours: str | None
    closed: DestinationBody | None
    created_at: datetime
    updated_at: datetime


class VirtualReceptionistPage(Output):
    """Some virtual receptionists, in the order of their numbers' digits."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[VirtualReceptionistOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
