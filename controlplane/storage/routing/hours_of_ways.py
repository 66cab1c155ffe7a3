"""Queries of the office hours that a call goes by: those of the nearest object that it passed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.hours import OfficeHours
from controlplane.storage.routing.published_plans import is_held
from controlplane.storage.routing.receptions import office_hours
from controlplane.storage.tables import ExtensionRow, RoutingObjectRow


async def hours_of_way(session: AsyncSession, tenant_id: UUID, passed: Sequence[str]) -> OfficeHours:
    """Return the office hours of the last number of `passed` that still has some; else the tenant's own.

    Where there are none it is always open.
    """
    name: str | None = None
    if passed:
        named = await _named(session, tenant_id, passed)
        name = next((named[number] for number in reversed(passed) if number in named), None)
    return await office_hours(session, tenant_id, name, held=await is_held(session, tenant_id))


async def _named(session: AsyncSession, tenant_id: UUID, numbers: Sequence[str]) -> dict[str, str | None]:
    """Return which office hours objects and extensions name, None for the tenant's."""
    objects = await session.execute(
        select(RoutingObjectRow.number, RoutingObjectRow.settings["office_hours"].astext).where(
            RoutingObjectRow.tenant_id == tenant_id, RoutingObjectRow.number.in_(numbers)
        )
    )
    phones = await session.execute(
        select(ExtensionRow.number, ExtensionRow.rules["office_hours"].astext).where(
            ExtensionRow.tenant_id == tenant_id, ExtensionRow.number.in_(numbers)
        )
    )
    return {number: name for number, name in [*objects, *phones] if number is not None}
