"""Queries about teams and the people in them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.team import Team
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import MailboxMemberRow, TeamPersonRow, TeamRow, UserRow


async def page(
    session: AsyncSession, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[Team]:
    """List the teams of a tenant by name, after one of them; `q` is a part of the name."""
    key = TeamRow.name.collate("C")
    query = select(TeamRow).where(TeamRow.tenant_id == tenant_id).order_by(key).limit(limit + 1)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(contains(TeamRow.name, q))
    rows = list(await session.scalars(query))
    people = await _people(session, [row.id for row in rows])
    return cut([_values(row, people.get(row.id, ())) for row in rows], limit)


async def get(session: AsyncSession, tenant_id: UUID, team_id: UUID, *, lock: bool = False) -> Team | None:
    """Return a team of a tenant; with `lock` nobody else changes it until the commit."""
    query = (
        select(TeamRow)
        .where(TeamRow.id == team_id, TeamRow.tenant_id == tenant_id)
        .execution_options(populate_existing=True)
    )
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        return None
    return _values(row, (await _people(session, [team_id])).get(team_id, ()))


async def insert(session: AsyncSession, row: TeamRow) -> None:
    """Add a team; raises IntegrityError at once."""
    session.add(row)
    await session.flush()


async def change(session: AsyncSession, team_id: UUID, *, name: str) -> None:
    """Name a team so, and count the version up; raises IntegrityError at once."""
    await session.execute(
        update(TeamRow)
        .where(TeamRow.id == team_id)
        .values(name=name, version=TeamRow.version + 1, updated_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def set_people(session: AsyncSession, team_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Have these people in a team, and nobody else.

    Who stays is not written anew: the audit log tells who came and who went.
    """
    await session.execute(
        delete(TeamPersonRow)
        .where(TeamPersonRow.team_id == team_id, TeamPersonRow.user_id.not_in(user_ids))
        .execution_options(synchronize_session=False)
    )
    if user_ids:
        await session.execute(
            insert_into(TeamPersonRow).on_conflict_do_nothing(),
            [{"team_id": team_id, "user_id": user_id} for user_id in user_ids],
        )


async def remove(session: AsyncSession, team_id: UUID) -> None:
    """Remove a team; its rights go with it."""
    await session.execute(
        delete(TeamRow).where(TeamRow.id == team_id).execution_options(synchronize_session=False)
    )


async def count_mailboxes(session: AsyncSession, team_id: UUID) -> int:
    """Count the mailboxes at which a team has rights."""
    counted = await session.scalar(
        select(func.count()).select_from(MailboxMemberRow).where(MailboxMemberRow.team_id == team_id)
    )
    return counted or 0


async def _people(session: AsyncSession, team_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    found: dict[UUID, list[str]] = {}
    if team_ids:
        query = (
            select(TeamPersonRow.team_id, UserRow.user_name)
            .join(UserRow, UserRow.id == TeamPersonRow.user_id)
            .where(TeamPersonRow.team_id.in_(team_ids))
            .order_by(UserRow.user_name)
        )
        for team_id, user_name in await session.execute(query):
            found.setdefault(team_id, []).append(user_name)
    return {team_id: tuple(names) for team_id, names in found.items()}


def _values(row: TeamRow, people: tuple[str, ...]) -> Team:
    return Team(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        people=people,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
