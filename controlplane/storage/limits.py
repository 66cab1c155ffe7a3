"""Queries about what mailboxes and their tenants say of how long messages are kept, and how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, case, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.limits import Fill, Quota, Usage
from controlplane.domain.mailbox import Counts
from controlplane.domain.message import MessageState
from controlplane.storage.tables import MailboxRow, MessageRow, QuotaWarningRow, TenantRow

_A_DAY: Final = literal(timedelta(days=1), Interval)
# Each mailbox reads the beginning of its own part of `ix_messages_kept`.
_OVERDUE: Final = text("""
    SELECT messages.id, messages.mailbox_id
    FROM mailboxes
    JOIN tenants ON tenants.id = mailboxes.tenant_id
    JOIN messages ON messages.mailbox_id = mailboxes.id AND messages.state <> 'deleted'
    CROSS JOIN LATERAL (SELECT coalesce(mailboxes.retain_days, tenants.retain_days) AS days) AS kept
    WHERE mailboxes.deleted_at IS NULL AND kept.days > 0
      AND messages.received_at < :now - kept.days * interval '1 day'
      AND (messages.restored_at IS NULL OR messages.restored_at < :now - kept.days * interval '1 day')
    ORDER BY messages.id
    LIMIT :limit
    FOR UPDATE OF messages SKIP LOCKED
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A mailbox whose recipients are told that it is almost full."""

    row: MailboxRow
    tenant: TenantRow
    used: Usage
    warned_at: datetime | None


def trash_until(older_than: datetime) -> ColumnElement[datetime]:
    """Return since when what is purged is in the trash: what the mailbox or its tenant says counts first."""
    days = func.coalesce(MailboxRow.trash_days, TenantRow.trash_days)
    return case((days.is_(None), literal(older_than)), else_=func.now() - days * _A_DAY)


async def trash_overdue(session: AsyncSession, *, now: datetime, by: str, limit: int) -> dict[UUID, int]:
    """Move messages to the trash that were kept as long as they should; return how many of which mailbox."""
    found = (await session.execute(_OVERDUE, {"now": now, "limit": limit})).all()
    moved: dict[UUID, int] = {}
    for _, mailbox_id in found:
        moved[mailbox_id] = moved.get(mailbox_id, 0) + 1
    if found:
        await session.execute(
            update(MessageRow)
            .where(MessageRow.id.in_([message_id for message_id, _ in found]))
            .values(
                state=MessageState.DELETED.value,
                state_before=MessageRow.state,
                state_changed_at=func.clock_timestamp(),
                state_changed_by=by,
                version=MessageRow.version + 1,
            )
            .execution_options(synchronize_session=False)
        )
    return moved


async def usage(session: AsyncSession, mailbox_id: UUID) -> Usage:
    """Return what a mailbox holds, the trash aside."""
    row = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(MessageRow.duration_ms), 0)).where(
                MessageRow.mailbox_id == mailbox_id, MessageRow.state != MessageState.DELETED.value
            )
        )
    ).one()
    return Usage(messages=row[0], duration_ms=int(row[1]))


async def fills(
    session: AsyncSession, quotas: Mapping[UUID, Quota], counts: Mapping[UUID, Counts]
) -> dict[UUID, Fill]:
    """Return how full each of some mailboxes is, whose messages were counted; one query, or none.

    Only where seconds are limited are they summed up.
    """
    timed = [mailbox_id for mailbox_id, quota in quotas.items() if quota.seconds]
    durations: dict[UUID, int] = {}
    if timed:
        rows = await session.execute(
            select(MessageRow.mailbox_id, func.sum(MessageRow.duration_ms))
            .where(MessageRow.mailbox_id.in_(timed), MessageRow.state != MessageState.DELETED.value)
            .group_by(MessageRow.mailbox_id)
        )
        durations = {row[0]: int(row[1]) for row in rows}
    return {
        mailbox_id: Fill(
            quota=quota,
            used=Usage(
                messages=counts[mailbox_id].new + counts[mailbox_id].saved,
                duration_ms=durations.get(mailbox_id, 0),
            ),
        )
        for mailbox_id, quota in quotas.items()
    }


async def warned(session: AsyncSession, mailbox_id: UUID) -> Warned | None:
    """Return what decides about a mail to the recipients of a mailbox; None if it is deleted."""
    found = (
        await session.execute(
            select(MailboxRow, TenantRow, QuotaWarningRow.warned_at)
            .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
            .outerjoin(QuotaWarningRow, QuotaWarningRow.mailbox_id == MailboxRow.id)
            .where(MailboxRow.id == mailbox_id, MailboxRow.deleted_at.is_(None))
        )
    ).one_or_none()
    if found is None:
        return None
    return Warned(row=found[0], tenant=found[1], used=await usage(session, mailbox_id), warned_at=found[2])


async def note_warning(session: AsyncSession, mailbox_id: UUID) -> bool:
    """Note that recipients are told; False if somebody was faster."""
    noted = await session.execute(
        insert(QuotaWarningRow)
        .values(mailbox_id=mailbox_id)
        .on_conflict_do_nothing()
        .returning(QuotaWarningRow.mailbox_id)
    )
    return noted.scalar_one_or_none() is not None


async def forget_warning(session: AsyncSession, mailbox_id: UUID) -> None:
    """Let the next time be told again."""
    await session.execute(delete(QuotaWarningRow).where(QuotaWarningRow.mailbox_id == mailbox_id))


async def warned_mailboxes(session: AsyncSession) -> list[UUID]:
    """List the mailboxes whose recipients were told."""
    return list(await session.scalars(select(QuotaWarningRow.mailbox_id)))


def quota_of(row: MailboxRow, tenant: TenantRow) -> Quota:
    """Return how much a mailbox may hold."""
    return quota_from(row.max_messages, row.max_total_seconds, tenant)


def quota_from(messages: int | None, seconds: int | None, tenant: TenantRow) -> Quota:
    """Return how much a mailbox may hold that says so itself; None: what its tenant says."""
    return Quota(
        messages=tenant.max_messages if messages is None else messages,
        seconds=tenant.max_total_seconds if seconds is None else seconds,
    )
