"""Destinations, pointers and reserved numbers in JSON."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from controlplane.domain.numbers import MAX_NOTE, NumberKind, ReservedNumbers
from controlplane.services.numbers import NumberOwner
from controlplane.services.routing.re_pointing import PointingObject, field_of
from controlplane.web.api.fields import Input, NumberField, Output, example
from controlplane.web.api.schemas_destinations import NumberOfTenant
from controlplane.web.paging import Paging

_NEXT = Field(description="`after` of the following page; `null` on the last one.")
_DESTINATION: dict[str, Any] = {"kind": "mailbox", "number": "8001", "name": "Sales"}
_POINTER: dict[str, Any] = {
    "kind": "ring-group",
    "number": "6100",
    "name": "Sales",
    "field": "no_answer.number",
}
_RESERVED: dict[str, Any] = {"first": "9000", "last": "9099", "note": "Conference rooms of the old switch"}


class DestinationPaging(Paging):
    """How destinations are listed."""

    kind: Annotated[NumberKind | None, Field(description="Of one kind alone.")] = None


class DestinationOut(Output):
    """A number that a call can go to."""

    model_config = example(_DESTINATION)

    kind: NumberKind
    number: str
    name: str

    @classmethod
    def of(cls, owner: NumberOwner) -> DestinationOut:
        """Make it from the service's value."""
        return cls(kind=owner.kind, number=owner.number, name=owner.display_name)


class DestinationPage(Output):
    """Some destinations, in the order of their digits."""

    model_config = example({"items": [_DESTINATION], "next": None})

    items: list[DestinationOut]
    next: str | None = _NEXT


class PointerOut(Output):
    """A place that points at a number."""

    model_config = example(_POINTER)

    kind: str = Field(description="The kind of the object: `extension`, `ring-group`, `inbound-rule`, …")
    number: str | None = Field(description="Its number; `null` for what has a name only.")
    name: str
    field: str = Field(description="The path of its field.")

    @classmethod
    def of(cls, one: PointingObject) -> PointerOut:
        """Make it from the service's value."""
        return cls(kind=one.kind, number=one.number, name=one.name, field=field_of(one.slot))


class PointerPage(Output):
    """Some places that point at a number, by kind, number or name, and field."""

    model_config = example({"items": [_POINTER], "next": None})

    items: list[PointerOut]
    next: str | None = _NEXT


class RePointIn(Input):
    """Where all that points at a number is to point instead."""

    model_config = example({"to": "8001"})

    to: Annotated[
        NumberOfTenant | None,
        Field(
            description=(
                "The new number. `null`: calls end there, and lists of members and agents go without."
            )
        ),
    ]


class RePointedOut(Output):
    """The places that were changed."""

    model_config = example({"number": "8002", "to": "8001", "changed": [_POINTER]})

    number: str
    to: str | None
    changed: list[PointerOut]


class ReservedIn(Input):
    """Numbers that something else answers."""

    model_config = example(_RESERVED)

    first: NumberField
    last: Annotated[
        NumberField | None, Field(description="The last one, as long as `first`; left out: `first` alone.")
    ] = None
    note: Annotated[str, Field(max_length=MAX_NOTE, description="What answers them, for people.")] = ""

    def value(self) -> ReservedNumbers:
        """Return the domain's value."""
        return ReservedNumbers(first=self.first, last=self.last or self.first, note=self.note)


class ReservedOut(Output):
    """Numbers that something else answers."""

    model_config = example(_RESERVED)

    first: str
    last: str
    note: str

    @classmethod
    def of(cls, reserved: ReservedNumbers) -> ReservedOut:
        """Make it from the domain's value."""
        return cls(first=reserved.first, last=reserved.last, note=reserved.note)


class ReservedPage(Output):
    """Some reserved numbers, in the order of the first ones."""

    model_config = example({"items": [_RESERVED], "next": None})

    items: list[ReservedOut]
    next: str | None = _NEXT
