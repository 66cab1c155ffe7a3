"""The rows of mails about messages: which are to be sent, and how each one ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.caller import Caller
from controlplane.storage.tables import MailboxRow, MessageMailRow, MessageRow, TenantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MailToSend:
    """All that a mail about a message is made of, and how often it was tried.

    `wanted` is false when the mailbox was deleted, mails no more, or not to this recipient.
    """

    message_id: UUID
    tenant_id: UUID
    recipient: str
    attempts: int
    wanted: bool
    caller: Caller
    received_at: datetime
    duration_ms: int
    mailbox_number: str
    mailbox_name: str
    language: str
    time_zone: str
    attachment_format: str | None


async def add(session: AsyncSession, message_id: UUID, recipients: Iterable[str]) -> list[str]:
    """Insert a queued mail per recipient; return those that had none before."""
    rows = [{"message_id": message_id, "recipient": recipient} for recipient in dict.fromkeys(recipients)]
    if not rows:
        return []
    added = await session.scalars(
        insert(MessageMailRow).values(rows).on_conflict_do_nothing().returning(MessageMailRow.recipient)
    )
    return list(added)


async def queued(session: AsyncSession, message_id: UUID, recipient: str) -> MailToSend | None:
    """Return a mail that is still to be sent; None if it was sent, failed, or its message is purged."""
    found = (
        await session.execute(
            select(MessageMailRow, MessageRow, MailboxRow, TenantRow)
            .join(MessageRow, MessageRow.id == MessageMailRow.message_id)
            .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
            .join(TenantRow, TenantRow.id == MessageRow.tenant_id)
            .where(
                MessageMailRow.message_id == message_id,
                MessageMailRow.recipient == recipient,
                MessageMailRow.status == "queued",
            )
        )
    ).one_or_none()
    if found is None:
        return None
    mail, message, mailbox, tenant = found.tuple()
    return MailToSend(
        message_id=message.id,
        tenant_id=message.tenant_id,
        recipient=mail.recipient,
        attempts=mail.attempts,
        wanted=(
            mailbox.deleted_at is None
            and mailbox.email_notification
            and mail.recipient in mailbox.email_recipients
        ),
        caller=Caller.of(message.caller_number, message.caller_name),
        received_at=message.received_at,
        duration_ms=message.duration_ms,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        language=mailbox.language or tenant.language,
        time_zone=tenant.time_zone,
        attachment_format=mailbox.email_attachment_format if mailbox.email_attachment else None,
    )


async def record(
    session: AsyncSession, message_id: UUID, recipient: str, *, status: str, error: str | None
) -> bool:
    """Write how a try ended and count it; False if the mail is no longer queued."""
    changed = await session.scalars(
        update(MessageMailRow)
        .where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
        .values(status=status, error=error, attempts=MessageMailRow.attempts + 1, updated_at=func.now())
        .returning(MessageMailRow.message_id)
    )
    return changed.one_or_none() is not None


async def drop(session: AsyncSession, message_id: UUID, recipient: str) -> None:
    """Remove a queued mail that nobody wants any more."""
    await session.execute(
        delete(MessageMailRow).where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
    )
