"""Deleting a mailbox: what points at it, where that is to point instead, and what becomes of its messages."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue
from controlplane.services.mailboxes import MailboxDetails, delete_mailbox, get_mailbox
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.deleting import point_elsewhere, pointing_values, why_not
from controlplane.web.portal.mailboxes_page import MAILBOXES
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()

_ADDRESS: Final = MAILBOXES + "/{number}/delete"


@router.get(_ADDRESS)
async def delete_page(visit: Inside, number: str) -> Response:
    """Explain what deleting a mailbox means, and ask."""
    return await _page(visit, await _details(visit, number))


@router.post(_ADDRESS)
async def delete(visit: Inside, number: str) -> Response:
    """Point elsewhere what points at the mailbox, as it was chosen, then delete it."""
    deps, by = visit.deps, visit.person
    details = await _details(visit, number)
    try:
        await point_elsewhere(visit, number)
        await delete_mailbox(deps.db, deps.jobs, tenant_id=by.tenant_id, number=number, by=by.label)
    except (InvalidValue, Conflict) as error:
        return await _page(visit, details, error=error)
    return visit.go("/mailboxes", notice="mailbox-deleted", number=number, name=details.mailbox.display_name)


async def _details(visit: Visit, number: str) -> MailboxDetails:
    return await get_mailbox(
        visit.deps.db, tenant_id=visit.person.tenant_id, number=number.replace("\0", "\ufffd")
    )


async def _page(visit: Visit, details: MailboxDetails, *, error: DomainError | None = None) -> Response:
    number = details.mailbox.number
    return visit.page(
        "mailbox_delete.html",
        section="mailboxes",
        status=200 if error is None else status_of(error),
        faults=why_not(error, visit.words, number, section="mailbox-delete-errors"),
        details=details,
        held=details.counts.new + details.counts.saved,
        **await pointing_values(visit, number),
    )
