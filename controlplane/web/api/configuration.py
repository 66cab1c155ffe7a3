"""`/configuration`: whether the switch runs what was changed, what waits, and publishing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from controlplane.domain.configuration import Mode
from controlplane.services.configuration_state import list_revisions, read_configuration, read_revision
from controlplane.services.publishing_asked import Asked, ask_to_publish, preview
from controlplane.services.publishing_modes import choose_mode
from controlplane.services.tokens import Principal
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.schemas_configuration import (
    ConfigurationOut,
    ConfigurationPatch,
    PreviewOut,
    Publishing,
    RevisionDetailsOut,
    RevisionOut,
    RevisionPage,
    RevisionPaging,
)
from controlplane.web.deps import WebDeps
from controlplane.web.paging import cursor, invalid_cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking, TenantHeader, system_only

router = APIRouter(prefix=f"{API}/configuration", tags=["configuration"])

_LARGEST = 2**63 - 1


@router.get("", response_model=ConfigurationOut, responses=problems())
async def get_configuration(deps: Deps, asking: Asking) -> ConfigurationOut:
    """Say whether all changes are live, what waits, and list the newest revisions."""
    return await _configuration(deps, asking)


@router.patch("", response_model=ConfigurationOut, responses=body_problems())
async def change_configuration(body: ConfigurationPatch, deps: Deps, asking: Asking) -> ConfigurationOut:
    """Choose whether the changes of the tenant are published by themselves, or wait for a person.

    By hand, everything waits that decides where a call goes and who may register: a new SIP password and a
    deleted extension too. Until it is published the switch goes on as before.
    """
    await choose_mode(deps.db, deps.jobs, Mode(body.mode), tenant_id=asking.tenant_id, by=asking.label)
    return await _configuration(deps, asking)


@router.post(
    "/publish",
    status_code=202,
    response_model=ConfigurationOut,
    responses={
        200: {"model": PreviewOut, "description": "What it would do (`dry_run`)."},
        202: {"description": "A job does it; the state says how far it is."},
        **problems(403, 409),
    },
)
async def publish_configuration(
    deps: Deps, asking: Asking, how: Annotated[Publishing, Query()], tenant: TenantHeader = None
) -> Response:
    """Publish what waits of the tenant, or with `dry_run` say what that would change.

    A system token that names no tenant publishes what waits of all.
    """
    asked = Asked(
        tenant_id=None if asking.system and tenant is None else asking.tenant_id, all_told=asking.system
    )
    if how.dry_run:
        shown = PreviewOut.of(await preview(deps.publisher, asked))
        return JSONResponse(shown.model_dump(mode="json"))
    if how.overwrite:
        # What was edited concerns all tenants.
        await system_only(asking)
    await ask_to_publish(deps.publisher, deps.jobs, asked, by=asking.label, overwrite=how.overwrite)
    return JSONResponse((await _configuration(deps, asking)).model_dump(mode="json"), status_code=202)


@router.get("/revisions", response_model=RevisionPage, responses=problems())
async def get_revisions(
    deps: Deps, asking: Asking, paging: Annotated[RevisionPaging, Query()]
) -> RevisionPage:
    """List revisions, newest first."""
    page = await list_revisions(
        deps.db, all_tenants=asking.system, limit=paging.limit, before=_number(position(paging.after))
    )
    return RevisionPage(
        items=[RevisionOut.of(item) for item in page.items],
        next=cursor(str(page.items[-1].revision.id)) if page.more else None,
    )


@router.get("/revisions/{number}", response_model=RevisionDetailsOut, responses=problems())
async def get_revision(
    number: Annotated[int, Path(ge=1, le=_LARGEST, description="Its number.", examples=[1])],
    deps: Deps,
    asking: Asking,
) -> RevisionDetailsOut:
    """Read a revision with what it changed."""
    found = await read_revision(deps.db, number, tenant_id=asking.tenant_id, all_tenants=asking.system)
    return RevisionDetailsOut.details(found)


async def _configuration(deps: WebDeps, asking: Principal) -> ConfigurationOut:
    state = await read_configuration(
        deps.db,
        deps.publisher.folder,
        tenant_id=asking.tenant_id,
        all_tenants=asking.system,
    )
    return ConfigurationOut.of(state)


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isdecimal() or not 0 < int(after) <= _LARGEST:
        raise invalid_cursor()
    return int(after)
