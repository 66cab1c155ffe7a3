"""`/messages`: what was left in mailboxes; reading and hearing never change a state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.message import MessageOrder, MessageState
from controlplane.domain.rights import Right
from controlplane.services import message_changes, messages
from controlplane.services.messages import MessageView, Page, Position, Urgency
from controlplane.web.api.mailboxes import Deps, NumberPath
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_messages import (
    BulkIn,
    BulkOut,
    BulkResult,
    MessageOut,
    MessagePage,
    MessagePatch,
)
from controlplane.web.audio import AudioFiles, AudioFormat, audio_response
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.hearing import note_fetched
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, invalid_cursor, read_cursor
from controlplane.web.paths import API
from controlplane.web.security import AnyAsking

router = APIRouter(prefix=API, tags=["messages"])

MessageId = Annotated[
    UUID,
    Path(description="The id of the message.", examples=["0b2f9a52-0c3f-4f0f-8a55-6f1f3c9a7e10"]),
]


_KIND = ("others", "urgent")


class MessagePaging(Paging):
    """How a list of messages is read."""

    state: Annotated[MessageState | None, Field(description="Without it: new and saved.")] = None
    urgent: Annotated[
        bool | None, Field(description="Only those that their callers marked as urgent, or only others.")
    ] = None
    order: Annotated[MessageOrder, Field(description="`urgent`: urgent ones first; both newest first.")] = (
        MessageOrder.NEWEST
    )
    q: Annotated[
        str | None,
        Field(max_length=64, pattern=r"^[^\x00]*$", description="A part of the caller's name or number."),
    ] = None

    @property
    def urgency(self) -> Urgency:
        """What is wanted by whether it is urgent."""
        return Urgency(only=self.urgent, first=self.order is MessageOrder.URGENT)


class AllMessagesPaging(MessagePaging):
    """How the list of all messages is read."""

    mailbox: Annotated[
        str | None,
        Field(
            max_length=64,
            pattern=r"^[0-9]+$",
            description="Only those of mailboxes that have or had this number.",
            examples=["8001"],
        ),
    ] = None


class AudioQuery(BaseModel):
    """In which format a recording is fetched."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[AudioFormat, Field(description="WAV is as it was recorded.")] = AudioFormat.WAV


def audio_files_of(request: Request) -> AudioFiles:
    """Return where this app finds recordings."""
    files: AudioFiles = request.app.state.audio_files
    return files


@router.get("/mailboxes/{number}/messages", response_model=MessagePage, responses=problems())
async def list_messages(
    number: NumberPath, deps: Deps, asking: AnyAsking, paging: Annotated[MessagePaging, Query()]
) -> MessagePage:
    """List the messages of a mailbox, newest first."""
    page = await messages.list_messages(
        deps.db,
        asking.tenant_id,
        number,
        state=paging.state,
        q=paging.q,
        limit=paging.limit,
        after=position_of(paging.after, paging.order),
        urgency=paging.urgency,
        member=asking.member,
    )
    return _page(page)


@router.get("/messages", response_model=MessagePage, responses=problems())
async def list_all_messages(
    deps: Deps, asking: AnyAsking, paging: Annotated[AllMessagesPaging, Query()]
) -> MessagePage:
    """List the messages of all mailboxes, also of deleted ones, newest first."""
    page = await messages.list_all_messages(
        deps.db,
        asking.tenant_id,
        mailbox_number=paging.mailbox,
        state=paging.state,
        q=paging.q,
        limit=paging.limit,
        after=position_of(paging.after, paging.order),
        urgency=paging.urgency,
        member=asking.member,
    )
    return _page(page)


def _page(page: Page) -> MessagePage:
    return MessagePage(items=[MessageOut.of(view) for view in page.items], next=cursor_of(page))


def cursor_of(page: Page) -> str | None:
    """Return the cursor that begins the page after this one; None if it is the last."""
    following = page.next
    if following is None:
        return None
    kind = [] if following.urgent is None else [_KIND[following.urgent]]
    return cursor(following.received_at.isoformat(), following.id.hex, *kind)


def position_of(after: str | None, order: MessageOrder = MessageOrder.NEWEST) -> Position | None:
    """Return the message after which a page begins; raises InvalidValue (`invalid-cursor`)."""
    if after is None:
        return None
    by_kind = order is MessageOrder.URGENT
    received_at, message_id, *kind = read_cursor(after, parts=3 if by_kind else 2)
    try:
        at = datetime.fromisoformat(received_at)
        urgent = _KIND.index(kind[0]) == 1 if kind else None
        found = Position(received_at=at, id=UUID(hex=message_id), urgent=urgent)
    except ValueError as error:
        raise invalid_cursor() from error
    if at.tzinfo is None:
        raise invalid_cursor()
    return found


