"""Queries for the lists of API tokens that are in force."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ApiTokenRow, TenantRow, UserRow


async def in_force(
    session: AsyncSession,
    *,
    now: datetime,
    name: str | None = None,
    tenant_id: UUID | None = None,
    user_id: UUID | None = None,
) -> list[tuple[ApiTokenRow, str | None, str | None]]:
    """List tokens that are neither expired nor revoked with the names of tenant and user, oldest first.

    `name` limits them to those of this name, `tenant_id` to those of a tenant, `user_id` to those of a
    user. Those of users who are disabled are left out.
    """
    query = (
        select(ApiTokenRow, TenantRow.name, UserRow.user_name)
        .outerjoin(TenantRow, TenantRow.id == ApiTokenRow.tenant_id)
        .outerjoin(UserRow, UserRow.id == ApiTokenRow.user_id)
        .where(
            ApiTokenRow.revoked_at.is_(None),
            or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > now),
            or_(ApiTokenRow.user_id.is_(None), UserRow.enabled.is_(True)),
        )
        .order_by(ApiTokenRow.created_at, ApiTokenRow.id)
    )
    if name is not None:
        query = query.where(ApiTokenRow.name == name)
    if tenant_id is not None:
        query = query.where(ApiTokenRow.tenant_id == tenant_id)
    if user_id is not None:
        query = query.where(ApiTokenRow.user_id == user_id)
    return [(token, tenant, user) for token, tenant, user in await session.execute(query)]
