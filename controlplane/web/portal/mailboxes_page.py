"""The list of Shared Voicemail."""

from __future__ import annotations

from fastapi import Response

from controlplane.services.mailboxes import list_mailboxes
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router

router = page_router()


@router.get(f"{PREFIX}/mailboxes")
async def mailboxes_page(visit: Inside) -> Response:
    """List the mailboxes of the tenant with the counts of their messages."""
    page = await list_mailboxes(
        visit.deps.db, tenant_id=visit.person.tenant_id, q=None, limit=MAX_LIMIT, after=None
    )
    return visit.page(
        "mailboxes.html", section="mailboxes", mailboxes=page.items, more=page.more, most=MAX_LIMIT
    )
