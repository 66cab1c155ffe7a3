"""A switch that reads what the link names when it is told to reload, as a real one does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.domain.routing.trunk_state import Registration
from controlplane.rendering.check import parse
from tests.support.rendered_files import read_whole


@dataclass
class FakeSwitch:
    """Implements SwitchControl over the published folder.

    `down`: nobody answers. `refuses`: digests that it does not load. `unreadable`: digests of which it
    says so. `deaf`: endpoints that it does not take in. `sticky`: endpoints that it does not forget.
    `says_no`: what it says to the next reload, which it refuses. `asked`: for which it was asked last.
    """

    root: Path
    down: bool = False
    refuses: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    sticky: set[str] = field(default_factory=set)
    says_no: str | None = None
    reloads: int = 0
    asked: frozenset[str] = frozenset()
    running: LiveConfiguration = field(
        default_factory=lambda: LiveConfiguration(digest=None, endpoints=frozenset())
    )

    async def reload(self) -> None:
        """Read the files again."""
        self._answer()
        self.reloads += 1
        if self.says_no is not None:
            reason, self.says_no = self.says_no, None
            raise SwitchRefused(reason)
        folder = self.root / "live" / "asterisk"
        contexts = dict(parse((folder / "extensions.conf").read_text()))
        digest = dict(contexts["globals"])["CP_REVISION"]
        if digest in self.unreadable:
            raise SwitchRefused("The switch kept its old configuration: line 3.")
        if digest in self.refuses:
            return
        endpoints = {
            name
            for name, settings in parse(read_whole(self.root / "live", "asterisk/pjsip.conf"))
            if "context" in dict(settings)
        }
        self.running = LiveConfiguration(
            digest=digest, endpoints=frozenset(endpoints - self.deaf | self.sticky)
        )

    async def live_configuration(self, asked: Collection[str] | None = None) -> LiveConfiguration:
        """Say what is running."""
        self._answer()
        self.asked = frozenset(asked or ())
        return self.running

    async def calls(self, asked: Collection[str]) -> Collection[str]:
        """Return no calls."""
        self._answer()
        return ()

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return no registrations."""
        self._answer()
        return {}

    async def started_at(self) -> float:
        """Return the epoch."""
        self._answer()
        return 0.0

    def _answer(self) -> None:
        if self.down:
            raise SwitchUnavailable("The switch does not answer.")
