"""Where a system admin chooses the tenant that all other pages are about."""

from __future__ import annotations

from fastapi import Response

from controlplane.services.tenants import list_tenants
from controlplane.services.user_sessions import choose_tenant
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import SystemAdmin
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router

router = page_router()


@router.get(f"{PREFIX}/tenants")
async def tenants_page(visit: SystemAdmin) -> Response:
    """List tenants; of very many, those that are searched for."""
    wanted = visit.request.query_params.get("q", "").replace("\0", "")[:64]
    found = await list_tenants(visit.deps.db, q=wanted or None, limit=MAX_LIMIT, after=None)
    return visit.page(
        "tenants.html", section="tenants", tenants=found.items, more=found.more, wanted=wanted, most=MAX_LIMIT
    )


@router.post(f"{PREFIX}/tenants")
async def choose(visit: SystemAdmin) -> Response:
    """Work on another tenant from now on."""
    name = visit.form.text("tenant")
    await choose_tenant(visit.deps.db, visit.person, name=name)
    return visit.go("/mailboxes", notice="tenant-chosen", tenant=name)
