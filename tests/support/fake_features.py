"""The Features port in memory."""

from __future__ import annotations

from uuid import UUID

from controlplane.domain.errors import Unavailable
from tests.support.fault_points import FaultPoints


class FakeFeatures:
    """The Features port in memory; `extensions` are those that exist, and whether each is not disturbed."""

    def __init__(self, *, points: FaultPoints | None = None) -> None:
        self._points = points or FaultPoints()
        self.tenant_language = "de"
        self.closed_now = False
        self.switched_by: list[str] = []
        self.extensions = {"101": False}
        self.agents = {("6200", "101"): True}
        """The agents of queues, and whether each is logged in."""
        self.unavailable: set[str] = set()
        """The methods that raise Unavailable."""

    async def language(self, tenant_id: UUID) -> str:
        """Return the language that was set."""
        self._reach("language")
        return self.tenant_language

    async def toggle_closed_now(self, tenant_id: UUID, *, by: str) -> bool:
        """Turn it over."""
        self._reach("toggle_closed_now")
        self.closed_now = not self.closed_now
        self.switched_by.append(by)
        return self.closed_now

    async def set_do_not_disturb(self, tenant_id: UUID, extension: str, *, on: bool) -> bool:
        """Set it."""
        self._reach("set_do_not_disturb")
        if extension not in self.extensions:
            return False
        self.extensions[extension] = on
        return True

    async def set_logged_in(self, tenant_id: UUID, queue: str, extension: str, *, on: bool) -> bool:
        """Set it."""
        self._reach("set_logged_in")
        if (queue, extension) not in self.agents:
            return False
        self.agents[queue, extension] = on
        return True

    def _reach(self, method: str) -> None:
        self._points.reach(f"features.{method}")
        if method in self.unavailable:
            raise Unavailable("The database did not answer in time.")
