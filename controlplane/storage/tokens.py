"""Queries about API tokens, which are stored by their SHA-256 alone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ApiTokenRow, UserRow


async def insert(session: AsyncSession, row: ApiTokenRow) -> None:
    """Add a token."""
    session.add(row)
    await session.flush()


async def valid(
    session: AsyncSession, token_sha256: bytes, *, now: datetime
) -> tuple[ApiTokenRow, UserRow | None] | None:
    """Return the token with this hash, and its user, if it is neither expired nor revoked.

    That of a user who is disabled is not in force.
    """
    found = await session.execute(
        select(ApiTokenRow, UserRow)
        .outerjoin(UserRow, UserRow.id == ApiTokenRow.user_id)
        .where(
            ApiTokenRow.token_sha256 == token_sha256,
            ApiTokenRow.revoked_at.is_(None),
            or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > now),
            or_(ApiTokenRow.user_id.is_(None), UserRow.enabled.is_(True)),
        )
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def count_of_user(session: AsyncSession, user_id: UUID) -> int:
    """Count the tokens of a user that were not revoked."""
    counted = await session.scalar(
        select(func.count())
        .select_from(ApiTokenRow)
        .where(ApiTokenRow.user_id == user_id, ApiTokenRow.revoked_at.is_(None))
    )
    return counted or 0


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
