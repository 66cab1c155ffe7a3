"""The lamp of a mailbox (MWI, RFC 3842): what a phone shows of it, and what a phone asked.

A number has a lamp. That of a mailbox shows the mailbox; that of an extension shows all mailboxes that it
watches together: the one that it owns, and those in its `mwi_mailboxes`. A BLF key shows the lamp of the
mailbox whose feature code it dials.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """What is told of a number: how many new and saved messages there are, and how many of them are urgent.

    `tenant` is None for the default one. `keys` are what BLF keys dial to hear the mailbox.
    """

    number: str
    tenant: UUID | None = None
    new: int = 0
    saved: int = 0
    new_urgent: int = 0
    saved_urgent: int = 0
    keys: tuple[str, ...] = ()

    @property
    def is_lit(self) -> bool:
        """Whether there are new messages; saved ones light nothing."""
        return self.new > 0

    @property
    def summary(self) -> str:
        """The counts as RFC 3842 writes them behind `Voice-Message:`; urgent ones count in both."""
        return f"{self.new}/{self.saved} ({self.new_urgent}/{self.saved_urgent})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LampQuery:
    """A phone asks for the lamp of a number; `domain` and `reply_to` are how its switch finds it again.

    `key` is what a BLF key dials, where one asks: then there is no number yet.
    """

    number: str
    domain: str
    reply_to: tuple[tuple[str, str], ...]
    tenant: UUID | None = None
    key: str | None = None
