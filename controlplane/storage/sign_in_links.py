"""Queries about links that let in once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import SignInLinkRow, UserRow


async def insert(session: AsyncSession, row: SignInLinkRow) -> None:
    """Add a link."""
    session.add(row)
    await session.flush()


async def valid(
    session: AsyncSession, token_sha256: bytes, *, now: datetime
) -> tuple[SignInLinkRow, UserRow | None] | None:
    """Return the link with this hash if it may still be used, and the user whom it lets in."""
    found = await session.execute(
        select(SignInLinkRow, UserRow)
        .outerjoin(UserRow, UserRow.id == SignInLinkRow.user_id)
        .where(
            SignInLinkRow.token_sha256 == token_sha256,
            SignInLinkRow.expires_at > now,
            or_(SignInLinkRow.user_id.is_(None), UserRow.enabled.is_(True)),
        )
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def take(session: AsyncSession, link_id: UUID) -> bool:
    """Use a link up; False if somebody else did."""
    taken = await session.scalars(
        delete(SignInLinkRow)
        .where(SignInLinkRow.id == link_id)
        .returning(SignInLinkRow.id)
        .execution_options(synchronize_session=False)
    )
    return taken.one_or_none() is not None


async def remove_of_user(session: AsyncSession, user_id: UUID) -> None:
    """Make all links of a user useless."""
    await session.execute(
        delete(SignInLinkRow)
        .where(SignInLinkRow.user_id == user_id)
        .execution_options(synchronize_session=False)
    )


async def remove_of_purposes(session: AsyncSession, purposes: list[str]) -> None:
    """Make all links of some purposes useless."""
    await session.execute(
        delete(SignInLinkRow)
        .where(SignInLinkRow.purpose.in_(purposes))
        .execution_options(synchronize_session=False)
    )


async def purge(session: AsyncSession, *, now: datetime) -> None:
    """Remove links that have expired."""
    await session.execute(
        delete(SignInLinkRow)
        .where(SignInLinkRow.expires_at <= now)
        .execution_options(synchronize_session=False)
    )
