"""Pages of mailboxes for people: searched, in one of several orders, with the newest message of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.limits import Fill
from controlplane.domain.mailbox import Counts, MailboxOrder
from controlplane.storage import limits, members, messages
from controlplane.storage.members import MemberSummary
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow

OrderKey = str | int | datetime
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the newest message of a mailbox that has none, so that it has a place in the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedMailbox:
    """What a list shows of a mailbox; `key` is what it was sorted by."""

    id: UUID
    number: str
    display_name: str
    enabled: bool
    counts: Counts
    fill: Fill
    newest_at: datetime | None
    members: MemberSummary
    key: OrderKey


async def page(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    q: str | None,
    order: MailboxOrder,
    descending: bool,
    limit: int,
    after: tuple[OrderKey, str] | None,
    member: UUID | None = None,
) -> Page[OrderedMailbox]:
    """List mailboxes, after one of them (its key and its number); few queries whatever their number.

    `q` is a part of the number or of the name; with `member` only those at which this user has rights.
    Those with the same key are in the order of their digits.
    """
    key, number = _key(order), MailboxRow.number.collate("C")
    query = (
        select(
            *(MailboxRow.id, MailboxRow.number, MailboxRow.display_name, MailboxRow.enabled),
            *(MailboxRow.max_messages, MailboxRow.max_total_seconds, TenantRow, key),
        )
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.tenant_id == tenant_id, MailboxRow.deleted_at.is_(None))
        .order_by(key.desc() if descending else key, number)
        .limit(limit + 1)
    )
    if member is not None:
        query = query.where(MailboxRow.id.in_(await members.ids_of(session, member)))
    if q:
        query = query.where(or_(contains(MailboxRow.number, q), contains(MailboxRow.display_name, q)))
    if after is not None:
        value, digits = after
        beyond = key < value if descending else key > value
        query = query.where(or_(beyond, and_(key == value, number > digits)))
    found = cut((await session.execute(query)).all(), limit)
    ids = [row[0] for row in found.items]
    counts, newest = await messages.counts(session, ids), await messages.newest(session, ids)
    quotas = {row[0]: limits.quota_from(row[4], row[5], row[6]) for row in found.items}
    fills = await limits.fills(session, quotas, counts)
    summaries = await members.summaries(session, ids)
    return Page(
        items=[
            OrderedMailbox(
                id=mailbox_id,
                number=digits,
                display_name=name,
                enabled=enabled,
                counts=counts[mailbox_id],
                fill=fills[mailbox_id],
                newest_at=newest.get(mailbox_id),
                members=summaries.get(mailbox_id, MemberSummary()),
                key=value,
            )
            for mailbox_id, digits, name, enabled, _, _, _, value in found.items
        ],
        more=found.more,
    )


def _key(order: MailboxOrder) -> ColumnElement[Any]:
    match order:
        case MailboxOrder.NUMBER:
            return MailboxRow.number.collate("C")
        case MailboxOrder.NAME:
            return func.lower(MailboxRow.display_name)
        case MailboxOrder.NEW:
            return (
                select(func.count())
                .where(MessageRow.mailbox_id == MailboxRow.id, MessageRow.state == "new")
                .correlate(MailboxRow)
                .scalar_subquery()
            )
        case MailboxOrder.LAST:
            newest = (
                select(func.max(MessageRow.received_at))
                .where(MessageRow.mailbox_id == MailboxRow.id, MessageRow.state != "deleted")
                .correlate(MailboxRow)
                .scalar_subquery()
            )
            return func.coalesce(newest, _NEVER)
    assert_never(order)
