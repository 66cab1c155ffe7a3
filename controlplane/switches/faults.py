"""Connections with a switch that were refused or broken, counted by what was wrong."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class FaultKind(StrEnum):
    """What was wrong with a connection."""

    ADDRESS = "address"
    """Its address is not allowed."""
    SILENT = "silent"
    """It did not say in time what it wants."""
    FULL = "full"
    """There were as many calls as may be at once."""
    REFUSED = "refused"
    """It asked for something that our dialplan does not ask for, or without the secret."""
    LOST = "lost"
    """It ended before it had said what it wants."""
    MALFORMED = "malformed"
    """What came is not the protocol."""


class ConnectionFaults:
    """The counter of one socket; `socket` is its name. May be used from any thread."""

    def __init__(self, registry: CollectorRegistry, *, socket: str) -> None:
        counter = Counter(
            "controlplane_connection_faults",
            "Connections with a switch that were refused or broken, by what was wrong.",
            ["socket", "kind"],
            registry=registry,
        )
        self._kinds = {kind: counter.labels(socket, kind.value) for kind in FaultKind}

    def count(self, kind: FaultKind) -> None:
        """Count one."""
        self._kinds[kind].inc()
