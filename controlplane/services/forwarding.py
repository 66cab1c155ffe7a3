"""Forwarding a message by REST and in the portal, as key 8 does by phone: a copy elsewhere, or mails.

The original stays as it is. The copy is durable in the store before it is committed, together with what the
audit log says of it: whatever dies, all of it is in the other mailbox, or nothing. `member` is the user whose
rights at mailboxes count; None for who may do all (`services.access`). As by phone it takes the right to
download at the message's mailbox, and none at the other one, which may be any of the tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.audit import AuditAction
from controlplane.domain.errors import Conflict, InvalidValue, NotFound, Unavailable
from controlplane.domain.limits import FULL_PERCENT, Quota
from controlplane.domain.message import TakeFacts
from controlplane.domain.rights import Right, check_right
from controlplane.services.access import rights_at
from controlplane.services.deposit import jobs_after
from controlplane.services.mailing import mail_again
from controlplane.services.messages import check_seen, get_message, no_such_message
from controlplane.storage import limits, mailboxes, message_views, takes
from controlplane.storage.audit import note_heard
from controlplane.storage.database import Database
from controlplane.storage.message_views import MessageView
from controlplane.storage.queue import Jobs, connection_of
from controlplane.storage.wav import NotAWav

__all__ = ["Asked", "Forwarded", "Recordings", "forward_message", "mail_message", "recipients_of"]

_TO: Final = "to"


class Recordings(Protocol):
    """Where the audio of messages is."""

    def path(self, message_id: UUID) -> Path:
        """Return the file of a recording; it may be missing."""
        ...

    async def take_in(self, message_id: UUID, wav: Path) -> int:
        """Copy a recording durably under an id; return its length in milliseconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which message is to go to which mailbox, by its number.

    The same `once` makes one copy of a message in a mailbox, however often it is asked for.
    """

    tenant_id: UUID
    message_id: UUID
    to: str
    once: str
    member: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The copy of a message, and the mailbox that has it."""

    id: UUID
    mailbox_number: str
    mailbox_name: str


async def forward_message(
    database: Database,
    jobs: Jobs,
    recordings: Recordings,
    *,
    asked: Asked,
    at: datetime,
    by: str,
) -> Forwarded:
    """Put a copy of a message into another mailbox, as a new message of `at`.

    Raises NotFound (`no-such-message`, `recording-missing`, `recording-damaged`), NotAllowed, InvalidValue
    (`no-mailbox-there`, `same-mailbox`), Conflict (`other-mailbox-disabled`, `other-mailbox-full`), and
    Unavailable.
    """
    async with database.transaction() as session:
        found = await _found(session, asked)
    if found.done:
        return found.copy
    duration_ms = await _copied(recordings, asked.message_id, found.copy.id)
    async with database.transaction() as session:
        # Copying takes a while: what was found before may be otherwise now.
        found = await _found(session, asked, as_before=found)
        if found.done:
            return found.copy
        facts = _facts(found, at)
        connection = await connection_of(session)
        deposited = await takes.deposit(connection, facts, duration_ms=duration_ms)
        assert deposited is not None, "the mailbox is held, and its copy is not there"
        await note_heard(
            session,
            [asked.message_id],
            action=AuditAction.FORWARDED,
            by=by,
            to=found.copy.mailbox_number,
        )
        await jobs.defer_all(connection, jobs_after(facts, deposited))
    structlog.get_logger().info(
        "message.forwarded",
        message_id=str(asked.message_id),
        copy_id=str(found.copy.id),
        to=found.copy.mailbox_number,
        by=by,
    )
    return found.copy


async def mail_message(
    database: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    message_id: UUID,
    by: str,
    member: UUID | None = None,
) -> MessageView:
    """Mail a message to all recipients of its mailbox, again where it was mailed; return it with its mails.

    Raises NotFound `no-such-message`, NotAllowed, Conflict (`mailbox-deleted`, `no-recipients`).
    """
    async with database.transaction() as session:
        view = await _message(session, tenant_id, message_id, member)
    if view.mailbox_deleted:
        raise Conflict(
            "The mailbox of this message was deleted: nobody gets its mails. Forward it to another mailbox.",
            error_id="mailbox-deleted",
        )
    mailed = await mail_again(database, jobs, message_id, by=by)
    now = await get_message(database, tenant_id, message_id, member=member)
    if not mailed:
        raise Conflict(
            f"The mailbox {now.mailbox_number} has no recipients of mails: give it one in email_recipients.",
            error_id="no-recipients",
            field="email_recipients",
        )
    return now


