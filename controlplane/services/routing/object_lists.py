"""Lists of extensions and of the objects that route calls for people, in the order that they choose."""

from __future__ import annotations

from uuid import UUID

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.routing import object_orders
from controlplane.storage.routing.object_orders import OrderedObject

__all__ = ["OrderedObject", "Page", "browse_objects"]


async def browse_objects(
    db: Database,
    *,
    tenant_id: UUID,
    kind: RoutingKind | None,
    q: str | None,
    by_name: bool,
    descending: bool,
    limit: int,
    after: tuple[str, str] | None,
) -> Page[OrderedObject]:
    """List objects of a kind, None for extensions, after one: its place in the order, and its key."""
    async with db.transaction() as session:
        return await object_orders.page(
            session,
            tenant_id=tenant_id,
            kind=kind,
            q=q,
            by_name=by_name,
            descending=descending,
            limit=limit,
            after=after,
        )
