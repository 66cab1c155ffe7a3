"""The Voicemail page: the messages of a mailbox, found by filters, and done with by selection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response
from fastapi.responses import StreamingResponse

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.rights import Right, check_right
from controlplane.services.audit import note_hearing
from controlplane.services.greeting_sources import suggested_sources
from controlplane.services.message_changes import BulkAction
from controlplane.services.messages import get_messages
from controlplane.services.voicemail_page import find_mailbox_id, rights_at_mailbox
from controlplane.web.api.mailboxes import NumberPath
from controlplane.web.audio import AudioFormat
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.voicemail_actions import NOTICE, PURGE, Asked, act, told
from controlplane.web.portal.voicemail_live import LivePage, page_values
from controlplane.web.portal.voicemail_query import Query
from controlplane.web.portal.voicemail_rows import file_name
from controlplane.web.portal.zip_stream import Packed, zipped

router = page_router()
_MOST_PACKED = 200
_DOWNLOAD = "download"
_DONE_HERE = frozenset({*(action.value for action in BulkAction), PURGE, _DOWNLOAD})


@router.get(PREFIX + "/mailboxes/{number}/voicemail")
async def voicemail_page(visit: Anybody, number: NumberPath) -> Response:
    """Show the messages of a mailbox, newest first; opening the page reads nothing to anybody."""
    query, by = Query.of(visit.request.query_params), visit.person
    if "x-live" not in visit.request.headers:
        sources = await suggested_sources(visit.deps.db, by.tenant_id)
        values = await page_values(visit, number, query)
        return visit.page(
            "voicemail.html", section="mailboxes", live=False, told=told(visit), sources=sources, **values
        )
    rights = await rights_at_mailbox(visit.deps.db, by.tenant_id, number, member=visit.member)
    text = await LivePage(visit=visit, number=number, query=query).text(rights)
    return Response(text, media_type="text/html", headers={"Cache-Control": "no-store"})


@router.post(PREFIX + "/mailboxes/{number}/voicemail")
async def do_with_messages(visit: Anybody, number: NumberPath) -> Response:
    """Do what a button says with the chosen messages, and show the page again."""
    await find_mailbox_id(visit.deps.db, visit.person.tenant_id, number, member=visit.member)
    asked = Asked.of(visit.form)
    here = f"/mailboxes/{number}/voicemail"
    back = here + Query.of(visit.request.query_params).address()
    return await done(visit, asked, back=back)


async def done(visit: Visit, asked: Asked, *, back: str) -> Response:
    """Do what was asked and go `back`, where it is told; ask first before anything is gone for good.

    Raises InvalidValue.
    """
    if asked.do not in _DONE_HERE:
        raise InvalidValue("No button of ours asks for this.", error_id="no-such-action", field="do")
    if asked.ids and asked.do == _DOWNLOAD:
        return await _download(visit, asked.ids)
    if asked.ids and asked.do == PURGE and not visit.form.ticked("sure"):
        return visit.page("voicemail_purge.html", section="mailboxes", ids=asked.ids, back=back)
    return visit.go(back, notice=NOTICE, **await act(visit, asked))


async def _download(visit: Visit, ids: Sequence[UUID]) -> Response:
    """Send one recording as it is, several as a ZIP; those that may not be downloaded are left out.

    Raises NotFound `recording-missing`, or NotAllowed, when none is left.
    """
    deps, by = visit.deps, visit.person
    if len(ids) == 1:
        return visit.go(f"/messages/{ids[0]}/audio?format=wav&save=true")
    files: dict[str, Packed] = {}
    packed: list[UUID] = []
    views, refused = await get_messages(
        deps.db, by.tenant_id, ids[:_MOST_PACKED], right=Right.DOWNLOAD, member=visit.member
    )
    for message_id in ids[:_MOST_PACKED]:
        path, view = deps.recordings.path(message_id), views.get(message_id)
        if view is None:
            continue
        name = file_name(view, by.time_zone, AudioFormat.WAV)
        if name in files:
            name = name.replace(".", f"-{message_id.hex[:8]}.")
        if await asyncio.to_thread(path.is_file):
            at = view.message.received_at.astimezone(ZoneInfo(by.time_zone))
            files[name] = Packed(name=name, path=path, at=at)
            packed.append(message_id)
    if not files and refused:
        check_right(frozenset(), Right.DOWNLOAD)
    if not files:
        raise NotFound("No recording of these messages is there.", error_id="recording-missing")
    await note_hearing(deps.db, packed, by=by.label, download=True)
    return StreamingResponse(
        zipped(list(files.values())),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="voicemail.zip"', "Cache-Control": "no-store"},
    )
