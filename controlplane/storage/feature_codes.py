"""Queries about feature codes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.feature_code import FeatureCode
from controlplane.storage.tables import FeatureCodeRow


async def of_tenant(session: AsyncSession, tenant_id: UUID) -> list[FeatureCodeRow]:
    """Return the feature codes of a tenant, those that are not enabled too, by code."""
    query = select(FeatureCodeRow).where(FeatureCodeRow.tenant_id == tenant_id).order_by(FeatureCodeRow.code)
    # What was replaced in this session is known to it as it was before.
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def replace(session: AsyncSession, tenant_id: UUID, codes: Sequence[FeatureCode]) -> None:
    """Give features these codes, instead of those that they had."""
    if not codes:
        return
    await session.execute(
        delete(FeatureCodeRow)
        .where(
            FeatureCodeRow.tenant_id == tenant_id,
            FeatureCodeRow.feature.in_([one.feature.value for one in codes]),
        )
        .execution_options(synchronize_session=False)
    )
    values = [
        {"tenant_id": tenant_id, "code": one.code, "feature": one.feature.value, "enabled": one.enabled}
        for one in codes
    ]
    await session.execute(insert(FeatureCodeRow), values)
