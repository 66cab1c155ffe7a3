"""`/mailboxes/{number}/greetings` with their recordings, and `/speech`: hearing a text before callers do."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from controlplane.domain.errors import InvalidValue
from controlplane.domain.mailbox import GreetingKind
from controlplane.services import hearing, spoken_names
from controlplane.services import mailbox_greetings as greetings
from controlplane.services.greeting_list import OwnGreeting, Recorded, read_greetings
from controlplane.speech.choice import choose_language
from controlplane.web.api.fields import Input, Language, Output, example
from controlplane.web.api.mailboxes import Deps, Managing, NumberPath
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.virtual_receptionists import AUDIO, SENT, WAV, audio_body
from controlplane.web.paths import API
from controlplane.web.security import Asking

_PREFIX: Final = f"{API}/mailboxes"
router = APIRouter(prefix=API, tags=["mailboxes"])
recordings = APIRouter(prefix=_PREFIX, tags=["mailboxes"])
"""The recordings, whose bodies are no JSON."""

_HEARD: dict[int | str, dict[str, Any]] = {
    200: {"description": "WAV, 8 kHz, 16 bit, mono.", "content": AUDIO}
}
_Source = Annotated[
    str,
    Query(
        pattern=r"^(\+?[0-9]{3,64})?$",
        description=(
            "The number of what callers passed (a group, queue, …), or the DID that they dialled; empty: all "
            "other callers."
        ),
        examples=["6100"],
    ),
]


_Kind = Annotated[
    GreetingKind,
    Query(
        description=(
            "When it is heard: `temporary` until its `last_day`, `holiday` or `closed` by office hours, "
            "`busy`, else `standard`."
        )
    ),
]
_Language = Annotated[
    str | None,
    Query(
        min_length=2,
        max_length=35,
        description="The language of its callers; left out: the mailbox's. Of a standard one for a source "
        "it is that of `source_greetings`.",
        examples=["de"],
    ),
]
_LastDay = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="The last day on which a temporary one is heard, where the mailbox is.",
        examples=["2026-12-04"],
    ),
]


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("No calendar has this day.", error_id="invalid-value", field="last_day") from error


class RecordedOut(Output):
    """A recording that callers hear."""

    seconds: float
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, recorded: Recorded) -> RecordedOut:
        """Make it from the service's value."""
        return cls(seconds=recorded.seconds, recorded_at=recorded.at, recorded_by=recorded.by)


class GreetingOut(Output):
    """What was set for a kind and the callers of one source; a recording is played instead of the text."""

    kind: GreetingKind
    source: str = Field(description="Empty: all other callers.")
    greeting: str | None = Field(description="`null`: the standard sentence.")
    language: str | None = Field(description="`null`: the mailbox's.")
    last_day: date | None = Field(description="The last day on which a temporary one is heard.")
    recording: RecordedOut | None

    @classmethod
    def of(cls, own: OwnGreeting) -> GreetingOut:
        """Make it from the service's value."""
        return cls(
            kind=own.kind,
            last_day=own.last_day,
            source=own.source,
            greeting=own.text,
            language=own.language,
            recording=None if own.recorded is None else RecordedOut.of(own.recorded),
        )


class GreetingList(Output):
    """The standard greetings of a mailbox, that of all other callers first; then those of kinds."""

    model_config = example(
        {
            "items": [
                {
                    "kind": "standard",
                    "source": "",
                    "greeting": None,
                    "language": None,
                    "last_day": None,
                    "recording": None,
                },
                {
                    "kind": "busy",
                    "source": "6100",
                    "greeting": None,
                    "language": None,
                    "last_day": None,
                    "recording": {
                        "seconds": 4.2,
                        "recorded_at": "2026-03-02T09:00:00Z",
                        "recorded_by": "user alice",
                    },
                },
            ]
        }
    )

    items: list[GreetingOut]


class SpeechIn(Input):
    """A text to be heard."""

    model_config = example({"text": "Sales is busy. Leave a message.", "language": "en"})

    text: Annotated[str, Field(min_length=1, max_length=hearing.MAX_TEXT, description="What is said.")]
    language: Language = "en"


@router.get("/mailboxes/{number}/greetings", response_model=GreetingList, responses=problems())
async def list_greetings(number: NumberPath, deps: Deps, asking: Managing) -> GreetingList:
    """List what callers of each source hear of a mailbox."""
    found = await read_greetings(deps.db, tenant_id=asking.tenant_id, number=number)
    return GreetingList(items=[GreetingOut.of(own) for own in found.greetings])


