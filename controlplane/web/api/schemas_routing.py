"""What the schemas of all kinds of routing object share: their fields are those of the domain's settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field

from controlplane.domain.routing.kinds import RoutingObject, Settings
from controlplane.web.api.fields import Input, Output
from controlplane.web.api.schemas_destinations import DestinationBody, NameField

HoursField = Annotated[NameField | None, Field(description="Office hours by name; `null` is the tenant's.")]
ClosedField = Annotated[
    DestinationBody | None, Field(description="Where calls go outside office hours and on holidays.")
]


class RoutingIn(Input):
    """An object to be made: with `number` and `display_name`, or with a `name` alone."""

    makes: ClassVar[type[Any]]
    """The domain's settings, each field of which the schema has."""

    @property
    def key_number(self) -> str | None:
        """The number, if the kind has one."""
        number: str | None = getattr(self, "number", None)
        return number

    @property
    def label(self) -> str:
        """The display name, or the name."""
        return str(getattr(self, "display_name", None) or getattr(self, "name", ""))

    def settings(self) -> Settings:
        """Return the domain's settings."""
        names = [field.name for field in dataclasses.fields(self.makes)]
        return cast("Settings", self.makes(**{name: domain_value(getattr(self, name)) for name in names}))


class RoutingPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    @property
    def new_label(self) -> str | None:
        """The new display name; None if it stays."""
        label: str | None = getattr(self, "display_name", None)
        return label

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were sent, as the domain has them."""
        sent = self.model_fields_set - {"display_name"}
        return {name: domain_value(getattr(self, name)) for name in sent}


class RoutingOut(Output):
    """An object as it is."""

    @classmethod
    def of(cls, shown: RoutingObject) -> Self:
        """Make it from the service's value."""
        own = {
            "id": shown.id,
            "number": shown.number,
            "display_name": shown.name,
            "name": shown.name,
            "created_at": shown.created_at,
            "updated_at": shown.updated_at,
        }
        values = {
            name: own[name] if name in own else getattr(shown.settings, name) for name in cls.model_fields
        }
        return cls.model_validate(values, from_attributes=True)


def domain_value(value: Any) -> Any:
    """Return a field as the domain has it: bodies by their `value`, lists as tuples."""
    if isinstance(value, list):
        return tuple(domain_value(one) for one in value)
    return cast("Any", value).value() if isinstance(value, Input) else value
