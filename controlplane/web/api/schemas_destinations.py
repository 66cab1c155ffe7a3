"""Destinations in JSON, and what the schemas of routing objects share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.web.api.fields import Input, example

FORWARD: dict[str, Any] = {"action": "forward_to_number", "number": "8001"}

NameField = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$",
        description="a-z, 0-9 and hyphens, unique among its kind; it never changes.",
        examples=["main-number"],
    ),
]
NumberOfTenant = Annotated[
    str, Field(pattern=r"^[0-9]{3,64}$", description="A number of the tenant.", examples=["101"])
]


class DestinationBody(Input):
    """Where a call goes next: to a number of the tenant (a mailbox, a group, …), or nowhere."""

    model_config = example(FORWARD)

    action: Annotated[
        DestinationAction,
        Field(
            strict=False,
            description=(
                "`forward_to_number`, `forward_to_voicemail` (the mailbox that an extension owns), `hangup`; "
                "`repeat` and `ring` where it says so."
            ),
        ),
    ]
    number: NumberOfTenant | None = None

    def value(self) -> Destination:
        """Return the domain's destination."""
        return Destination(action=self.action, number=self.number)

    @classmethod
    def of(cls, destination: Destination) -> DestinationBody:
        """Make it from the domain's."""
        return cls(action=destination.action, number=destination.number)


class ByHoursBody(Input):
    """A destination for each part of the calendar.

    Without `outside_hours` it is the same all day; without `holidays` a holiday is outside hours.
    """

    model_config = example({"office_hours": FORWARD, "outside_hours": None, "holidays": None})

    office_hours: DestinationBody
    outside_hours: DestinationBody | None = None
    holidays: DestinationBody | None = None

    def value(self) -> ByHours:
        """Return the domain's destinations."""
        return ByHours(
            office_hours=self.office_hours.value(),
            outside_hours=self.outside_hours.value() if self.outside_hours else None,
            holidays=self.holidays.value() if self.holidays else None,
        )

    @classmethod
    def of(cls, rule: ByHours) -> ByHoursBody:
        """Make it from the domain's."""
        return cls(
            office_hours=DestinationBody.of(rule.office_hours),
            outside_hours=DestinationBody.of(rule.outside_hours) if rule.outside_hours else None,
            holidays=DestinationBody.of(rule.holidays) if rule.holidays else None,
        )


def destination_of(body: DestinationBody | None) -> Destination | None:
    """Return the domain's destination, if there is one."""
    return None if body is None else body.value()


def body_of(destination: Destination | None) -> DestinationBody | None:
    """Return a destination in JSON, if there is one."""
    return None if destination is None else DestinationBody.of(destination)


def by_hours_of(body: ByHoursBody | None) -> ByHours | None:
    """Return the domain's destinations, if there are any."""
    return None if body is None else body.value()
