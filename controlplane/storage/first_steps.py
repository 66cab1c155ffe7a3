"""Queries of what was done already on the way to a first message that was heard."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.first_steps import FirstSteps
from controlplane.storage.tables import AuditEntryRow, ExtensionRow, MailboxRow, MessageRow


async def done(session: AsyncSession, tenant_id: UUID) -> FirstSteps:
    """Return which steps a tenant has done, and what the next ones are about."""
    mailbox = await session.scalar(
        select(MailboxRow.number)
        .where(MailboxRow.tenant_id == tenant_id, MailboxRow.deleted_at.is_(None))
        .order_by(func.length(MailboxRow.number), MailboxRow.number)
        .limit(1)
    )
    extension = await session.scalar(
        select(ExtensionRow.number)
        .where(ExtensionRow.tenant_id == tenant_id)
        .order_by(func.length(ExtensionRow.number), ExtensionRow.number)
        .limit(1)
    )
    messages = MessageRow.tenant_id == tenant_id
    from_extension = exists().where(
        messages,
        MessageRow.caller_number.in_(
            select(ExtensionRow.number).where(ExtensionRow.tenant_id == tenant_id).scalar_subquery()
        ),
    )
    heard = and_(AuditEntryRow.tenant_id == tenant_id, AuditEntryRow.action == "heard")
    by_phone = exists().where(heard, AuditEntryRow.author.startswith("extension "))
    found = (
        await session.execute(
            select(
                or_(from_extension, by_phone),
                exists().where(messages),
                or_(exists().where(heard), exists().where(messages, MessageRow.state == "saved")),
            )
        )
    ).one()
    return FirstSteps(
        mailbox=mailbox,
        extension=extension,
        phone=bool(found[0]),
        message=bool(found[1]),
        heard=bool(found[2]),
    )
