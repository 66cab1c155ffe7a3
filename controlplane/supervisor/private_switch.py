"""What `up` asks of a private switch, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class PrivateSwitch(Protocol):
    """A switch of our own: how it is run, and how one sees that it runs."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run it in the foreground."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs besides the plain environment."""
        ...

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        ...

    def last_error(self) -> str:
        """Return the last line of the log that is an error."""
        ...

    def configure(self) -> None:
        """Write what it needs before its first start; may be repeated."""
        ...

    def prepare(self) -> None:
        """Remove what a killed process left; called before each start."""
        ...

    async def until_booted(self, port: int, *, limit_seconds: float, check: Callable[[], None]) -> None:
        """Wait until it serves, as it says on its management port; raises CannotStart."""
        ...
