"""The way from the first log-in to a first message that was heard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSteps:
    """What was done, by facts: the first mailbox and extension, and whether a phone called, left, heard.

    The product does not see phones register; a phone counts as connected once it called.
    """

    mailbox: str | None
    extension: str | None
    phone: bool
    message: bool
    heard: bool

    @property
    def open(self) -> bool:
        """Whether anything is left to do."""
        return not (self.mailbox and self.extension and self.phone and self.message and self.heard)
