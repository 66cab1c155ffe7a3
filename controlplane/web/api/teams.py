"""`/teams`: people who get rights at mailboxes together."""

from __future__ import annotations

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from controlplane.domain.team import Team
from controlplane.services import teams
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_members import TeamIn, TeamOut, TeamPage, TeamPatch
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, invalid_cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/teams", tags=["teams"])

TeamId = Annotated[
    UUID, Path(description="The id of the team.", examples=["2f6b8a1d-9c30-4d6a-a0b1-7e5d0c6f3b44"])
]


@router.post("", status_code=201, response_model=TeamOut, responses={**with_etag(201), **body_problems()})
async def create_team(
    request: Request, body: TeamIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Make a team."""

    async def work() -> Done:
        team = await teams.create_team(
            deps.db, tenant_id=asking.tenant_id, name=body.name, people=body.people, by=asking.label
        )
        return Done(response=_answer(request, team, status=201, location=f"{API}/teams/{team.id}"))

    return await repeating.once(work)


@router.get("", response_model=TeamPage, responses=problems())
async def list_teams(deps: Deps, asking: Asking, paging: Annotated[Paging, Query()]) -> TeamPage:
    """List teams by name."""
    page = await teams.list_teams(
        deps.db,
        tenant_id=asking.tenant_id,
        q=paging.q,
        limit=paging.limit,
        after=name_after(paging.after),
    )
    return TeamPage(
        items=[TeamOut.of(team) for team in page.items],
        next=cursor_of_name(page.items[-1].name) if page.more else None,
    )


@router.get("/{team_id}", response_model=TeamOut, responses={**with_etag(), **not_modified(), **problems()})
async def get_team(
    request: Request, team_id: TeamId, deps: Deps, asking: Asking, _: IfNoneMatch = None
) -> Response:
    """Read a team."""
    return _answer(request, await teams.get_team(deps.db, tenant_id=asking.tenant_id, team_id=team_id))


@router.patch("/{team_id}", response_model=TeamOut, responses={**with_etag(), **body_problems(412)})
async def change_team(
    request: Request,
    *,
    team_id: TeamId,
    body: TeamPatch,
    deps: Deps,
    asking: Asking,
    if_match: IfMatch = None,
) -> Response:
    """Change a team; `people` are all who are in it from then on."""
    sent = body.model_fields_set
    changed = await teams.update_team(
        deps.db,
        tenant_id=asking.tenant_id,
        team_id=team_id,
        name=body.name if "name" in sent else None,
        people=body.people if "people" in sent else None,
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    return _answer(request, changed)


@router.delete("/{team_id}", status_code=204, responses=problems(400, 412))
async def delete_team(team_id: TeamId, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
    """Remove a team and the rights that it gave; its people stay."""
    await teams.delete_team(
        deps.db,
        tenant_id=asking.tenant_id,
        team_id=team_id,
        by=asking.label,
        expected_version=expected_version(if_match),
    )


def cursor_of_name(name: str) -> str:
    """Return the cursor of the page behind a team; cursors hold ASCII alone."""
    return cursor(base64.urlsafe_b64encode(name.encode()).decode())


def name_after(after: str | None) -> str | None:
    """Return the name after which a page of teams begins; raises InvalidValue."""
    held = position(after)
    try:
        name = None if held is None else base64.urlsafe_b64decode(held).decode()
    except ValueError as error:
        raise invalid_cursor() from error
    if name is not None and "\0" in name:
        raise invalid_cursor()
    return name


def _answer(request: Request, team: Team, *, status: int = 200, location: str | None = None) -> Response:
    return resource(request, TeamOut.of(team), team.version, status=status, location=location)
