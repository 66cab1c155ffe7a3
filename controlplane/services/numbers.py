"""Who owns which number of a tenant, and giving a number to a new object."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.numbers import NumberKind
from controlplane.storage import numbers, reserved_numbers
from controlplane.storage.database import Database
from controlplane.storage.numbers import NumberOwner
from controlplane.storage.paging import Page

__all__ = ["NumberOwner", "Page", "check_free", "get_owner", "list_numbers", "owners_of", "take_number"]


async def get_owner(db: Database, *, tenant_id: UUID, number: str) -> NumberOwner:
    """Return who owns a number; raises NotFound `number-free`."""
    async with db.transaction() as session:
        owner = await numbers.owner(session, tenant_id, number)
    if owner is None:
        raise NotFound("Nothing has this number.", error_id="number-free")
    return owner


async def owners_of(db: Database, *, tenant_id: UUID, wanted: Collection[str]) -> dict[str, NumberOwner]:
    """Return who owns those of the numbers that somebody has."""
    if not wanted:
        return {}
    async with db.transaction() as session:
        return await numbers.owners(session, tenant_id, wanted)


async def list_numbers(
    db: Database,
    *,
    tenant_id: UUID,
    q: str | None,
    limit: int,
    after: str | None,
    kind: NumberKind | None = None,
) -> Page[NumberOwner]:
    """List the numbers in use, of all kinds or of one, in the order of their digits, after a number."""
    async with db.transaction() as session:
        return await numbers.page(session, tenant_id=tenant_id, q=q, limit=limit, after=after, kind=kind)


async def check_free(db: Database, *, tenant_id: UUID, number: str) -> None:
    """See that a new object could have a number now; raises Conflict as `take_number` does."""
    async with db.transaction() as session:
        owner = await numbers.owner(session, tenant_id, number)
        if owner is not None:
            raise _taken(owner)
        await _check_not_reserved(session, tenant_id, number)


async def take_number(
    session: AsyncSession, *, tenant_id: UUID, number: str, kind: NumberKind, object_id: UUID
) -> None:
    """Give a number to an object, as a part of the transaction that makes it.

    Raises Conflict `number-taken`, whose details say by what, or `number-reserved`; of two at once, one
    gets it.
    """
    while not await numbers.take(session, tenant_id=tenant_id, number=number, kind=kind, object_id=object_id):
        owner = await numbers.owner(session, tenant_id, number)
        if owner is not None:  # Otherwise it was freed between the two statements.
            raise _taken(owner)
    await _check_not_reserved(session, tenant_id, number)


def _taken(owner: NumberOwner) -> Conflict:
    return Conflict(
        f"The number {owner.number} belongs to the {owner.kind.value} “{owner.display_name}”.",
        error_id="number-taken",
        field="number",
        details={"kind": owner.kind.value, "display_name": owner.display_name},
    )


async def _check_not_reserved(session: AsyncSession, tenant_id: UUID, number: str) -> None:
    reserved = await reserved_numbers.covering(session, tenant_id, number)
    if reserved is None:
        return
    raise Conflict(
        f"The number {number} is reserved{f' ({reserved.note})' if reserved.note else ''}: "
        "something else answers it. Choose another `number`, or give up the reservation with "
        f"DELETE /numbers/reserved/{reserved.first}.",
        error_id="number-reserved",
        field="number",
        details={"first": reserved.first, "last": reserved.last, "note": reserved.note},
    )
