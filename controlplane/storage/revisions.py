"""What people are told of the published configuration: its revisions, and what is queued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ConfigurationRevisionRow

# procrastinate's own table; its states are those of its version 3.
_QUEUED = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    " AND (task_name = 'configuration.publish'"
    " OR (task_name = 'configuration.routes' AND args->>'tenant_id' = :tenant_id)))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRevision:
    """How the publishing of a revision went; `digest` is empty if it could not be rendered."""

    digest: str
    state: str
    error: str | None
    created_at: datetime
    live_at: datetime | None


async def newest(session: AsyncSession, *, limit: int) -> list[ListedRevision]:
    """Return the newest revisions, newest first."""
    rows = await session.scalars(
        select(ConfigurationRevisionRow).order_by(ConfigurationRevisionRow.id.desc()).limit(limit)
    )
    return [
        ListedRevision(
            digest=row.digest,
            state=row.state,
            error=row.error,
            created_at=row.created_at,
            live_at=row.live_at,
        )
        for row in rows
    ]


async def is_queued(session: AsyncSession, tenant_id: UUID) -> bool:
    """Say whether a job that publishes a change of this tenant has not ended yet."""
    return bool(await session.scalar(_QUEUED, {"tenant_id": str(tenant_id)}))
