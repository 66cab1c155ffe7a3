"""The Voicemail and Spool ports: what the flows need from the rest of the product.

Each method is one short transaction; none is open while audio plays or a network is waited for.
Methods raise Unavailable when the database does not answer within its limit (2 s by setting).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from controlplane.callflows.prompts import SentOnBy
from controlplane.domain.caller import Caller
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.domain.mailbox import Counts, Mailbox
from controlplane.domain.message import MessageState, ReachedBy, TakeFacts
from controlplane.domain.pin import Pin
from controlplane.domain.rights import Admission
from controlplane.domain.routing.hours import Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class PinSource:
    """Who tries a PIN: an authenticated extension's number, or None for all callers from outside."""

    tenant_id: UUID
    extension: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardMessage:
    """A message as a listener meets it. `received_at` is local time of the tenant.

    `sent_on_by` says which object sent the caller into the mailbox, if one did; `urgent` that the caller
    marked it so.
    """

    id: UUID
    state: MessageState
    caller: Caller
    received_at: datetime
    duration_ms: int
    sent_on_by: SentOnBy | None = None
    urgent: bool = False
    reached_by: ReachedBy = field(default_factory=ReachedBy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The answer to a conditional change: `done`, or what a colleague `by` left (`state` None: purged)."""

    done: bool
    state: MessageState | None
    by: Colleague = SOMEBODY


class Voicemail(Protocol):
    """Find a mailbox, check a PIN, list, deposit, change."""

    async def language(self, tenant_id: UUID) -> str:
        """Return what is spoken to a tenant's callers before a mailbox is known; one with prompts."""
        ...

    async def mailbox(self, mailbox_id: UUID) -> Mailbox | None:
        """Return a mailbox that is not deleted."""
        ...

    async def hours(self, mailbox: Mailbox, way: ReachedBy, at: datetime) -> Hours:
        """Return what the office hours of a call say: those of the nearest object that it passed."""
        ...

    async def mailbox_by_number(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Return the mailbox that has this number now."""
        ...

    async def mailbox_of_extension(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Return the mailbox that the extension with this number owns."""
        ...

    async def admission(self, mailbox_id: UUID, source: PinSource) -> Admission:
        """Return what a caller may do with a mailbox, and whether without its PIN.

        A mailbox without members is open to every extension that knows its PIN; one with members only to
        the people whose extensions are theirs. A caller from outside is let in by neither, but where the
        mailbox lets callers log in from its greeting and has no members; and manages nothing.
        """
        ...

    async def try_pin(self, mailbox_id: UUID | None, source: PinSource, pin: Pin) -> bool:
        """Count and commit a try, then verify it; True if right.

        A locked source is not verified and gets False; None for a mailbox that does not exist
        costs the same work and gives False (design, section 7).
        """
        ...

    async def counts(self, mailbox_id: UUID) -> Counts:
        """Count by state."""
        ...

    async def is_full(self, mailbox: Mailbox) -> bool:
        """Say whether a mailbox holds as much as it may; one without a limit never does."""
        ...

    async def messages(self, mailbox_id: UUID, state: MessageState) -> list[HeardMessage]:
        """List the messages of a state, urgent ones first, then the oldest; at most 1,000."""
        ...

    async def message(self, message_id: UUID) -> HeardMessage | None:
        """Return it as it is now; None if it is purged."""
        ...

    async def left(self, message_id: UUID) -> Change:
        """Return in which state a message is now, and who brought it there; never `done`."""
        ...

    async def listeners(self, message_id: UUID, *, besides: str) -> list[Colleague]:
        """Return who listens to a message now, by phone or in a browser, but for the call `besides`."""
        ...

    async def note_heard(self, message_id: UUID, *, by: str) -> None:
        """Note who hears a message, before it is played."""
        ...

    async def change(self, message_id: UUID, *, seen: MessageState, to: MessageState, by: str) -> Change:
        """Move a message from the state that the listener saw to another one, if it still has it.

        `by` names the listener for the record, e.g. `extension 101`, or `extension 101 (user alice)`.
        """
        ...

    async def restore(self, message_id: UUID, *, by: str) -> Change:
        """Take a message out of the trash, back to the state before; not done if it is not there."""
        ...

    async def has_number(self, tenant_id: UUID, number: str) -> bool:
        """Say whether something of the tenant has a number, so that it can be called."""
        ...

    async def mail(self, message_id: UUID, *, by: str) -> bool:
        """Mail a message to the recipients of its mailbox, also where new ones are not; False for none.

        Who was mailed before is mailed again.
        """
        ...

    async def note_forwarded(self, message_id: UUID, *, to: str, by: str) -> None:
        """Note who forwards a message, and to which mailbox."""
        ...

    async def note_called_back(self, message_id: UUID, *, to: str, by: str) -> None:
        """Note who calls back who left a message, and at which number, before they are called."""
        ...

    async def note_logged_in(self, mailbox_id: UUID, *, by: str) -> None:
        """Note who is let into a mailbox."""
        ...

    async def note_refused(self, mailbox_id: UUID | None, *, by: str) -> None:
        """Note who is not let in, or whose PIN was wrong; never which digits. None: there is no such mailbox.

        What was entered for its number is not noted: it may be a PIN.
        """
        ...

    async def note_left_elsewhere(self, mailbox_id: UUID, *, to: str, by: str) -> None:
        """Note who goes on from a mailbox to leave a message in another one."""
        ...

    def recording(self, message_id: UUID) -> Path:
        """Return where the recording of a message is; the file may be missing."""
        ...

    async def deposit(self, facts: TakeFacts, wav: Path) -> bool:
        """Make a message of a finished take; True if it was taken over or had been before.

        False if the mailbox's minimum length was not reached. Copies, commits, then removes the
        spool entry (design, section 6.4). A repeat only cleans up. After an error (database,
        disk) the entry stays, and the scanner of `jobs` takes it over.
        """
        ...


class Take(Protocol):
    """A recording in the making: its audio and its facts in the spool, locked by us."""

    @property
    def facts(self) -> TakeFacts:
        """What was written beside it."""
        ...

    @property
    def wav(self) -> Path:
        """Where the switch records."""
        ...

    def duration_ms(self) -> int:
        """Measure the audio as it is in the file now; 0 without one. Repairs nothing."""
        ...

    async def keep(self) -> None:
        """Note beside it that it is long enough, so that the scanner does not judge again; raises OSError."""
        ...

    async def mark_urgent(self, *, urgent: bool) -> None:
        """Note beside it whether the caller marked it as urgent, for whoever delivers it; raises OSError.

        `facts` say so even where it cannot be written.
        """
        ...

    async def fill(self, *parts: Path) -> None:
        """Make its audio of recordings, one after the other: all of it, or nothing.

        Raises FileNotFoundError for a part that is not there, NotAWav or OSError.
        """
        ...

    async def discard(self) -> None:
        """Drop it in steps that a crash cannot turn into a message."""
        ...

    async def release(self) -> None:
        """Let go of the lock; if it was not deposited, the scanner takes it over. Idempotent."""
        ...


class Spool(Protocol):
    """The folder where the switch writes recordings before we take them over."""

    async def begin(self, facts: TakeFacts) -> Take:
        """Write the facts durably, hold their lock, and return the take; raises OSError."""
        ...

    def draft(self, draft_id: UUID) -> Path:
        """Return where something can be recorded that is no take: nobody delivers it."""
        ...

    def draft_ms(self, draft: Path) -> int:
        """Measure a draft as it is now; 0 without one. Raises OSError."""
        ...

    async def discard_draft(self, draft: Path) -> None:
        """Remove a draft; does nothing without one, and never raises."""
        ...
