"""Teams: people who get rights at mailboxes together."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, PreconditionFailed
from controlplane.domain.team import Team
from controlplane.services.teams import (
    count_mailboxes,
    create_team,
    delete_team,
    get_team,
    list_teams,
    update_team,
)
from controlplane.web.api.teams import cursor_of_name, name_after
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.people_choice import finds, users_to_choose
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.user_page import version_of
from controlplane.web.portal.visits import Visit

router = page_router()
_TEAMS = f"{PREFIX}/teams"
_TEAM = _TEAMS + "/{team_id}"
_SHOWN = 50
_WRONG = (InvalidValue, Conflict, PreconditionFailed)


@router.get(_TEAMS)
async def teams_page(visit: Inside) -> Response:
    """List the teams of the tenant."""
    page = await list_teams(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        q=None,
        limit=_SHOWN,
        after=name_after(visit.request.query_params.get("after")),
    )
    following = cursor_of_name(page.items[-1].name) if page.more else None
    return visit.page("teams.html", section="teams", teams=page.items, following=following)


@router.get(f"{_TEAMS}/add")
async def add_team_page(visit: Inside) -> Response:
    """Show the form for a new team."""
    return await _page(visit, None)


@router.post(f"{_TEAMS}/add")
async def add_team(visit: Inside) -> Response:
    """Make a team."""
    if finds(visit):
        return await _page(visit, None)
    try:
        team = await create_team(
            visit.deps.db,
            tenant_id=visit.person.tenant_id,
            name=visit.form.text("name"),
            people=visit.form.all("people"),
            by=visit.person.label,
        )
    except _WRONG as error:
        return await _page(visit, None, error=error)
    return visit.go("/teams", notice="team-added", name=team.name)


@router.get(_TEAM)
async def team_page(visit: Inside, team_id: UUID) -> Response:
    """Show a team."""
    return await _page(visit, await _team(visit, team_id))


@router.post(_TEAM)
async def change_team(visit: Inside, team_id: UUID) -> Response:
    """Change the name and the people of a team, unless somebody else was first."""
    team = await _team(visit, team_id)
    if finds(visit):
        return await _page(visit, team)
    try:
        team = await update_team(
            visit.deps.db,
            tenant_id=visit.person.tenant_id,
            team_id=team_id,
            name=visit.form.text("name"),
            people=visit.form.all("people"),
            by=visit.person.label,
            expected_version=version_of(visit.form),
        )
    except _WRONG as error:
        return await _page(visit, team, error=error)
    return visit.go("/teams", notice="team-saved", name=team.name)


@router.get(_TEAM + "/delete")
async def delete_team_page(visit: Inside, team_id: UUID) -> Response:
    """Say what goes with a team, and ask."""
    team, words = await _team(visit, team_id), visit.words
    mailboxes = await count_mailboxes(visit.deps.db, team_id)
    return visit.page(
        "sure.html",
        section="teams",
        title=words("teams.deleting", name=team.name),
        text=words("teams.deleting-text"),
        lost=[words.count("teams.lost", mailboxes)] if mailboxes else [],
        button=words("teams.delete-button"),
        back=f"{visit.portal.base}/teams/{team.id}",
        back_text=team.name,
    )


@router.post(_TEAM + "/delete")
async def delete_this_team(visit: Inside, team_id: UUID) -> Response:
    """Delete a team; its people stay."""
    by = visit.person
    gone = await delete_team(visit.deps.db, tenant_id=by.tenant_id, team_id=team_id, by=by.label)
    return visit.go("/teams", notice="team-deleted", name=gone.name)


async def _team(visit: Visit, team_id: UUID) -> Team:
    return await get_team(visit.deps.db, tenant_id=visit.person.tenant_id, team_id=team_id)


async def _page(visit: Visit, team: Team | None, *, error: DomainError | None = None) -> Response:
    people: Sequence[str] = () if team is None else team.people
    name, version = ("", "") if team is None else (team.name, str(team.version))
    if error is not None or finds(visit):
        name, people = visit.form.text("name"), visit.form.all("people")
    if finds(visit):
        # What somebody else changed meanwhile is told when it is saved.
        version = visit.form.text("version")
    return visit.page(
        "team.html",
        section="teams",
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, visit.words),
        team=team,
        name=name,
        people=people,
        choice=await users_to_choose(visit, people),
        here=f"{visit.portal.base}/teams/{'add' if team is None else team.id}",
        version=version,
    )
