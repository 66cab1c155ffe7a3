"""Queries about numbers: who owns one, and taking and freeing one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.clashes import Dialled
from controlplane.domain.numbers import Number, NumberKind
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import (
    ExtensionRow,
    FeatureCodeRow,
    MailboxRow,
    NumberRow,
    RoutingObjectRow,
    TenantRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOwner:
    """A number and the object that has it."""

    number: Number
    kind: NumberKind
    object_id: UUID
    display_name: str


def _owners(tenant_id: UUID) -> Select[str, str, UUID, str]:
    name = func.coalesce(MailboxRow.display_name, ExtensionRow.display_name, RoutingObjectRow.name, "").label(
        "display_name"
    )
    return (
        select(NumberRow.number, NumberRow.kind, NumberRow.object_id, name)
        .outerjoin(MailboxRow, MailboxRow.id == NumberRow.object_id)
        .outerjoin(ExtensionRow, ExtensionRow.id == NumberRow.object_id)
        .outerjoin(RoutingObjectRow, RoutingObjectRow.id == NumberRow.object_id)
        .where(NumberRow.tenant_id == tenant_id)
    )


def _owner(number: str, kind: str, object_id: UUID, display_name: str) -> NumberOwner:
    return NumberOwner(
        number=Number(number), kind=NumberKind(kind), object_id=object_id, display_name=display_name
    )


async def take(
    session: AsyncSession, *, tenant_id: UUID, number: str, kind: NumberKind, object_id: UUID
) -> bool:
    """Give a free number to an object; False if it is in use.

    Waits for a transaction that takes the same number at the same time, and loses to it.
    """
    taken = await session.scalars(
        insert(NumberRow)
        .values(tenant_id=tenant_id, number=number, kind=kind.value, object_id=object_id)
        .on_conflict_do_nothing(constraint="pk_numbers")
        .returning(NumberRow.object_id)
    )
    return taken.one_or_none() is not None


async def free(session: AsyncSession, object_id: UUID) -> None:
    """Take the number away from an object."""
    await session.execute(delete(NumberRow).where(NumberRow.object_id == object_id))


async def lock(session: AsyncSession, tenant_id: UUID, number: str) -> None:
    """Let nobody point at a number until the transaction ends."""
    await session.execute(
        select(NumberRow.number)
        .where(NumberRow.tenant_id == tenant_id, NumberRow.number == number)
        .with_for_update()
    )


async def owner(session: AsyncSession, tenant_id: UUID, number: str) -> NumberOwner | None:
    """Return who owns a number now."""
    row = (await session.execute(_owners(tenant_id).where(NumberRow.number == number))).one_or_none()
    return None if row is None else _owner(*row)


async def owners(session: AsyncSession, tenant_id: UUID, wanted: Collection[str]) -> dict[str, NumberOwner]:
    """Return who owns those of the numbers that somebody has now."""
    rows = await session.execute(_owners(tenant_id).where(NumberRow.number.in_(wanted)))
    return {row.number: _owner(*row) for row in rows}


async def has_more_than(session: AsyncSession, tenant_id: UUID, most: int) -> bool:
    """Say whether a tenant has more numbers than so many."""
    beyond = select(NumberRow.number).where(NumberRow.tenant_id == tenant_id).offset(most).limit(1)
    return await session.scalar(beyond) is not None


async def names(session: AsyncSession, tenant_id: UUID, wanted: Collection[str]) -> dict[str, str]:
    """Return the display names of those of the numbers that somebody has now."""
    if not wanted:
        return {}
    rows = await session.execute(_owners(tenant_id).where(NumberRow.number.in_(wanted)))
    return {number: name for number, _, _, name in rows}


async def kinds(session: AsyncSession, tenant_id: UUID, wanted: Collection[str]) -> dict[str, NumberKind]:
    """Return what those of the numbers belong to that somebody has now."""
    rows = await session.execute(
        select(NumberRow.number, NumberRow.kind).where(
            NumberRow.tenant_id == tenant_id, NumberRow.number.in_(wanted)
        )
    )
    return {number: NumberKind(kind) for number, kind in rows}


async def everything_dialled(session: AsyncSession) -> list[Dialled]:
    """Return the numbers and enabled feature codes of all tenants."""
    owned = select(TenantRow.id, TenantRow.name, NumberRow.number).join(
        NumberRow, NumberRow.tenant_id == TenantRow.id
    )
    codes = (
        select(TenantRow.id, TenantRow.name, FeatureCodeRow.code)
        .join(FeatureCodeRow, FeatureCodeRow.tenant_id == TenantRow.id)
        .where(FeatureCodeRow.enabled)
    )
    rows = [*await session.execute(owned), *await session.execute(codes)]
    return [Dialled(tenant_id=tenant_id, tenant=tenant, text=text) for tenant_id, tenant, text in rows]


async def page(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    q: str | None,
    limit: int,
    after: str | None,
    kind: NumberKind | None = None,
) -> Page[NumberOwner]:
    """List owned numbers in the order of their digits; `q` is part of the number or of the name."""
    key = NumberRow.number.collate("C")
    query = _owners(tenant_id).order_by(key).limit(limit + 1)
    if kind is not None:
        query = query.where(NumberRow.kind == kind.value)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(
            or_(
                contains(NumberRow.number, q),
                contains(MailboxRow.display_name, q),
                contains(ExtensionRow.display_name, q),
                contains(RoutingObjectRow.name, q),
            )
        )
    return cut([_owner(*row) for row in await session.execute(query)], limit)
