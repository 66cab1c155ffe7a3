"""`/virtual-receptionists`: a caller chooses by keys; and the recording of what one says."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services import receptionist_greetings as greetings
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_virtual_receptionists import (
    VirtualReceptionistIn,
    VirtualReceptionistOut,
    VirtualReceptionistPage,
    VirtualReceptionistPatch,
)
from controlplane.web.errors import UnsupportedMediaType
from controlplane.web.security import Asking

router = routing_router(
    RoutingKind.VIRTUAL_RECEPTIONIST,
    path="virtual-receptionists",
    example="6000",
    new=VirtualReceptionistIn,
    patch=VirtualReceptionistPatch,
    out=VirtualReceptionistOut,
    page=VirtualReceptionistPage,
)

WAV: Final = "audio/wav"
_TAKEN: Final = frozenset(
    f"audio/{kind}"
    for kind in ("wav", "x-wav", "wave", "vnd.wave", "mpeg", "mp3", "ogg", "opus", "flac", "x-flac")
) | {"application/ogg", "application/octet-stream"}
AUDIO: dict[str, Any] = {WAV: {"schema": {"type": "string", "format": "binary"}}}
_SENT = (WAV, "audio/mpeg", "audio/ogg", "audio/flac", "application/octet-stream")
SENT: dict[str, Any] = dict.fromkeys(_SENT, AUDIO[WAV])
"""What a recording may be sent as."""
recordings = APIRouter(prefix=router.prefix, tags=list(router.tags))
"""The recordings of what they say, whose bodies are no JSON."""

_Number = Annotated[str, Path(description="The number of the virtual receptionist.", examples=["6000"])]


async def audio_body(request: Request) -> bytes:
    """Return the sound file that was sent; raises UnsupportedMediaType. What it is its content says."""
    media_type = request.headers.get("content-type", WAV).partition(";")[0].strip().lower()
    if media_type not in _TAKEN:
        raise UnsupportedMediaType(
            "The body must be a sound file: WAV, MP3, OGG, Opus or FLAC (Content-Type: audio/wav, "
            "audio/mpeg, audio/ogg or audio/flac)."
        )
    return await request.body()


@recordings.put(
    "/{number}/greeting",
    name="record_greeting",
    description=(
        "Take a sound file (WAV, MP3, OGG, Opus or FLAC) as what a virtual receptionist says, instead of its "
        "text: 8,000 to 48,000 samples a second, one or two channels, at most three minutes."
    ),
    status_code=204,
    responses=problems(413, 415),
    openapi_extra={"requestBody": {"required": True, "content": SENT}},
)
async def record_greeting(request: Request, number: _Number, deps: Deps, asking: Asking) -> None:
    """Take a recording; the body is read after the token was checked."""
    await greetings.record_greeting(
        deps.db, deps.jobs, tenant_id=asking.tenant_id, number=number, content=await audio_body(request)
    )


@recordings.get(
    "/{number}/greeting",
    name="get_recorded_greeting",
    description="The recording of what a virtual receptionist says, as callers hear it.",
    response_class=Response,
    responses={200: {"description": "WAV, 8 kHz, 16 bit, mono.", "content": AUDIO}, **problems()},
)
async def get_recorded_greeting(number: _Number, deps: Deps, asking: Asking) -> Response:
    """Return a recording."""
    wav = await greetings.recorded_greeting(deps.db, tenant_id=asking.tenant_id, number=number)
    return Response(wav, media_type=WAV)


@recordings.delete(
    "/{number}/greeting",
    name="remove_recorded_greeting",
    description="Take the recording of what a virtual receptionist says away: its text is said again.",
    status_code=204,
    responses=problems(),
)
async def remove_recorded_greeting(number: _Number, deps: Deps, asking: Asking) -> None:
    """Take a recording away."""
    await greetings.remove_recorded_greeting(deps.db, deps.jobs, tenant_id=asking.tenant_id, number=number)
