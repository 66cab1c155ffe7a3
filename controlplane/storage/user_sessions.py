"""Queries about browsers that are signed in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage.tables import TenantRow, UserRow, UserSessionRow


async def insert(session: AsyncSession, row: UserSessionRow) -> None:
    """Add a session."""
    session.add(row)
    await session.flush()


async def valid(
    session: AsyncSession, token_sha256: bytes, *, seen_after: datetime, created_after: datetime
) -> tuple[UserSessionRow, UserRow, TenantRow] | None:
    """Return the session with this hash, its user if enabled, and the tenant that it works on."""
    default = select(TenantRow.id).where(TenantRow.name == DEFAULT_TENANT).scalar_subquery()
    wanted = func.coalesce(UserRow.tenant_id, UserSessionRow.tenant_id, default)
    found = await session.execute(
        select(UserSessionRow, UserRow, TenantRow)
        .join(UserRow, UserRow.id == UserSessionRow.user_id)
        .join(TenantRow, TenantRow.id == wanted)
        .where(
            UserSessionRow.token_sha256 == token_sha256,
            UserSessionRow.last_seen_at > seen_after,
            UserSessionRow.created_at > created_after,
            UserRow.enabled.is_(True),
        )
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def seen(session: AsyncSession, session_id: UUID, *, at: datetime) -> None:
    """Note that a session was used."""
    await session.execute(
        update(UserSessionRow)
        .where(UserSessionRow.id == session_id)
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )


async def choose_tenant(session: AsyncSession, session_id: UUID, tenant_id: UUID) -> None:
    """Note the tenant that a session works on from now on."""
    await session.execute(
        update(UserSessionRow)
        .where(UserSessionRow.id == session_id)
        .values(tenant_id=tenant_id)
        .execution_options(synchronize_session=False)
    )


async def remove(session: AsyncSession, token_sha256: bytes) -> None:
    """End a session; does nothing if there is none."""
    await session.execute(
        delete(UserSessionRow)
        .where(UserSessionRow.token_sha256 == token_sha256)
        .execution_options(synchronize_session=False)
    )


async def remove_of_user(session: AsyncSession, user_id: UUID, *, but: UUID | None = None) -> int:
    """End all sessions of a user but one; return how many."""
    query = delete(UserSessionRow).where(UserSessionRow.user_id == user_id)
    if but is not None:
        query = query.where(UserSessionRow.id != but)
    ended = await session.execute(
        query.returning(UserSessionRow.id).execution_options(synchronize_session=False)
    )
    return len(ended.all())


async def count_of_user(
    session: AsyncSession, user_id: UUID, *, seen_after: datetime, created_after: datetime
) -> int:
    """Count the sessions of a user that are in force."""
    counted = await session.scalar(
        select(func.count())
        .select_from(UserSessionRow)
        .where(
            UserSessionRow.user_id == user_id,
            UserSessionRow.last_seen_at > seen_after,
            UserSessionRow.created_at > created_after,
        )
    )
    return counted or 0


async def purge(session: AsyncSession, *, seen_before: datetime, created_before: datetime) -> None:
    """Remove what is too old to be in force."""
    await session.execute(
        delete(UserSessionRow)
        .where(or_(UserSessionRow.last_seen_at <= seen_before, UserSessionRow.created_at <= created_before))
        .execution_options(synchronize_session=False)
    )
