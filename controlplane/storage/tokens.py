"""Queries about API tokens, which are stored by their SHA-256 alone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ApiTokenRow


async def insert(session: AsyncSession, row: ApiTokenRow) -> None:
    """Add a token."""
    session.add(row)
    await session.flush()


async def valid(session: AsyncSession, token_sha256: bytes, *, now: datetime) -> ApiTokenRow | None:
    """Return the token with this hash if it is neither expired nor revoked."""
    return await session.scalar(
        select(ApiTokenRow).where(
            ApiTokenRow.token_sha256 == token_sha256,
            ApiTokenRow.revoked_at.is_(None),
            or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > now),
        )
    )


async def revoke(session: AsyncSession, token_id: UUID, *, at: datetime) -> bool:
    """Revoke a token; False if there is none that is still in force."""
    revoked = await session.scalars(
        update(ApiTokenRow)
        .where(ApiTokenRow.id == token_id, ApiTokenRow.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(ApiTokenRow.id)
        .execution_options(synchronize_session=False)
    )
    return revoked.one_or_none() is not None
