"""Tells an open page that something changed in its mailbox: server-sent events, and what keeps them alive.

The page that shows how far publishing is hears of each step, and fetches itself.
To the page of a mailbox an event brings along what it shows now, so that many pages ask for nothing; it is
made once for all who may see the same, after the session and the rights of each were looked up.
A stream ends with its session, after some hundred events, and when the process ends; the browser opens it
again by itself. A process serves as many as MailboxChanges lets in; other pages ask now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from controlplane.domain.errors import NotFound, Unavailable
from controlplane.domain.rights import NotAllowed, Right, Rights
from controlplane.services.user_sessions import read_session
from controlplane.services.voicemail_page import find_mailbox_id, find_mailbox_of
from controlplane.storage.mailbox_changes import PUBLISHING, MailboxChanges
from controlplane.web.api.mailboxes import NumberPath
from controlplane.web.portal.access import Anybody, Inside, session_secret
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.voicemail_live import LivePage
from controlplane.web.portal.voicemail_query import Query
from controlplane.web.portal.watchers import Watchers

BEAT_SECONDS = 15.0
"""Shorter than what proxies take for dead."""
PAUSE_SECONDS = 0.2
"""Between two events of a stream: in a burst of calls what came meanwhile is one event."""
_MOST = 240
"""Events of one stream; a page whose mailbox is quiet keeps it for an hour."""
_LISTENING = "event: listening\ndata:\n\n"
_STILL_HERE = ": still here\n\n"
_CHANGED = "event: changed\ndata:\n\n"
_SIGNED_OUT = "event: signed-out\ndata:\n\n"
Shown = Callable[[Rights], Awaitable[str]]
router = page_router()


def changes_of(request: Request) -> MailboxChanges:
    """Return what tells this app of changes."""
    return cast("MailboxChanges", request.app.state.mailbox_changes)


def watchers_of(request: Request) -> Watchers:
    """Return what tells this app who may see them."""
    return cast("Watchers", request.app.state.watchers)


Changes = Annotated[MailboxChanges, Depends(changes_of)]


@router.get(PREFIX + "/mailboxes/{number}/events")
async def events(visit: Anybody, number: NumberPath, changes: Changes) -> Response:
    """Stream an event for each change in a mailbox, with what the page of this query shows."""
    tenant_id = visit.person.tenant_id
    mailbox_id = await find_mailbox_id(visit.deps.db, tenant_id, number, member=visit.member)
    page = LivePage(visit=visit, number=number, query=Query.of(visit.request.query_params))
    return _stream(visit, changes, mailbox_id, page.text)


@router.get(PREFIX + "/messages/{message_id}/events")
async def events_of_message(visit: Anybody, message_id: UUID, changes: Changes) -> Response:
    """Stream an event for each change in the mailbox of a message, which may be deleted."""
    tenant_id = visit.person.tenant_id
    mailbox_id = await find_mailbox_of(visit.deps.db, tenant_id, message_id, member=visit.member)
    return _stream(visit, changes, mailbox_id, None)


@router.get(PREFIX + "/publishing/events")
async def events_of_publishing(visit: Inside, changes: Changes) -> Response:
    """Stream an event for each step of publishing; the page fetches itself then."""
    return _streamed(_steps(visit, changes))


def _stream(visit: Visit, changes: MailboxChanges, mailbox_id: UUID, shown: Shown | None) -> Response:
    return _streamed(_events(visit, changes, mailbox_id, shown))


def _streamed(events: AsyncIterator[str]) -> Response:
    async def told() -> AsyncIterator[str]:
        try:
            async for event in events:
                yield event
        except Unavailable:
            yield "event: full\ndata:\n\n"

    return StreamingResponse(
        told(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    visit: Visit, changes: MailboxChanges, mailbox_id: UUID, shown: Shown | None
) -> AsyncIterator[str]:
    clear = session_secret(visit.request) or ""
    watchers = watchers_of(visit.request)
    async with changes.listen(mailbox_id) as listener:
        yield _LISTENING
        # Something may have happened since the page was made.
        changed = True
        for _ in range(_MOST):
            watcher = await watchers.of(clear, mailbox_id)
            if watcher is None or watcher.tenant_id != visit.person.tenant_id:
                yield _SIGNED_OUT
                return
            if Right.LISTEN not in watcher.rights:
                # The page fetches itself, and is told that it is not theirs any more.
                yield _CHANGED
                return
            if changed:
                yield await _event(watcher.rights, shown)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                yield _STILL_HERE
            changed = await listener.changed(seconds=BEAT_SECONDS)
            if listener.ended:
                return


async def _steps(visit: Visit, changes: MailboxChanges) -> AsyncIterator[str]:
    clear, deps = session_secret(visit.request) or "", visit.deps
    async with changes.listen(PUBLISHING) as listener:
        yield _LISTENING
        # Something may have happened since the page was made.
        changed = True
        for _ in range(_MOST):
            by = await read_session(deps.db, clear, now=deps.clock(), in_use=False)
            if by is None or not by.admin or by.tenant_id != visit.person.tenant_id:
                yield _SIGNED_OUT
                return
            if changed:
                yield _CHANGED
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                yield _STILL_HERE
            changed = await listener.changed(seconds=BEAT_SECONDS)
            if listener.ended:
                return


async def _event(rights: Rights, shown: Shown | None) -> str:
    """Return the event of a change; without what is shown the page fetches it, and learns why."""
    if shown is None:
        return _CHANGED
    try:
        page = await shown(rights)
    except (NotFound, NotAllowed):
        return _CHANGED
    return lines_of(page)


def lines_of(page: str) -> str:
    """Return the event that brings a page along."""
    # Four times as fast as to split and join, and each of many streams does it.
    lines = page.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return f"event: changed\ndata: {lines}\n\n"
