"""What import and export need to know of a kind of object."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from controlplane.domain.pin import PinPolicy
from controlplane.services.mailboxes import PinHashing
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a row did; `sip_password` is the one that was made for a new extension."""

    outcome: Outcome
    sip_password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """Where rows go, and who sends them."""

    db: Database
    jobs: Jobs
    hasher: PinHashing
    pin_policy: PinPolicy
    tenant_id: UUID
    realm: str
    by: str


class Resource(Protocol):
    """A kind of object with columns; `key` is the column of its number or name."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of an export."""
        ...

    @property
    def key(self) -> str:
        """The column that says which object a row is about."""
        ...

    def rows(self, db: Database, tenant_id: UUID) -> AsyncIterator[Mapping[str, str]]:
        """Yield the cells of all objects, without secrets."""
        ...

    async def looks_good(self, into: Importing, rows: Sequence[Mapping[str, str]]) -> bool:
        """Say whether `make` would take all rows, as far as a quick look shows.

        Asked before what is slow is done for them, which is done for no row otherwise.
        """
        ...

    async def make(self, into: Importing, cells: Mapping[str, str]) -> Applied:
        """Make or change the object of a row, without what it points at; raises DomainError."""
        ...

    async def point(self, into: Importing, cells: Mapping[str, str]) -> bool:
        """Point it, once the objects of all rows are there; say whether that changed it."""
        ...


def changed(before: int, after: int) -> Outcome:
    """Return the outcome of a change by the versions before and after it."""
    return Outcome.UNCHANGED if before == after else Outcome.CHANGED
