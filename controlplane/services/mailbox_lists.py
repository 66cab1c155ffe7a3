"""Lists of mailboxes for people: in the order that they choose, with the newest message of each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from controlplane.domain.mailbox import MailboxOrder
from controlplane.domain.rights import Rights
from controlplane.services.access import rights_by_mailbox
from controlplane.storage import mailbox_orders
from controlplane.storage.database import Database
from controlplane.storage.mailbox_orders import OrderedMailbox, OrderKey
from controlplane.storage.paging import Page

__all__ = ["Browsed", "OrderKey", "OrderedMailbox", "Page", "browse_mailboxes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed:
    """A page of mailboxes, and what who asked may do with each."""

    page: Page[OrderedMailbox]
    rights: dict[UUID, Rights]


async def browse_mailboxes(
    db: Database,
    *,
    tenant_id: UUID,
    q: str | None,
    order: MailboxOrder,
    descending: bool,
    limit: int,
    after: tuple[OrderKey, str] | None,
    member: UUID | None = None,
) -> Browsed:
    """List mailboxes in an order, after one of them: its key in this order, and its number.

    With `member` only those at which this user has rights.
    """
    async with db.transaction() as session:
        page = await mailbox_orders.page(
            session,
            tenant_id=tenant_id,
            q=q,
            order=order,
            descending=descending,
            limit=limit,
            after=after,
            member=member,
        )
        return Browsed(
            page=page, rights=await rights_by_mailbox(session, member, [each.id for each in page.items])
        )