async def recipients_of(
    database: Database, *, tenant_id: UUID, message_id: UUID, member: UUID | None = None
) -> tuple[str, ...]:
    """Return to whom a message would be mailed that somebody may forward; nobody for a deleted mailbox.

    Raises NotFound `no-such-message`, NotAllowed.
    """
    async with database.transaction() as session:
        view = await _message(session, tenant_id, message_id, member)
        found = await mailboxes.get(session, view.message.mailbox_id)
    return () if found is None else tuple(found[0].email_recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A message and the mailbox that it is to go to; `done` says that the copy was made before."""

    view: MessageView
    tenant_id: UUID
    target_id: UUID
    copy: Forwarded
    done: bool


async def _found(session: AsyncSession, asked: Asked, *, as_before: _Found | None = None) -> _Found:
    """Find both, and check that the message may go there; the second time the mailbox is held."""
    view = await _message(session, asked.tenant_id, asked.message_id, asked.member)
    row = await mailboxes.by_number(session, asked.tenant_id, asked.to, lock=as_before is not None)
    if row is None or (as_before is not None and row[0].id != as_before.target_id):
        raise InvalidValue(
            "No mailbox has this number: give the number of a mailbox of the tenant.",
            error_id="no-mailbox-there",
            field=_TO,
            details={"number": asked.to},
        )
    target, tenant = row
    if target.id == view.message.mailbox_id:
        raise InvalidValue(
            "The message is in this mailbox already: give the number of another one.",
            error_id="same-mailbox",
            field=_TO,
        )
    copy = Forwarded(
        id=uuid5(asked.message_id, f"{target.id} {asked.once}"),
        mailbox_number=target.number,
        mailbox_name=target.display_name,
    )
    done = await takes.outcome(await connection_of(session), copy.id) is not None
    if not done and not target.enabled:
        raise Conflict(
            f"The mailbox {target.number} takes no messages: enable it, or choose another one.",
            error_id="other-mailbox-disabled",
            field=_TO,
            details={"number": target.number},
        )
    if not done and await _is_full(session, target.id, limits.quota_of(target, tenant)):
        raise Conflict(
            f"The mailbox {target.number} is full: delete messages there, or choose another one.",
            error_id="other-mailbox-full",
            field=_TO,
            details={"number": target.number},
        )
    return _Found(view=view, tenant_id=asked.tenant_id, target_id=target.id, copy=copy, done=done)


async def _message(
    session: AsyncSession, tenant_id: UUID, message_id: UUID, member: UUID | None
) -> MessageView:
    """Return a message that somebody may see and download."""
    view = await message_views.view(session, tenant_id, message_id)
    if view is None:
        raise no_such_message()
    rights = await rights_at(session, member, view.message.mailbox_id)
    check_seen(rights, view.message.state)
    check_right(rights, Right.DOWNLOAD)
    return view


async def _is_full(session: AsyncSession, mailbox_id: UUID, quota: Quota) -> bool:
    return quota.limited and quota.percent(await limits.usage(session, mailbox_id)) >= FULL_PERCENT


async def _copied(recordings: Recordings, message_id: UUID, copy_id: UUID) -> int:
    """Copy the recording of a message; return its length. A copy that is not used goes after a day."""
    try:
        return await recordings.take_in(copy_id, recordings.path(message_id))
    except FileNotFoundError as error:
        raise NotFound("The recording of this message is not there.", error_id="recording-missing") from error
    except NotAWav as error:
        raise NotFound(
            "The recording of this message cannot be read.", error_id="recording-damaged"
        ) from error
    except OSError as error:
        structlog.get_logger().exception("message.not_copied", message_id=str(message_id))
        raise Unavailable("The recording cannot be copied now.") from error


def _facts(found: _Found, at: datetime) -> TakeFacts:
    message = found.view.message
    return TakeFacts(
        recording_id=found.copy.id,
        tenant_id=found.tenant_id,
        mailbox_id=found.target_id,
        call_id=message.call_id,
        caller=message.caller,
        reached_by=message.reached_by.forwarded_from(found.view.mailbox_number),
        started_at=at,
        urgent=message.urgent,
        trace_id=message.trace_id,
    )
