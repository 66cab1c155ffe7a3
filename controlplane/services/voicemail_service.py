"""The Voicemail port over the database and the recording store, one transaction a method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.callflows.voicemail import Change, HeardMessage, PinSource
from controlplane.domain.audit import AuditAction
from controlplane.domain.colleague import Colleague
from controlplane.domain.language import first_available
from controlplane.domain.limits import FULL_PERCENT
from controlplane.domain.mailbox import Counts, Mailbox
from controlplane.domain.message import Message, MessageState, ReachedBy, TakeFacts
from controlplane.domain.pin import Pin
from controlplane.domain.rights import Admission
from controlplane.domain.routing.hours import Hours
from controlplane.services.access import admission
from controlplane.services.audit import note_hearing
from controlplane.services.colleagues import as_left
from controlplane.services.greeting_choice import hours_at
from controlplane.services.lamps import defer_lamps
from controlplane.services.mailing import mail_again
from controlplane.services.pins import Pins
from controlplane.services.reached import names_on_the_way, sent_on_by
from controlplane.storage import extensions, limits, mailboxes, messages, numbers, presence, tenants
from controlplane.storage.audit import note_at_mailbox, note_heard
from controlplane.storage.database import Database
from controlplane.storage.mailboxes import Found
from controlplane.storage.queue import Jobs
from controlplane.storage.routing.documents import rules_from

_MAX_LISTED = 1000

Deposit = Callable[[TakeFacts, Path], Awaitable[bool]]


class Recordings(Protocol):
    """Where the audio of messages is."""

    def path(self, message_id: UUID) -> Path:
        """Return where the recording of a message is; the file may be missing."""
        ...


class VoicemailService:
    """Implements `callflows.voicemail.Voicemail`; one for all calls of a process.

    `database` should have the short limit of calls, `languages` are those with prompts, and
    `deposit` takes over a finished take (`services.deposit`).
    """

    def __init__(
        self,
        *,
        database: Database,
        jobs: Jobs,
        pins: Pins,
        recordings: Recordings,
        deposit: Deposit,
        languages: Collection[str],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._pins = pins
        self._recordings = recordings
        self._deposit = deposit
        self._languages = languages

    async def language(self, tenant_id: UUID) -> str:
        """Return what is spoken to a tenant's callers before a mailbox is known."""
        async with self._database.transaction() as session:
            tenant = await tenants.get(session, tenant_id)
        return first_available(() if tenant is None else (tenant.language,), self._languages)

    async def mailbox(self, mailbox_id: UUID) -> Mailbox | None:
        """Return a mailbox that is not deleted."""
        async with self._database.connection() as connection:
            return await mailboxes.called(connection, mailbox_id, self._languages)

    async def hours(self, mailbox: Mailbox, way: ReachedBy, at: datetime) -> Hours:
        """Return what the office hours of a call say: those of the nearest object that it passed."""
        async with self._database.transaction() as session:
            return await hours_at(session, mailbox, way, at)

    async def mailbox_by_number(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Return the mailbox that has this number now."""
        async with self._database.transaction() as session:
            return self._values(await mailboxes.by_number(session, tenant_id, number))

    async def mailbox_of_extension(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Return the mailbox that the extension with this number owns."""
        async with self._database.transaction() as session:
            row = await extensions.by_number(session, tenant_id, number)
            owned = None if row is None else rules_from(row.rules).mailbox
            found = None if owned is None else await mailboxes.by_number(session, tenant_id, owned)
            return self._values(found)

    def _values(self, found: Found | None) -> Mailbox | None:
        return None if found is None else mailboxes.mailbox_values(*found, self._languages)

    async def admission(self, mailbox_id: UUID, source: PinSource) -> Admission:
        """Return what a caller may do with a mailbox, and whether without its PIN."""
        async with self._database.transaction() as session:
            return await admission(
                session, tenant_id=source.tenant_id, extension=source.extension, mailbox_id=mailbox_id
            )

    async def try_pin(self, mailbox_id: UUID | None, source: PinSource, pin: Pin) -> bool:
        """Count and commit a try, then verify it; True if right."""
        return await self._pins.try_pin(mailbox_id, source, pin)

    async def counts(self, mailbox_id: UUID) -> Counts:
        """Count by state."""
        async with self._database.transaction() as session:
            return (await messages.counts(session, [mailbox_id]))[mailbox_id]

    async def is_full(self, mailbox: Mailbox) -> bool:
        """Say whether a mailbox holds as much as it may; without a limit nothing is asked."""
        if not mailbox.quota.limited:
            return False
        async with self._database.transaction() as session:
            return mailbox.quota.percent(await limits.usage(session, mailbox.id)) >= FULL_PERCENT

    async def messages(self, mailbox_id: UUID, state: MessageState) -> list[HeardMessage]:
        """List the messages of a state, urgent ones first, then the oldest; at most 1,000."""
        async with self._database.transaction() as session:
            zone = await mailboxes.time_zone(session, mailbox_id)
            found = await messages.to_hear(session, mailbox_id, state, limit=_MAX_LISTED)
            names = await self._names(session, found)
        return [_heard(message, zone, names) for message in found]

    async def message(self, message_id: UUID) -> HeardMessage | None:
        """Return it as it is now; None if it is purged."""
        async with self._database.transaction() as session:
            found = await messages.get(session, message_id)
            if found is None:
                return None
            zone = await mailboxes.time_zone(session, found.mailbox_id)
            names = await self._names(session, [found])
        return _heard(found, zone, names)

    @staticmethod
    async def _names(session: AsyncSession, found: Sequence[Message]) -> dict[str, str]:
        if not found:
            return {}
        return await names_on_the_way(session, found[0].tenant_id, [message.reached_by for message in found])

    async def note_heard(self, message_id: UUID, *, by: str) -> None:
        """Note who hears a message, in the audit log."""
        await note_hearing(self._database, [message_id], by=by)

    async def change(self, message_id: UUID, *, seen: MessageState, to: MessageState, by: str) -> Change:
        """Move a message from the state that the listener saw to another one, if it still has it."""
        async with self._database.transaction() as session:
            if await messages.move(session, message_id, seen=seen, to=to, by=by):
                await self._defer_lamp(session, message_id)
                return Change(done=True, state=to)
            return await self._left(session, message_id)

    async def restore(self, message_id: UUID, *, by: str) -> Change:
        """Take a message out of the trash, back to the state before; not done if it is not there."""
        async with self._database.transaction() as session:
            state = await messages.restore(session, message_id, by=by)
            if state is not None:
                await self._defer_lamp(session, message_id)
                return Change(done=True, state=state)
            return await self._left(session, message_id)

    async def left(self, message_id: UUID) -> Change:
        """Return in which state a message is now, and who brought it there; never `done`."""
        async with self._database.transaction() as session:
            return await self._left(session, message_id)

    @staticmethod
    async def _left(session: AsyncSession, message_id: UUID) -> Change:
        state, by = await as_left(session, message_id)
        return Change(done=False, state=state, by=by)

    async def listeners(self, message_id: UUID, *, besides: str) -> list[Colleague]:
        """Return who listens to a message now, by phone or in a browser, but for the call `besides`."""
        async with self._database.transaction() as session:
            found = await presence.listeners_of_message(session, message_id, besides=besides)
        # Somebody may listen by phone and in a browser; they are one to a colleague.
        return list({(one.who.extension or one.who.name, one.who.outside): one.who for one in found}.values())

    async def _defer_lamp(self, session: AsyncSession, message_id: UUID) -> None:
        moved = await messages.get(session, message_id)
        if moved is not None:
            await defer_lamps(session, self._jobs, [moved.mailbox_id])

    async def has_number(self, tenant_id: UUID, number: str) -> bool:
        """Say whether something of the tenant has a number."""
        async with self._database.transaction() as session:
            return await numbers.owner(session, tenant_id, number) is not None

    async def mail(self, message_id: UUID, *, by: str) -> bool:
        """Mail a message to the recipients of its mailbox; see `services.mailing`."""
        return await mail_again(self._database, self._jobs, message_id, by=by)

    async def note_forwarded(self, message_id: UUID, *, to: str, by: str) -> None:
        """Note who forwards a message, and to which mailbox."""
        async with self._database.transaction() as session:
            await note_heard(session, [message_id], action=AuditAction.FORWARDED, by=by, to=to)

    async def note_called_back(self, message_id: UUID, *, to: str, by: str) -> None:
        """Note who calls back who left a message, and at which number."""
        async with self._database.transaction() as session:
            await note_heard(session, [message_id], action=AuditAction.CALLED_BACK, by=by, to=to)

    async def note_logged_in(self, mailbox_id: UUID, *, by: str) -> None:
        """Note who is let into a mailbox."""
        await self._note(mailbox_id, AuditAction.LOGGED_IN, by)

    async def note_refused(self, mailbox_id: UUID | None, *, by: str) -> None:
        """Note who is not let in; for a mailbox that does not exist nothing, at the same cost."""
        await self._note(UUID(int=0) if mailbox_id is None else mailbox_id, AuditAction.REFUSED, by)

    async def note_left_elsewhere(self, mailbox_id: UUID, *, to: str, by: str) -> None:
        """Note who goes on from a mailbox to leave a message in another one."""
        await self._note(mailbox_id, AuditAction.LEFT_ELSEWHERE, by, to)

    async def _note(self, mailbox_id: UUID, action: AuditAction, by: str, to: str | None = None) -> None:
        async with self._database.transaction() as session:
            await note_at_mailbox(session, mailbox_id, action=action, by=by, to=to)

    def recording(self, message_id: UUID) -> Path:
        """Return where the recording of a message is; the file may be missing."""
        return self._recordings.path(message_id)

    async def deposit(self, facts: TakeFacts, wav: Path) -> bool:
        """Make a message of a finished take; see `services.deposit`."""
        return await self._deposit(facts, wav)


def _heard(message: Message, zone: str, names: Mapping[str, str]) -> HeardMessage:
    return HeardMessage(
        id=message.id,
        state=message.state,
        caller=message.caller,
        received_at=message.received_at.astimezone(ZoneInfo(zone)),
        duration_ms=message.duration_ms,
        sent_on_by=sent_on_by(message.reached_by, names),
        urgent=message.urgent,
        reached_by=message.reached_by,
    )
