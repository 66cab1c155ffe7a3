"""Queries about feature codes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import FeatureCodeRow


async def of_tenant(session: AsyncSession, tenant_id: UUID) -> list[FeatureCodeRow]:
    """Return the feature codes of a tenant, those that are not enabled too, by code."""
    query = select(FeatureCodeRow).where(FeatureCodeRow.tenant_id == tenant_id).order_by(FeatureCodeRow.code)
    # What was replaced in this session is known to it as it was before.
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def replace(session: AsyncSession, tenant_id: UUID, *, feature: str, code: str, enabled: bool) -> None:
    """Give a feature this code, instead of those that it had."""
    await take_away(session, tenant_id, [feature])
    values = {"tenant_id": tenant_id, "code": code, "feature": feature, "enabled": enabled}
    await session.execute(insert(FeatureCodeRow).values(values))


async def take_away(session: AsyncSession, tenant_id: UUID, features: Sequence[str]) -> None:
    """Take the codes of these features away, so that others may have them."""
    await session.execute(
        delete(FeatureCodeRow)
        .where(FeatureCodeRow.tenant_id == tenant_id, FeatureCodeRow.feature.in_(features))
        .execution_options(synchronize_session=False)
    )
