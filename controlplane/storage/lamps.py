"""Queries about lamps: which numbers a change concerns, and what a number's mailbox holds now."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.lamp import Lamp
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow


async def numbers(session: AsyncSession, mailbox_ids: Collection[UUID]) -> list[str]:
    """Return the numbers of these mailboxes, deleted or not, in order; only phones' own tenant has lamps."""
    found = await session.scalars(
        select(MailboxRow.number)
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.id.in_(mailbox_ids), TenantRow.name == DEFAULT_TENANT)
        .distinct()
        .order_by(MailboxRow.number)
    )
    return list(found)


async def lamp(session: AsyncSession, number: str) -> Lamp:
    """Return what the mailbox that has this number now holds; nothing if there is none."""
    found = await session.execute(_counted().where(MailboxRow.number == number))
    return next((_lamp(row) for row in found), Lamp(number=number))


async def lit(session: AsyncSession, *, after: str, limit: int) -> list[Lamp]:
    """Return the mailboxes that hold anything, by number as text, from behind `after` on."""
    found = await session.execute(
        _counted().where(MailboxRow.number > after).order_by(MailboxRow.number).limit(limit)
    )
    return [_lamp(row) for row in found]


def _counted() -> Select[str, int, int]:
    return (
        select(
            MailboxRow.number,
            func.count().filter(MessageRow.state == "new"),
            func.count().filter(MessageRow.state == "saved"),
        )
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .join(MessageRow, MessageRow.mailbox_id == MailboxRow.id)
        .where(
            MailboxRow.deleted_at.is_(None),
            TenantRow.name == DEFAULT_TENANT,
            MessageRow.state.in_(("new", "saved")),
        )
        .group_by(MailboxRow.number)
    )


def _lamp(row: Row[str, int, int]) -> Lamp:
    return Lamp(number=row[0], new=row[1], saved=row[2])
