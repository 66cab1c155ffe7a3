"""Pages of mailboxes, each with the counts of its messages, in few queries whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.limits import Fill
from controlplane.domain.mailbox import Counts
from controlplane.storage import limits, members, messages
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import MailboxRow, TenantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMailbox:
    """A mailbox's row, its tenant's, the counts of its messages, and how full it is."""

    row: MailboxRow
    tenant: TenantRow
    counts: Counts
    fill: Fill


async def page(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    q: str | None,
    limit: int,
    after: str | None,
    member: UUID | None = None,
) -> Page[ListedMailbox]:
    """List mailboxes in the order of their digits; `q` is part of the number or of the name.

    With `member` only those at which this user has rights.
    """
    key = MailboxRow.number.collate("C")
    query = (
        select(MailboxRow, TenantRow)
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.tenant_id == tenant_id, MailboxRow.deleted_at.is_(None))
        .order_by(key)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(key > after)
    if member is not None:
        query = query.where(MailboxRow.id.in_(await members.ids_of(session, member)))
    if q:
        query = query.where(or_(contains(MailboxRow.number, q), contains(MailboxRow.display_name, q)))
    found = cut((await session.execute(query)).all(), limit)
    counts = await messages.counts(session, [row.id for row, _ in found.items])
    quotas = {row.id: limits.quota_of(row, tenant) for row, tenant in found.items}
    fills = await limits.fills(session, quotas, counts)
    return Page(
        items=[
            ListedMailbox(row=row, tenant=tenant, counts=counts[row.id], fill=fills[row.id])
            for row, tenant in found.items
        ],
        more=found.more,
    )
