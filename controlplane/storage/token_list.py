"""Queries for the lists of API tokens that are in force."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ApiTokenRow, TenantRow


async def in_force(
    session: AsyncSession, *, now: datetime, name: str | None = None, tenant_id: UUID | None = None
) -> list[tuple[ApiTokenRow, str | None]]:
    """List tokens that are neither expired nor revoked with their tenants' names, oldest first.

    `name` limits them to those of this name, `tenant_id` to those of a tenant.
    """
    query = (
        select(ApiTokenRow, TenantRow.name)
        .outerjoin(TenantRow, TenantRow.id == ApiTokenRow.tenant_id)
        .where(
            ApiTokenRow.revoked_at.is_(None),
            or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > now),
        )
        .order_by(ApiTokenRow.created_at, ApiTokenRow.id)
    )
    if name is not None:
        query = query.where(ApiTokenRow.name == name)
    if tenant_id is not None:
        query = query.where(ApiTokenRow.tenant_id == tenant_id)
    return [(token, tenant) for token, tenant in await session.execute(query)]
