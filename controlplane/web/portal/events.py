"""Tells an open page that something changed in its mailbox: server-sent events, and what keeps them alive.

A stream ends with its session, after some hundred lines, and when the process ends; the browser opens it
again by itself. A process serves as many as MailboxChanges lets in; other pages ask now and then.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from controlplane.domain.errors import Unavailable
from controlplane.domain.rights import Right
from controlplane.services.access import may
from controlplane.services.user_sessions import session_holds
from controlplane.services.voicemail_page import find_mailbox_id, find_mailbox_of
from controlplane.storage.mailbox_changes import Listener, MailboxChanges
from controlplane.web.api.mailboxes import NumberPath
from controlplane.web.portal.access import Anybody, session_secret
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

BEAT_SECONDS = 15.0
"""Shorter than what proxies take for dead."""
_MOST = 240
"""Lines of one stream; a page whose mailbox is quiet keeps it for an hour."""
router = page_router()


def changes_of(request: Request) -> MailboxChanges:
    """Return what tells this app of changes."""
    return cast("MailboxChanges", request.app.state.mailbox_changes)


@router.get(PREFIX + "/mailboxes/{number}/events")
async def events(
    visit: Anybody, number: NumberPath, changes: Annotated[MailboxChanges, Depends(changes_of)]
) -> Response:
    """Stream an event for each change in a mailbox."""
    tenant_id = visit.person.tenant_id
    mailbox_id = await find_mailbox_id(visit.deps.db, tenant_id, number, member=visit.member)
    return _stream(visit, changes, mailbox_id)


@router.get(PREFIX + "/messages/{message_id}/events")
async def events_of_message(
    visit: Anybody, message_id: UUID, changes: Annotated[MailboxChanges, Depends(changes_of)]
) -> Response:
    """Stream an event for each change in the mailbox of a message, which may be deleted."""
    tenant_id = visit.person.tenant_id
    mailbox_id = await find_mailbox_of(visit.deps.db, tenant_id, message_id, member=visit.member)
    return _stream(visit, changes, mailbox_id)


def _stream(visit: Visit, changes: MailboxChanges, mailbox_id: UUID) -> Response:
    async def told() -> AsyncIterator[str]:
        try:
            async with changes.listen(mailbox_id) as listener:
                yield "event: listening\ndata:\n\n"
                async for line in _lines(visit, listener, mailbox_id):
                    yield line
        except Unavailable:
            yield "event: full\ndata:\n\n"

    return StreamingResponse(
        told(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(visit: Visit, listener: Listener, mailbox_id: UUID) -> AsyncIterator[str]:
    clear, by = session_secret(visit.request), visit.person
    looked_at = time.monotonic()
    for _ in range(_MOST):
        changed = await listener.changed(seconds=BEAT_SECONDS)
        if listener.ended:
            return
        # Not for each event, of which many streams hear at once: an event says nothing that only some may
        # know, and what the page then fetches looks at the session.
        if time.monotonic() - looked_at >= BEAT_SECONDS:
            looked_at = time.monotonic()
            if clear is None or not await session_holds(
                visit.deps.db, clear, by.tenant_id, now=visit.deps.clock()
            ):
                yield "event: signed-out\ndata:\n\n"
                return
        if visit.member is not None and not await may(visit.deps.db, visit.member, mailbox_id, Right.LISTEN):
            # The page fetches itself, and is told that it is not theirs any more.
            yield "event: changed\ndata:\n\n"
            return
        yield "event: changed\ndata:\n\n" if changed else ": still here\n\n"
