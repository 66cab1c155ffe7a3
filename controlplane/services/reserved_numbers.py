"""Numbers that something else than us answers, and that no object of ours can have."""

from __future__ import annotations

from uuid import UUID

import structlog

from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.numbers import ReservedNumbers
from controlplane.storage import reserved_numbers, tenants
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.paging import Page

_SHOWN = 20


async def reserve_numbers(db: Database, *, tenant_id: UUID, reserved: ReservedNumbers, by: str) -> None:
    """Reserve numbers; raises InvalidValue, Conflict `number-reserved` or `number-taken`."""
    reserved.check()
    first, last = reserved.first, reserved.last
    async with db.transaction() as session:
        # Whoever takes a number holds a share of its tenant until the commit: nobody takes one meanwhile.
        await tenants.get(session, tenant_id, lock=True)
        other = await reserved_numbers.overlapping(session, tenant_id, first=first, last=last)
        if other is not None:
            raise Conflict(
                f"{other.first} to {other.last} are reserved already. Choose `first` and `last` beside "
                f"them, or give those up with DELETE /numbers/reserved/{other.first}.",
                error_id="number-reserved",
                field="first",
                details={"first": other.first, "last": other.last, "note": other.note},
            )
        used = await reserved_numbers.used_within(session, tenant_id, first=first, last=last, limit=_SHOWN)
        if used:
            raise Conflict(
                f"{', '.join(used)} {'belong' if len(used) > 1 else 'belongs'} to objects here. Choose "
                "`first` and `last` without them, or delete these objects first.",
                error_id="number-taken",
                field="first",
                details={"numbers": used},
            )
        await name_author(session, by)
        await reserved_numbers.insert(session, tenant_id, reserved)
    structlog.get_logger().info("numbers.reserved", tenant_id=str(tenant_id), first=first, last=last)


async def list_reserved(
    db: Database, *, tenant_id: UUID, limit: int, after: str | None
) -> Page[ReservedNumbers]:
    """List what is reserved, by the first numbers."""
    async with db.transaction() as session:
        return await reserved_numbers.page(session, tenant_id=tenant_id, limit=limit, after=after)


async def give_up_reserved(db: Database, *, tenant_id: UUID, first: str, by: str) -> None:
    """Reserve these numbers no longer; raises NotFound `number-not-reserved`."""
    async with db.transaction() as session:
        await name_author(session, by)
        if not await reserved_numbers.remove(session, tenant_id, first):
            raise NotFound("No reserved numbers begin with this one.", error_id="number-not-reserved")
    structlog.get_logger().info("numbers.given_up", tenant_id=str(tenant_id), first=first)
