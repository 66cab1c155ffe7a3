"""The Receptionists port: what the flow of a virtual receptionist needs from the rest of the product.

Each method is one short transaction, and raises Unavailable when the database does not answer within its
limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """A virtual receptionist as a caller meets it now.

    `keys` are its rules with the destinations of the present hours, as tokens (`domain.routing.plan`): a
    number, `hangup` or `repeat`; so are `timeout` and `call_failed`. `language` is one with prompts.
    `greeting` is None where the standard words are said.
    """

    tenant_id: UUID
    number: str
    language: str
    greeting: Path | None
    keys: Mapping[str, str]
    dial_extensions: bool
    digit_gap_seconds: float
    timeout_seconds: float
    timeout_repeats: int
    timeout: str
    call_failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What digits are among the extensions: the number of one, and the beginning of longer ones."""

    is_extension: bool
    may_go_on: bool


NOBODY = Dialled(is_extension=False, may_go_on=False)


class Receptionists(Protocol):
    """Find a receptionist, and who can be dialled."""

    async def reception(self, receptionist_id: UUID, *, at: datetime) -> Reception | None:
        """Return it as it is at a moment; None if there is none."""
        ...

    async def dialled(self, tenant_id: UUID, digits: str) -> Dialled:
        """Look digits up among the extensions of a tenant."""
        ...
