"""What is said of a mailbox and of a message, read for the speech engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.caller import Caller
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenMailbox:
    """A mailbox's name, and the language tag as it was set (not resolved)."""

    display_name: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenMessage:
    """Who left a message and when (UTC), in what language and time zone it is said."""

    caller: Caller
    received_at: datetime
    language: str
    time_zone: str


async def mailbox(session: AsyncSession, mailbox_id: UUID) -> SpokenMailbox | None:
    """Return a mailbox that is not deleted."""
    found = (
        await session.execute(
            select(MailboxRow, TenantRow)
            .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
            .where(MailboxRow.id == mailbox_id, MailboxRow.deleted_at.is_(None))
        )
    ).one_or_none()
    if found is None:
        return None
    row, tenant = found.tuple()
    return SpokenMailbox(display_name=row.display_name, language=row.language or tenant.language)


async def message(session: AsyncSession, message_id: UUID) -> SpokenMessage | None:
    """Return what is said of a message; None if it is purged."""
    found = (
        await session.execute(
            select(MessageRow, MailboxRow, TenantRow)
            .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
            .join(TenantRow, TenantRow.id == MessageRow.tenant_id)
            .where(MessageRow.id == message_id)
        )
    ).one_or_none()
    if found is None:
        return None
    row, box, tenant = found.tuple()
    return SpokenMessage(
        caller=Caller.of(row.caller_number, row.caller_name),
        received_at=row.received_at,
        language=box.language or tenant.language,
        time_zone=tenant.time_zone,
    )
