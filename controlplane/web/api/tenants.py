"""`/tenants`: organisations; for system tokens only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from controlplane.services import tenants
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas import TenantIn, TenantOut, TenantPage, TenantPatch
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking, system_only

router = APIRouter(prefix=f"{API}/tenants", tags=["tenants"], dependencies=[Depends(system_only)])

NamePath = Annotated[str, Path(description="The name of the tenant.", examples=["north"])]


@router.post(
    "", status_code=201, response_model=TenantOut, responses={**with_etag(201), **body_problems(403)}
)
async def create_tenant(
    request: Request, body: TenantIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Make a tenant with its feature codes `*56` and `*57`."""

    async def work() -> Done:
        tenant = await tenants.create_tenant(
            deps.db,
            deps.jobs,
            name=body.name,
            sip_domain=body.sip_domain,
            language=body.language,
            time_zone=body.time_zone,
            retain_days=body.retain_days,
            trash_days=body.trash_days,
            max_messages=body.max_messages,
            max_total_seconds=body.max_total_seconds,
            email_subject=body.email_subject,
            email_introduction=body.email_introduction,
            by=asking.label,
        )
        location = f"{API}/tenants/{tenant.name}"
        answer = resource(request, TenantOut.of(tenant), tenant.version, status=201, location=location)
        return Done(response=answer)

    return await repeating.once(work)


@router.get("", response_model=TenantPage, responses=problems(403))
async def list_tenants(deps: Deps, paging: Annotated[Paging, Query()]) -> TenantPage:
    """List tenants."""
    page = await tenants.list_tenants(deps.db, q=paging.q, limit=paging.limit, after=position(paging.after))
    return TenantPage(
        items=[TenantOut.of(tenant) for tenant in page.items],
        next=cursor(page.items[-1].name) if page.more else None,
    )


@router.get("/{name}", response_model=TenantOut, responses={**with_etag(), **not_modified(), **problems(403)})
async def get_tenant(request: Request, name: NamePath, deps: Deps, _: IfNoneMatch = None) -> Response:
    """Read a tenant."""
    tenant = await tenants.get_tenant(deps.db, name=name)
    return resource(request, TenantOut.of(tenant), tenant.version)


@router.patch("/{name}", response_model=TenantOut, responses={**with_etag(), **body_problems(403, 412)})
async def change_tenant(
    request: Request,
    *,
    name: NamePath,
    body: TenantPatch,
    deps: Deps,
    asking: Asking,
    if_match: IfMatch = None,
) -> Response:
    """Change a tenant; greetings that follow its language are spoken again."""
    tenant = await tenants.update_tenant(
        deps.db,
        deps.jobs,
        name=name,
        changes=body.changes(),
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    return resource(request, TenantOut.of(tenant), tenant.version)


@router.delete("/{name}", status_code=204, responses=problems(400, 403, 409, 412))
async def delete_tenant(name: NamePath, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
    """Remove an empty tenant with its tokens; `default` stays."""
    await tenants.delete_tenant(
        deps.db, deps.jobs, name=name, by=asking.label, expected_version=expected_version(if_match)
    )
