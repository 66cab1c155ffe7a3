"""Queries of what a call meets at a virtual receptionist."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.hours import ALWAYS_OPEN, OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind, RoutingObject
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.routing.objects import object_values
from controlplane.storage.tables import ExtensionRow, RoutingObjectRow, TenantRow


async def receptionist(session: AsyncSession, object_id: UUID) -> tuple[RoutingObject, str] | None:
    """Return a virtual receptionist and its tenant's language."""
    row = (
        await session.execute(
            select(RoutingObjectRow, TenantRow.language)
            .join(TenantRow, TenantRow.id == RoutingObjectRow.tenant_id)
            .where(
                RoutingObjectRow.id == object_id,
                RoutingObjectRow.kind == RoutingKind.VIRTUAL_RECEPTIONIST.value,
            )
        )
    ).one_or_none()
    return None if row is None else (object_values(row[0]), row[1])


async def office_hours(session: AsyncSession, tenant_id: UUID, name: str | None) -> OfficeHours:
    """Return the office hours of this name, for None the tenant's; where there are none it is always open."""
    settings = await session.scalar(
        select(RoutingObjectRow.settings).where(
            RoutingObjectRow.tenant_id == tenant_id,
            RoutingObjectRow.kind == RoutingKind.OFFICE_HOURS.value,
            RoutingObjectRow.name == (name or TENANT_HOURS),
        )
    )
    if settings is None:
        return ALWAYS_OPEN
    return cast("OfficeHours", settings_from(RoutingKind.OFFICE_HOURS, settings))


async def owned_mailboxes(
    session: AsyncSession, tenant_id: UUID, extensions: Collection[str]
) -> dict[str, str]:
    """Return the numbers of the mailboxes that these extensions own, by the extension's."""
    if not extensions:
        return {}
    mailbox = ExtensionRow.rules["mailbox"].astext
    rows = await session.execute(
        select(ExtensionRow.number, mailbox).where(
            ExtensionRow.tenant_id == tenant_id, ExtensionRow.number.in_(extensions), mailbox.is_not(None)
        )
    )
    return dict(rows.all())


async def extensions_from(session: AsyncSession, tenant_id: UUID, digits: str) -> list[str]:
    """Return the first two of the extensions whose numbers begin with these digits, the shortest first."""
    # Digits come before letters in every collation, so that the index of the numbers serves.
    found = await session.scalars(
        select(ExtensionRow.number)
        .where(
            ExtensionRow.tenant_id == tenant_id,
            ExtensionRow.number >= digits,
            ExtensionRow.number < f"{digits}a",
        )
        .order_by(ExtensionRow.number)
        .limit(2)
    )
    return list(found)
