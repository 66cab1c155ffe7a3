"""Where a flow meets its ports: each step is counted, and at one of them something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


class Killed(BaseException):
    """The process was killed here; like `kill -9`, it has no effect on any port afterwards."""


@dataclass
class FaultPoints:
    """Count the steps of all fakes that share it; `at` a step (from 0) do `trouble`.

    `trouble` raises, or changes a fake (such as hanging up) and returns. `only` limits the
    count to steps with this beginning, for example `voicemail.`.
    """

    at: int | None = None
    trouble: Callable[[], None] = lambda: None
    only: str = ""
    seen: list[str] = field(default_factory=list)
    killed: bool = False

    def kill(self) -> None:
        """Be the trouble that ends the process."""
        self.killed = True
        raise Killed

    def reach(self, step: str) -> None:
        """Say that a fake begins `step`."""
        if self.killed:
            raise Killed
        if not step.startswith(self.only):
            return
        self.seen.append(step)
        if self.at == len(self.seen) - 1:
            self.trouble()
