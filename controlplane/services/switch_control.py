"""The SwitchControl port: what services ask of a switch outside a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.routing.trunk_state import Registration

__all__ = ["LiveConfiguration", "SwitchControl"]


class SwitchControl(Protocol):
    """Commands to the switch, each on a short connection; raises SwitchUnavailable."""

    async def reload(self) -> None:
        """Make the switch read what the live link names; raises SwitchRefused if it keeps the old."""
        ...

    async def live_configuration(self, asked: Collection[str] | None = None) -> LiveConfiguration:
        """Ask the switch what it runs now, and at least which of the endpoints `asked` it knows.

        None asks for all. A few are asked for one by one, many by a list of all.
        """
        ...

    async def calls(self, asked: Collection[str]) -> Collection[str]:
        """Return those of these calls, by the ids of their channels, that the switch knows now."""
        ...

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return how the registrations of trunks are that the switch keeps, by trunk."""
        ...

    async def started_at(self) -> float:
        """Return when the switch was started, in seconds since the epoch."""
        ...
