"""The calls that are in mailboxes now."""

from __future__ import annotations

from fastapi import Response

from controlplane.domain.presence import ProcessKind
from controlplane.services.presence import calls_now, seen_processes
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router

router = page_router()


@router.get(f"{PREFIX}/calls")
async def calls_page(visit: Inside) -> Response:
    """List who leaves or hears messages now; what is open asks again by itself."""
    calls = await calls_now(visit.deps.db, visit.person.tenant_id)
    seen = await seen_processes(visit.deps.db)
    running = any(one.kind is ProcessKind.CALLS and not one.is_lost(seen.now) for one in seen.items)
    return visit.page(
        "calls.html",
        section="calls-now",
        calls=calls,
        running=running,
        seconds={
            one.call.call_id: max(0, round((seen.now - one.call.since).total_seconds())) for one in calls
        },
    )