@router.post("/messages/bulk", response_model=BulkOut, responses=body_problems())
async def change_messages(body: BulkIn, deps: Deps, asking: AnyAsking, repeating: Repeating) -> Response:
    """Mark, delete or restore many messages at once; each has an outcome of its own."""

    async def work() -> Done:
        outcomes = await message_changes.bulk(
            deps.db,
            deps.jobs,
            asking.tenant_id,
            body.ids,
            action=body.action,
            by=asking.label,
            member=asking.member,
        )
        answer = BulkOut(results=[BulkResult.of(outcome) for outcome in outcomes])
        return Done(response=Response(answer.model_dump_json(), media_type="application/json"))

    return await repeating.once(work)


@router.get(
    "/messages/{message_id}",
    response_model=MessageOut,
    responses={**with_etag(), **not_modified(), **problems()},
)
async def get_message(
    request: Request, message_id: MessageId, deps: Deps, asking: AnyAsking, _: IfNoneMatch = None
) -> Response:
    """Read what is known of a message."""
    return _answer(
        request, await messages.get_message(deps.db, asking.tenant_id, message_id, member=asking.member)
    )


@router.patch(
    "/messages/{message_id}",
    response_model=MessageOut,
    responses={**with_etag(), **body_problems(412)},
)
async def change_message(
    request: Request,
    *,
    message_id: MessageId,
    body: MessagePatch,
    deps: Deps,
    asking: AnyAsking,
    if_match: IfMatch = None,
) -> Response:
    """Give a message another state; `restored` takes it out of the trash."""
    view = await message_changes.set_state(
        deps.db,
        deps.jobs,
        asking.tenant_id,
        message_id,
        state=body.state,
        expected_version=expected_version(if_match),
        by=asking.label,
        member=asking.member,
    )
    return _answer(request, view)


@router.delete(
    "/messages/{message_id}",
    response_model=MessageOut,
    responses={
        **with_etag(),
        204: {"description": "It was in the trash, and is purged with its recording."},
        **problems(400, 412),
    },
)
async def delete_message(
    request: Request, message_id: MessageId, deps: Deps, asking: AnyAsking, if_match: IfMatch = None
) -> Response:
    """Move a message to the trash; purge it if it is there already."""
    view = await message_changes.delete_message(
        deps.db,
        deps.jobs,
        deps.recordings,
        asking.tenant_id,
        message_id,
        expected_version=expected_version(if_match),
        by=asking.label,
        member=asking.member,
    )
    return Response(status_code=204) if view is None else _answer(request, view)


@router.get(
    "/messages/{message_id}/audio",
    response_class=Response,
    responses={
        200: {"description": "The recording.", "content": {"audio/wav": {}, "audio/mpeg": {}}},
        206: {"description": "A part of it.", "content": {"audio/wav": {}, "audio/mpeg": {}}},
        **not_modified(),
        **problems(416),
    },
)
async def get_audio(
    request: Request,
    *,
    message_id: MessageId,
    deps: Deps,
    asking: AnyAsking,
    query: Annotated[AudioQuery, Query()],
    files: Annotated[AudioFiles, Depends(audio_files_of)],
    _range: Annotated[
        str | None, Header(alias="Range", description="One range of bytes, as `bytes=0-1023`.")
    ] = None,
    _if_none_match: IfNoneMatch = None,
) -> Response:
    """Fetch the recording of a message, or a part of it."""
    view = await messages.get_message(
        deps.db, asking.tenant_id, message_id, member=asking.member, right=Right.DOWNLOAD
    )
    audio = await files.get(message_id, query.format)
    response = audio_response(
        request,
        audio,
        file_name=recording_name(view, query.format),
        cache_control="private, no-cache",
    )
    return await note_fetched(request, response, message_id, by=asking.label, download=True)


def recording_name(view: MessageView, wanted: AudioFormat) -> str:
    """Name a recording for people who save it (UTC): `voicemail-8001-20260302-101500.mp3`."""
    return f"voicemail-{view.mailbox_number}-{view.message.received_at:%Y%m%d-%H%M%S}.{wanted.value}"


def _answer(request: Request, view: MessageView) -> Response:
    return resource(request, MessageOut.of(view), view.message.version)