@router.post(
    "/speech",
    name="speak_text",
    description="Hear a text as callers would; nothing is kept for them.",
    response_class=Response,
    responses={**_HEARD, **body_problems()},
)
async def speak_text(body: SpeechIn, deps: Deps, _: Asking) -> Response:
    """Speak a text."""
    choose_language(body.language)
    said = hearing.words_of(body.text)
    wav = await hearing.hear(deps.db, deps.jobs, said, language=body.language, clock=time.monotonic)
    return Response(wav, media_type=WAV)


@recordings.put(
    "/{number}/greeting",
    name="record_mailbox_greeting",
    description=(
        "Take a sound file (WAV, MP3, OGG, Opus or FLAC) as what callers of a source hear before the tone: "
        "8,000 to 48,000 samples a second, one or two channels, at most three minutes."
    ),
    status_code=204,
    responses=problems(413, 415),
    openapi_extra={"requestBody": {"required": True, "content": SENT}},
)
async def record_greeting(
    request: Request,
    number: NumberPath,
    deps: Deps,
    asking: Managing,
    *,
    source: _Source = "",
    kind: _Kind = GreetingKind.STANDARD,
    language: _Language = None,
    last_day: _LastDay = None,
) -> None:
    """Take a recording; the body is read after the token was checked."""
    await greetings.record_greeting(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        source=source,
        content=await audio_body(request),
        by=asking.label,
        clock=deps.clock,
        kind=kind,
        language=language,
        last_day=_day(last_day),
    )


@recordings.get(
    "/{number}/greeting",
    name="get_mailbox_greeting",
    description="The recording that callers of a source hear, as they hear it.",
    response_class=Response,
    responses={**_HEARD, **problems()},
)
async def get_greeting(
    number: NumberPath,
    deps: Deps,
    asking: Managing,
    *,
    source: _Source = "",
    kind: _Kind = GreetingKind.STANDARD,
    language: _Language = None,
) -> Response:
    """Return a recording."""
    wav = await greetings.recorded_greeting(
        deps.db, tenant_id=asking.tenant_id, number=number, source=source, kind=kind, language=language
    )
    return Response(wav, media_type=WAV)


@recordings.delete(
    "/{number}/greeting",
    name="remove_mailbox_greeting",
    description="Take a recording away: the text of its source, or the standard sentence, is said again.",
    status_code=204,
    responses=problems(),
)
async def remove_greeting(
    number: NumberPath,
    deps: Deps,
    asking: Managing,
    *,
    source: _Source = "",
    kind: _Kind = GreetingKind.STANDARD,
    language: _Language = None,
) -> None:
    """Take a recording away."""
    await greetings.remove_recorded_greeting(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        source=source,
        by=asking.label,
        kind=kind,
        language=language,
    )


@recordings.put(
    "/{number}/spoken-name",
    name="record_mailbox_name",
    description=(
        "Take a sound file as the mailbox's name in the standard sentence, instead of the display name: "
        "as a greeting, and at most ten seconds."
    ),
    status_code=204,
    responses=problems(413, 415),
    openapi_extra={"requestBody": {"required": True, "content": SENT}},
)
async def record_name(request: Request, number: NumberPath, deps: Deps, asking: Managing) -> None:
    """Take a recording; the body is read after the token was checked."""
    await spoken_names.upload_name(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        content=await audio_body(request),
        by=asking.label,
        clock=deps.clock,
    )


@recordings.get(
    "/{number}/spoken-name",
    name="get_mailbox_name",
    description="The mailbox's name as somebody said it.",
    response_class=Response,
    responses={**_HEARD, **problems()},
)
async def get_name(number: NumberPath, deps: Deps, asking: Managing) -> Response:
    """Return a recording."""
    wav = await spoken_names.recorded_name(deps.db, tenant_id=asking.tenant_id, number=number)
    return Response(wav, media_type=WAV)


@recordings.delete(
    "/{number}/spoken-name",
    name="remove_mailbox_name",
    description="Take a recorded name away: the display name is spoken again.",
    status_code=204,
    responses=problems(),
)
async def remove_name(number: NumberPath, deps: Deps, asking: Managing) -> None:
    """Take a recording away."""
    await spoken_names.remove_name(
        deps.db, deps.jobs, tenant_id=asking.tenant_id, number=number, by=asking.label
    )
