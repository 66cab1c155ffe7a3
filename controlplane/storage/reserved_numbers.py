"""Queries of the numbers that something else than us answers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.numbers import ReservedNumbers
from controlplane.storage.paging import Page, cut
from controlplane.storage.tables import NumberRow, ReservedNumberRow


def _values(row: ReservedNumberRow) -> ReservedNumbers:
    return ReservedNumbers(first=row.first, last=row.last, note=row.note)


async def insert(session: AsyncSession, tenant_id: UUID, reserved: ReservedNumbers) -> None:
    """Reserve numbers; the one who calls has looked for others that overlap."""
    session.add(
        ReservedNumberRow(tenant_id=tenant_id, first=reserved.first, last=reserved.last, note=reserved.note)
    )
    await session.flush()


async def remove(session: AsyncSession, tenant_id: UUID, first: str) -> bool:
    """Give numbers free again by the first of them; False if none begin so."""
    removed = await session.scalars(
        delete(ReservedNumberRow)
        .where(ReservedNumberRow.tenant_id == tenant_id, ReservedNumberRow.first == first)
        .returning(ReservedNumberRow.first)
    )
    return removed.one_or_none() is not None


async def overlapping(
    session: AsyncSession, tenant_id: UUID, *, first: str, last: str
) -> ReservedNumbers | None:
    """Return numbers that are reserved already and share one with these."""
    row = await session.scalar(
        select(ReservedNumberRow)
        .where(
            ReservedNumberRow.tenant_id == tenant_id,
            func.length(ReservedNumberRow.first) == len(first),
            ReservedNumberRow.first <= last,
            ReservedNumberRow.last >= first,
        )
        .order_by(ReservedNumberRow.first)
        .limit(1)
    )
    return None if row is None else _values(row)


async def covering(session: AsyncSession, tenant_id: UUID, number: str) -> ReservedNumbers | None:
    """Return the reservation that a number is part of."""
    return await overlapping(session, tenant_id, first=number, last=number)


async def used_within(
    session: AsyncSession, tenant_id: UUID, *, first: str, last: str, limit: int
) -> Sequence[str]:
    """Return numbers of ours between two of equal length."""
    number = NumberRow.number.collate("C")
    found = await session.scalars(
        select(NumberRow.number)
        .where(
            NumberRow.tenant_id == tenant_id,
            func.length(NumberRow.number) == len(first),
            number >= first,
            number <= last,
        )
        .order_by(number)
        .limit(limit)
    )
    return list(found)


async def page(
    session: AsyncSession, *, tenant_id: UUID, limit: int, after: str | None
) -> Page[ReservedNumbers]:
    """List what is reserved, by the first numbers."""
    query = (
        select(ReservedNumberRow)
        .where(ReservedNumberRow.tenant_id == tenant_id)
        .order_by(ReservedNumberRow.first)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(ReservedNumberRow.first > after)
    return cut([_values(row) for row in await session.scalars(query)], limit)
