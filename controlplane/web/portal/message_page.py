"""One message: its player, what is known of it, and its recording. To fetch a recording reads nothing."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import JSONResponse

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.rights import Right
from controlplane.services.colleagues import note_playing, note_stopped
from controlplane.services.message_changes import BulkAction, MessageOutcome, bulk
from controlplane.services.message_peaks import read_peaks
from controlplane.services.messages import get_message
from controlplane.services.voicemail_page import read_shown_message
from controlplane.storage.wav import NotAWav
from controlplane.web.api.messages import audio_files_of
from controlplane.web.audio import AudioFiles, AudioFormat, audio_response
from controlplane.web.errors import Unsatisfiable
from controlplane.web.hearing import note_fetched
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.voicemail_actions import PURGE, Asked, told
from controlplane.web.portal.voicemail_page import done
from controlplane.web.portal.voicemail_rows import Teller, file_name

router = page_router()
_MESSAGE = PREFIX + "/messages/{message_id}"


@router.get(_MESSAGE)
async def message_page(visit: Anybody, message_id: UUID) -> Response:
    """Show a message and its player."""
    by = visit.person
    found = await read_shown_message(visit.deps.db, by.tenant_id, message_id, member=visit.member)
    teller = Teller(words=visit.words, time_zone=by.time_zone, now=visit.deps.clock())
    return visit.page(
        "message.html",
        section="mailboxes",
        row=teller.row(found.view, found.names, found.listeners),
        mailbox_name=found.mailbox_name,
        rights=found.rights,
        told=told(visit),
    )


@router.post(_MESSAGE)
async def do_with_message(visit: Anybody, message_id: UUID) -> Response:
    """Do what a button says, and show the message again, or its mailbox once it is not there any more."""
    view = await get_message(visit.deps.db, visit.person.tenant_id, message_id, member=visit.member)
    asked = Asked(do=Asked.of(visit.form).do, ids=(message_id,))
    leaves = asked.do in {BulkAction.DELETE, PURGE} and not view.mailbox_deleted
    mailbox = f"/mailboxes/{view.mailbox_number}/voicemail" if leaves else "/mailboxes"
    here = f"/messages/{message_id}"
    return await done(visit, asked, back=mailbox if leaves or asked.do == PURGE else here)


@router.post(_MESSAGE + "/heard")
async def heard(visit: Anybody, message_id: UUID) -> Response:
    """Mark a message read that was played to its end, unless this person marks messages by hand.

    One that somebody did something with stays so.
    """
    deps, by = visit.deps, visit.person
    if not by.user.played_is_read:
        return Response(status_code=204)
    (result,) = await bulk(
        deps.db,
        deps.jobs,
        by.tenant_id,
        [message_id],
        action=BulkAction.MARK_READ,
        by=by.label,
        member=visit.member,
    )
    if result.outcome is MessageOutcome.NOT_FOUND:
        raise NotFound("There is no such message.", error_id="no-such-message")
    return Response(status_code=204)


@router.post(_MESSAGE + "/playing")
async def playing(visit: Anybody, message_id: UUID) -> Response:
    """Note that the player of a page plays a message, for colleagues to see; it says so every few seconds."""
    deps, by = visit.deps, visit.person
    await note_playing(
        deps.db,
        deps.jobs,
        by.tenant_id,
        message_id,
        player_id=_player(visit),
        user_id=by.user.id,
        by=by.label,
        member=visit.member,
    )
    return Response(status_code=204)


@router.post(_MESSAGE + "/stopped")
async def stopped(visit: Anybody, message_id: UUID) -> Response:
    """Note that the player of a page does not play this message any more."""
    by = visit.person
    await note_stopped(visit.deps.db, player_id=_player(visit), message_id=message_id, user_id=by.user.id)
    # Whoever may not see the message is told so, and plays nothing all the same.
    await get_message(visit.deps.db, by.tenant_id, message_id, member=visit.member)
    return Response(status_code=204)


def _player(visit: Visit) -> UUID:
    """Return which player says it; each page that is open has one of its own. Raises InvalidValue."""
    try:
        return UUID(visit.form.text("player"))
    except ValueError as error:
        raise InvalidValue("No page of ours says this.", error_id="no-such-action", field="player") from error


@router.get(_MESSAGE + "/peaks")
async def peaks(visit: Anybody, message_id: UUID) -> Response:
    """Answer with how loud a message is along its length; nothing for a recording that cannot be measured."""
    deps, tenant_id = visit.deps, visit.person.tenant_id
    await get_message(deps.db, tenant_id, message_id, member=visit.member)
    try:
        found = await read_peaks(deps.db, deps.recordings, tenant_id, message_id)
    except NotAWav:
        found = b""
    return JSONResponse({"peaks": list(found)}, headers={"Cache-Control": "private, no-cache"})


@router.get(_MESSAGE + "/audio")
async def recording(
    visit: Anybody,
    message_id: UUID,
    files: Annotated[AudioFiles, Depends(audio_files_of)],
    wanted: Annotated[AudioFormat, Query(alias="format")] = AudioFormat.WAV,
    *,
    save: bool = False,
) -> Response:
    """Answer with a recording or a part of it; with `save` the browser keeps it as a file.

    To play it is to listen, to keep it is to download.
    """
    by = visit.person
    view = await get_message(
        visit.deps.db,
        by.tenant_id,
        message_id,
        member=visit.member,
        right=Right.DOWNLOAD if save else Right.LISTEN,
    )
    found = await files.get(message_id, wanted)
    name = file_name(view, by.time_zone, wanted)
    try:
        response = audio_response(visit.request, found, file_name=name, cache_control="private, no-cache")
    except Unsatisfiable as error:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{error.details['size']}"})
    if save:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return await note_fetched(visit.request, response, message_id, by=by.label, download=save)
