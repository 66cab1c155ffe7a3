"""What is wrong with a file: each fault with its place, all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.domain.errors import ControlPlaneError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong; `path` is such as `mailboxes[2].pin`, None of the file as a whole."""

    sentence: str
    line: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}: "
        field = "" if self.path is None else f"{self.path}: "
        return f"{place}{field}{self.sentence}"


class RefusedFile(ControlPlaneError):
    """A file cannot be applied, and nothing was changed; `faults` are in the order of their lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line or 0))
        super().__init__("\n".join(map(str, self.faults)))
