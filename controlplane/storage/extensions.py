"""Queries about extensions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.extension import Extension
from controlplane.domain.numbers import Number
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import ExtensionRow


def extension_values(row: ExtensionRow) -> Extension:
    """Return the domain's extension."""
    return Extension(
        id=row.id,
        tenant_id=row.tenant_id,
        number=Number(row.number),
        display_name=row.display_name,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def insert(session: AsyncSession, row: ExtensionRow) -> None:
    """Add an extension and fill what the database gives (version, times)."""
    session.add(row)
    await session.flush()
    await session.refresh(row)


async def by_number(
    session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False
) -> ExtensionRow | None:
    """Return the extension with this number; with `lock` nobody else changes it until the commit."""
    query = select(ExtensionRow).where(ExtensionRow.tenant_id == tenant_id, ExtensionRow.number == number)
    return await session.scalar(query.with_for_update() if lock else query)


async def get(session: AsyncSession, extension_id: UUID) -> ExtensionRow | None:
    """Return an extension by its id."""
    return await session.get(ExtensionRow, extension_id)


async def by_numbers(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str], *, lock: bool = False
) -> dict[str, ExtensionRow]:
    """Return those of the numbers that are extensions; with `lock` nobody else changes them until the commit.

    They are locked in the order of their numbers: of two who lock several, one waits for the other, and
    never both.
    """
    if not numbers:
        return {}
    query = (
        select(ExtensionRow)
        .where(ExtensionRow.tenant_id == tenant_id, ExtensionRow.number.in_(numbers))
        .order_by(ExtensionRow.number)
        .execution_options(populate_existing=True)
    )
    return {row.number: row for row in await session.scalars(query.with_for_update() if lock else query)}


async def page(
    session: AsyncSession, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[Extension]:
    """List extensions in the order of their digits; `q` is part of the number or of the name."""
    key = ExtensionRow.number.collate("C")
    query = select(ExtensionRow).where(ExtensionRow.tenant_id == tenant_id).order_by(key).limit(limit + 1)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(or_(contains(ExtensionRow.number, q), contains(ExtensionRow.display_name, q)))
    return cut([extension_values(row) for row in await session.scalars(query)], limit)


async def update_values(session: AsyncSession, extension_id: UUID, values: Mapping[str, Any]) -> ExtensionRow:
    """Set columns by name, count the version up, and return the row as it is then."""
    return (
        await session.scalars(
            update(ExtensionRow)
            .where(ExtensionRow.id == extension_id)
            .values(**values, version=ExtensionRow.version + 1, updated_at=func.clock_timestamp())
            .returning(ExtensionRow)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
    ).one()


async def remove(session: AsyncSession, extension_id: UUID) -> None:
    """Remove an extension; its number is freed by the one who calls."""
    await session.execute(
        delete(ExtensionRow)
        .where(ExtensionRow.id == extension_id)
        .execution_options(synchronize_session=False)
    )
