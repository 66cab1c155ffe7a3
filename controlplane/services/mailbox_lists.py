"""Lists of mailboxes for people: in the order that they choose, with the newest message of each."""

from __future__ import annotations

from uuid import UUID

from controlplane.domain.mailbox import MailboxOrder
from controlplane.storage import mailbox_orders
from controlplane.storage.database import Database
from controlplane.storage.mailbox_orders import OrderedMailbox, OrderKey
from controlplane.storage.paging import Page

__all__ = ["OrderKey", "OrderedMailbox", "Page", "browse_mailboxes"]


async def browse_mailboxes(
    db: Database,
    *,
    tenant_id: UUID,
    q: str | None,
    order: MailboxOrder,
    descending: bool,
    limit: int,
    after: tuple[OrderKey, str] | None,
) -> Page[OrderedMailbox]:
    """List mailboxes in an order, after one of them: its key in this order, and its number."""
    async with db.transaction() as session:
        return await mailbox_orders.page(
            session,
            tenant_id=tenant_id,
            q=q,
            order=order,
            descending=descending,
            limit=limit,
            after=after,
        )
