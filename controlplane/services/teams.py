"""Teams: people of a tenant who get rights at mailboxes together."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.team import Team
from controlplane.domain.text import parse_display_name
from controlplane.storage import teams, users
from controlplane.storage.audit import name_author
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.tables import TeamRow

MAX_PEOPLE = 500


async def create_team(db: Database, *, tenant_id: UUID, name: str, people: Sequence[str], by: str) -> Team:
    """Make a team of users of the tenant; raises InvalidValue, Conflict `team-name-taken`."""
    checked = parse_display_name(name, field="name")
    row = TeamRow(id=uuid4(), tenant_id=tenant_id, name=checked)
    try:
        async with db.transaction() as session:
            await name_author(session, by)
            await teams.insert(session, row)
            await teams.set_people(session, row.id, await _people(session, tenant_id, people))
            made = await _find(session, tenant_id, row.id)
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("team.created", tenant_id=str(tenant_id), team=str(row.id), by=by)
    return made


async def list_teams(
    db: Database, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[Team]:
    """List teams by name, after one of them."""
    async with db.transaction() as session:
        return await teams.page(session, tenant_id=tenant_id, q=q, limit=limit, after=after)


async def get_team(db: Database, *, tenant_id: UUID, team_id: UUID) -> Team:
    """Return a team; raises NotFound."""
    async with db.transaction() as session:
        return await _find(session, tenant_id, team_id)


async def count_mailboxes(db: Database, team_id: UUID) -> int:
    """Count the mailboxes at which a team has rights."""
    async with db.transaction() as session:
        return await teams.count_mailboxes(session, team_id)


async def update_team(
    db: Database,
    *,
    tenant_id: UUID,
    team_id: UUID,
    name: str | None = None,
    people: Sequence[str] | None = None,
    by: str,
    expected_version: int | None = None,
) -> Team:
    """Change the name or the people of a team; None stays.

    Raises NotFound, PreconditionFailed, InvalidValue, Conflict `team-name-taken`.
    """
    checked = None if name is None else parse_display_name(name, field="name")
    try:
        async with db.transaction() as session:
            await name_author(session, by)
            before = await _find(session, tenant_id, team_id, lock=True)
            _check_version(before, expected_version)
            wanted = before.people if people is None else tuple(sorted({one.lower() for one in people}))
            if (checked or before.name, wanted) != (before.name, before.people):
                await teams.change(session, team_id, name=checked or before.name)
            if people is not None:
                await teams.set_people(session, team_id, await _people(session, tenant_id, people))
            after = await _find(session, tenant_id, team_id)
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("team.changed", tenant_id=str(tenant_id), team=str(team_id), by=by)
    return after


async def delete_team(
    db: Database, *, tenant_id: UUID, team_id: UUID, by: str, expected_version: int | None = None
) -> Team:
    """Remove a team, and with it the rights that it gave; return what it was.

    Raises NotFound, PreconditionFailed.
    """
    async with db.transaction() as session:
        await name_author(session, by)
        before = await _find(session, tenant_id, team_id, lock=True)
        _check_version(before, expected_version)
        await teams.remove(session, team_id)
    structlog.get_logger().info("team.deleted", tenant_id=str(tenant_id), team=str(team_id), by=by)
    return before


async def _find(session: AsyncSession, tenant_id: UUID, team_id: UUID, *, lock: bool = False) -> Team:
    found = await teams.get(session, tenant_id, team_id, lock=lock)
    if found is None:
        raise NotFound("There is no such team.", error_id="no-such-team")
    return found


async def _people(session: AsyncSession, tenant_id: UUID, names: Sequence[str]) -> list[UUID]:
    """Return the ids of users; raises InvalidValue naming the first who is not of the tenant."""
    wanted = list(dict.fromkeys(name.strip().lower() for name in names))
    if len(wanted) > MAX_PEOPLE:
        raise InvalidValue(f"At most {MAX_PEOPLE} people are in a team.", error_id="too-many", field="people")
    found = await users.of_tenant(session, tenant_id, wanted)
    for at, name in enumerate(wanted):
        if name not in found:
            raise InvalidValue(
                "There is no user with this name in this tenant.",
                error_id="no-such-person",
                field=f"people[{at}]",
            )
    return [found[name].id for name in wanted]


def _check_version(team: Team, expected: int | None) -> None:
    if expected is not None and team.version != expected:
        raise PreconditionFailed("The team was changed by somebody else since it was read.")


def _clash(error: IntegrityError) -> Exception:
    if constraint_of(error) != "uq_teams_tenant_id_name":
        return error
    return Conflict("A team has this name.", error_id="team-name-taken", field="name")
