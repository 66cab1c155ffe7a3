"""The page behind the link in a mail: one message and its player; marks nothing read, needs no script.

Who is signed in to the message's tenant is sent on to its page in the portal.
"""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from babel import dates
from fastapi import APIRouter, Depends, Query, Request, Response

from controlplane.domain.audit import MAIL_LINK
from controlplane.domain.errors import ControlPlaneError, DomainError, NotFound, Unavailable
from controlplane.mail.compose import duration
from controlplane.mail.reached import way_in_words
from controlplane.services.linked_messages import LinkedMessage, read_linked_message
from controlplane.services.user_sessions import read_session
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.messages import AudioQuery, audio_files_of
from controlplane.web.audio import AudioFiles, AudioFormat, audio_response
from controlplane.web.errors import RETRY_SECONDS, status_of
from controlplane.web.hearing import note_fetched
from controlplane.web.pages import Pages, preferred
from controlplane.web.portal.access import session_secret
from controlplane.web.portal.visits import Portal, portal_of


def message_routes(pages: Pages) -> APIRouter:
    """Return the page and its audio, which stay out of the API's description."""
    router = APIRouter(prefix="/m", include_in_schema=False)

    @router.get("/{token}")
    async def page(request: Request, token: str, deps: Deps) -> Response:
        try:
            message = await read_linked_message(deps.db, deps.links, token)
        except (NotFound, Unavailable) as error:
            return _sorry(pages, request, error)
        portal, clear = portal_of(request), session_secret(request)
        by = None if clear is None else await read_session(deps.db, clear, now=deps.clock())
        if by is not None and by.tenant_id == message.tenant_id:
            return Response(status_code=303, headers={"Location": f"{portal.base}/messages/{message.id}"})
        return _message(pages, message, token, portal)

    @router.get("/{token}/audio")
    async def audio(
        request: Request,
        token: str,
        deps: Deps,
        query: Annotated[AudioQuery, Query()],
        files: Annotated[AudioFiles, Depends(audio_files_of)],
    ) -> Response:
        try:
            message = await read_linked_message(deps.db, deps.links, token)
            found = await files.get(message.id, query.format)
        except (NotFound, Unavailable) as error:
            return _sorry(pages, request, error)
        response = audio_response(
            request, found, file_name=_file_name(message, query.format), cache_control="private, no-store"
        )
        return await note_fetched(request, response, message.id, by=MAIL_LINK, download=False)

    return router


def _message(pages: Pages, message: LinkedMessage, token: str, portal: Portal) -> Response:
    locale, words = pages.words(*message.languages)
    local = message.received_at.astimezone(ZoneInfo(message.time_zone))
    name = words["mailbox"].format(name=message.mailbox_name, number=message.mailbox_number)
    received = words["received"].format(
        date=dates.format_date(local, words["date-pattern"], locale=locale),
        time=dates.format_datetime(local, words["time-pattern"], locale=locale),
    )
    title = words["title"].format(mailbox=name)
    labels = words["labels"]
    way = way_in_words(message.reached_by, message.names, locale=locale)
    return pages.answer(
        "message.html",
        language=str(locale).replace("_", "-"),
        direction=_direction(locale.character_order),
        title=words["urgent"].format(text=title) if message.urgent else title,
        facts=[
            (labels["caller"], message.caller.label or words["unknown-caller"]),
            (labels["received"], received),
            (labels["duration"], duration(message.duration_ms, locale)),
            *([(labels["reached-by"], way)] if way else []),
        ],
        player=words["player"],
        portal=(words["portal"], f"{portal.base}/messages/{message.id}"),
        # Relative, so that the page works below any prefix of a proxy.
        audio=[
            (words["download"].format(format=form.value.upper()), f"{token}/audio?format={form.value}")
            for form in _FORMATS
        ],
    )


_FORMATS = (AudioFormat.MP3, AudioFormat.WAV)


def _sorry(pages: Pages, request: Request, error: ControlPlaneError) -> Response:
    # Without a message there is no mailbox whose language it could be.
    locale, words = pages.words(*preferred(request.headers.get("accept-language", "")))
    known = error.error_id if isinstance(error, DomainError) else "unavailable"
    said = words["errors"].get(known, words["errors"]["recording-missing"])
    return pages.answer(
        "sorry.html",
        status=status_of(error),
        headers={"Retry-After": RETRY_SECONDS} if isinstance(error, Unavailable) else {},
        language=str(locale).replace("_", "-"),
        direction=_direction(locale.character_order),
        title=said["title"],
        text=said["text"],
    )


def _direction(character_order: str) -> str:
    return "rtl" if character_order == "right-to-left" else "ltr"


def _file_name(message: LinkedMessage, wanted: AudioFormat) -> str:
    local = message.received_at.astimezone(ZoneInfo(message.time_zone))
    return f"voicemail-{message.mailbox_number}-{local:%Y%m%d-%H%M}.{wanted.value}"
