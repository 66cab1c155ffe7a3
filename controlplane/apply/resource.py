"""What applying a file needs to know of a kind of object."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controlplane.domain.pin import Pin, PinPolicy
from controlplane.domain.tenant import Tenant
from controlplane.services.mailboxes import PinHashing
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

Form = dict[str, Any]
"""An object as the REST API shows it, without what cannot be set and without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that is there; `holds` says in words what goes with it when it is removed."""

    form: Form
    version: int | None
    holds: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSecret:
    """A secret that was made, which can be shown this once."""

    words: str
    key: str
    field: str
    secret: str = dataclasses.field(repr=False)


@dataclass(slots=True, kw_only=True)
class Secrets:
    """What happened to secrets: `touched` by section and key of the object, and those that were made."""

    touched: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    made: list[MadeSecret] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where objects are read."""

    db: Database
    tenant: Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying(Reading):
    """Where objects go, and who sends them; `new_pins` are those of mailboxes that are to have another."""

    jobs: Jobs
    hasher: PinHashing
    pin_policy: PinPolicy
    realm: str
    by: str
    new_pins: Mapping[str, Pin]
    secrets: Secrets


class Resource(Protocol):
    """A kind of object; `section` is its word in a file, `words` its name in sentences."""

    @property
    def section(self) -> str:
        """The section of its entries."""
        ...

    @property
    def words(self) -> str:
        """One of them, in sentences."""
        ...

    @property
    def can_be_removed(self) -> bool:
        """Whether there are some that a tenant may be without."""
        ...

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all that are there by their keys."""
        ...

    def form(self, into: Applying, entry: Any) -> Form:
        """Return what an entry wants; without fields that stay as they are."""
        ...

    async def create(self, into: Applying, entry: Any) -> None:
        """Make an object, without what it points at where that comes by `settle`; raises DomainError."""
        ...

    async def change(self, into: Applying, entry: Any, found: Found) -> None:
        """Make it what an entry says; raises DomainError, PreconditionFailed if it is no longer as found."""
        ...

    async def remove(self, into: Applying, key: str, found: Found) -> None:
        """Remove one; raises DomainError."""
        ...


def differing(wanted: Form, present: Form) -> list[str]:
    """Return the fields that are to change."""
    return [name for name, value in wanted.items() if present.get(name) != value]
