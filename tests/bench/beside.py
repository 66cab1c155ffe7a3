"""What stands beside the product in a run: numbers of the same switch that know nothing of us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PLAY, RECORD, NATIVE = "990001", "990002", "990003"
NATIVE_MAILBOX = "8001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """The switch's own voicemail; `stored` counts its messages, each with its row or its final name."""

    name: str
    stored: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Numbers at `server`: PLAY plays the greeting, RECORD and one to three digits record into `recordings`.

    `play` and `record` say how, in the switch's words. NATIVE is its own voicemail with that greeting,
    if it has any here.
    """

    server: tuple[str, int]
    play: str
    record: str
    recordings: Path
    native: Native | None
