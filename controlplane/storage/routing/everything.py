"""Queries of all that a tenant has, for findings over the whole."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.message import MessageState
from controlplane.domain.routing.findings import LintExtension, LintMailbox
from controlplane.storage.routing.documents import rules_from
from controlplane.storage.tables import ExtensionRow, MailboxRow, MessageRow, PointerRow


async def mailboxes(session: AsyncSession, tenant_id: UUID, *, unread_since: datetime) -> list[LintMailbox]:
    """Return the mailboxes; not read are those with new messages from before, of which none changed since."""
    old = exists().where(
        MessageRow.mailbox_id == MailboxRow.id,
        MessageRow.state == MessageState.NEW.value,
        MessageRow.received_at < unread_since,
    )
    used = exists().where(
        MessageRow.mailbox_id == MailboxRow.id,
        MessageRow.state_changed_by.is_not(None),
        MessageRow.state_changed_at >= unread_since,
    )
    rows = await session.execute(
        select(
            MailboxRow.number,
            MailboxRow.display_name,
            MailboxRow.language,
            MailboxRow.enabled,
            MailboxRow.email_notification & (func.cardinality(MailboxRow.email_recipients) > 0),
            MailboxRow.operator_number,
            old & ~used,
        ).where(MailboxRow.tenant_id == tenant_id, MailboxRow.deleted_at.is_(None))
    )
    return [
        LintMailbox(
            number=number,
            name=name,
            language=language,
            enabled=enabled,
            is_mailed=mailed,
            operator=operator,
            has_old_new_messages=unread,
        )
        for number, name, language, enabled, mailed, operator, unread in rows
    ]


async def extensions(session: AsyncSession, tenant_id: UUID) -> list[LintExtension]:
    """Return the extensions with their rules."""
    rows = await session.execute(
        select(ExtensionRow.number, ExtensionRow.display_name, ExtensionRow.rules).where(
            ExtensionRow.tenant_id == tenant_id
        )
    )
    return [LintExtension(number=number, name=name, rules=rules_from(rules)) for number, name, rules in rows]


async def pointed_at(session: AsyncSession, tenant_id: UUID) -> frozenset[str]:
    """Return the numbers that something points at."""
    found = await session.scalars(
        select(PointerRow.number).where(PointerRow.tenant_id == tenant_id).distinct()
    )
    return frozenset(found)
