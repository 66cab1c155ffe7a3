"""The ports of the mailbox options: what a caller changes of a mailbox, and what he speaks into meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin, PinPolicy


class MailboxChanges(Protocol):
    """Changes of a mailbox, each in one short transaction; `by` names who made it.

    All raise Unavailable, also for a mailbox that was deleted meanwhile.
    """

    async def keep_greeting(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Let callers hear a recording as the mailbox's own greeting; False if it cannot be used."""
        ...

    async def standard_greeting(self, mailbox: Mailbox, *, by: str) -> None:
        """Let them hear the standard sentence again."""
        ...

    async def keep_name(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Let them hear a recording as the mailbox's name in it; False if it cannot be used."""
        ...

    async def standard_name(self, mailbox: Mailbox, *, by: str) -> None:
        """Have the name spoken again."""
        ...

    async def change_pin(self, mailbox: Mailbox, pin: Pin, *, by: str) -> None:
        """Set another PIN, which keeps the rules."""
        ...


class Scratch(Protocol):
    """A recording that is never a message, whatever dies."""

    @property
    def wav(self) -> Path:
        """Where the switch records."""
        ...

    def duration_ms(self) -> int:
        """Measure the audio; 0 without any."""
        ...

    async def remove(self) -> None:
        """Remove it; idempotent, raises OSError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsDesk:
    """What the mailbox options work with; `scratch` begins a recording and raises OSError."""

    changes: MailboxChanges
    scratch: Callable[[], Awaitable[Scratch]]
    pin_policy: PinPolicy
