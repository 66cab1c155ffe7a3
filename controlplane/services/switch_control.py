"""The SwitchControl port: what services ask of a switch outside a call."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConfiguration:
    """What the switch says it runs: the revision's digest and the names of its SIP endpoints."""

    digest: str | None
    endpoints: frozenset[str]


class SwitchControl(Protocol):
    """Commands to the switch, each on a short connection; raises SwitchUnavailable."""

    async def reload(self) -> None:
        """Make the switch read what the live link names; targets before pointers."""
        ...

    async def live_configuration(self) -> LiveConfiguration:
        """Ask the switch what it runs now, to verify a reload."""
        ...

    async def calls(self) -> Collection[str]:
        """Return the ids of all calls (channels) the switch knows now."""
        ...

    async def started_at(self) -> float:
        """Return when the switch was started, in seconds since the epoch."""
        ...
