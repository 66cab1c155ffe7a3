"""Queries about users of the portal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.user import Role, User
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import ExtensionRow, UserRow


def user_values(row: UserRow, extension: str | None = None) -> User:
    """Return the domain's user; `extension` is the number of theirs (`extension_numbers`)."""
    return User(
        id=row.id,
        user_name=row.user_name,
        display_name=row.display_name,
        role=Role(row.role),
        tenant_id=row.tenant_id,
        language=row.language,
        played_is_read=row.played_is_read,
        enabled=row.enabled,
        has_password=row.password_hash is not None,
        version=row.version,
        created_at=row.created_at,
        last_signed_in_at=row.last_signed_in_at,
        extension=extension,
        pin_spared=row.pin_spared,
    )


async def with_extensions(session: AsyncSession, rows: Sequence[UserRow]) -> list[User]:
    """Return the domain's users, with the numbers of their extensions."""
    ids = {row.extension_id for row in rows} - {None}
    numbers: dict[UUID, str] = {}
    if ids:
        found = await session.execute(
            select(ExtensionRow.id, ExtensionRow.number).where(ExtensionRow.id.in_(ids))
        )
        numbers = {row[0]: row[1] for row in found}
    return [
        user_values(row, None if row.extension_id is None else numbers.get(row.extension_id)) for row in rows
    ]


async def insert(session: AsyncSession, row: UserRow) -> None:
    """Add a user; raises IntegrityError at once."""
    session.add(row)
    await session.flush()
    await session.refresh(row)


async def by_name(session: AsyncSession, user_name: str) -> UserRow | None:
    """Return the user of this name."""
    return await session.scalar(select(UserRow).where(UserRow.user_name == user_name))


async def get(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> UserRow | None:
    """Return a user by id; with `lock` nobody else changes it until the commit."""
    query = select(UserRow).where(UserRow.id == user_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def listed(session: AsyncSession, *, tenant_id: UUID | None) -> list[UserRow]:
    """List users by name: those of a tenant, or everybody."""
    query = select(UserRow).order_by(UserRow.user_name)
    if tenant_id is not None:
        query = query.where(UserRow.tenant_id == tenant_id)
    return list(await session.scalars(query))


async def page(
    session: AsyncSession, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[UserRow]:
    """List the users of a tenant by name, after one of them; `q` is a part of either name."""
    key = UserRow.user_name.collate("C")
    query = select(UserRow).where(UserRow.tenant_id == tenant_id).order_by(key).limit(limit + 1)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(or_(contains(UserRow.user_name, q), contains(UserRow.display_name, q)))
    return cut(list(await session.scalars(query)), limit)


async def of_tenant(
    session: AsyncSession, tenant_id: UUID, user_names: Collection[str]
) -> dict[str, UserRow]:
    """Return those of these users that are of a tenant, by name."""
    if not user_names:
        return {}
    query = select(UserRow).where(UserRow.tenant_id == tenant_id, UserRow.user_name.in_(user_names))
    return {row.user_name: row for row in await session.scalars(query)}


async def remove(session: AsyncSession, user_id: UUID) -> None:
    """Remove a user; sessions, links, tokens, rights and the places in teams go with them."""
    await session.execute(
        delete(UserRow).where(UserRow.id == user_id).execution_options(synchronize_session=False)
    )


async def update_values(session: AsyncSession, user_id: UUID, values: Mapping[str, Any]) -> UserRow:
    """Set columns by name, count the version up, and return the row as it is then."""
    return (
        await session.scalars(
            update(UserRow)
            .where(UserRow.id == user_id)
            .values(**values, version=UserRow.version + 1, updated_at=func.clock_timestamp())
            .returning(UserRow)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
    ).one()


async def note_sign_in(session: AsyncSession, user_id: UUID, *, at: datetime) -> None:
    """Note when a user signed in; no change of what others edit."""
    await session.execute(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(last_signed_in_at=at)
        .execution_options(synchronize_session=False)
    )


async def replace_password_hash(session: AsyncSession, user_id: UUID, *, old: str, new: str) -> None:
    """Store the same password in a newer way, unless it was changed meanwhile."""
    await session.execute(
        update(UserRow)
        .where(UserRow.id == user_id, UserRow.password_hash == old)
        .values(password_hash=new)
        .execution_options(synchronize_session=False)
    )


async def oldest_system_admin(session: AsyncSession) -> UserRow | None:
    """Return the first system admin that may sign in."""
    return await session.scalar(
        select(UserRow).where(*_system_admins()).order_by(UserRow.created_at, UserRow.id).limit(1)
    )


async def lock_system_admins(session: AsyncSession) -> int:
    """Count the system admins that may sign in; nobody else changes them until the commit."""
    found = await session.scalars(select(UserRow.id).where(*_system_admins()).with_for_update())
    return len(found.all())


def _system_admins() -> tuple[ColumnElement[bool], ...]:
    return (UserRow.role == Role.SYSTEM_ADMIN.value, UserRow.enabled.is_(True))
