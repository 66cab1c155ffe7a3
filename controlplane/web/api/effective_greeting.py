"""`/mailboxes/{number}/greetings/effective`: which greeting a caller hears at a moment, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from controlplane.domain.greeting import Because, NotHeard
from controlplane.domain.mailbox import GreetingKind
from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.hours import Hours
from controlplane.services.greeting_choice import EffectiveGreeting, effective_greeting
from controlplane.services.hearing import greeting_words
from controlplane.web.api.fields import Output, example
from controlplane.web.api.mailboxes import Deps, Managing, NumberPath
from controlplane.web.api.responses import problems
from controlplane.web.moments import MomentField, moment_of
from controlplane.web.paths import API

router = APIRouter(prefix=API, tags=["mailboxes"])

BECAUSE: Final = {
    Because.TEMPORARY: "It is a temporary greeting whose last day has not passed; that goes before all.",
    Because.HOLIDAY: "The office hours that the call goes by have a holiday.",
    Because.CLOSED: "The office hours that the call goes by are closed.",
    Because.SENT_ON_CLOSED: "The call was sent on because what it reached was closed.",
    Because.BUSY: "The call was sent on because what it reached was busy.",
    Because.SOURCE: "The caller comes from this source, and nothing of the moment goes before it.",
    Because.LANGUAGE: "It is the mailbox's greeting in the language of the caller.",
    Because.OWN: "It is the mailbox's own greeting, and nothing goes before it.",
    Because.STANDARD: "Nothing that was set is for this caller now. The standard sentence is said.",
}
NOT_HEARD: Final = {
    NotHeard.ENDED: "Its last day has passed.",
    NotHeard.NO_HOLIDAY: "It is no holiday by the office hours that the call goes by.",
    NotHeard.OPEN: "The office hours that the call goes by are open.",
    NotHeard.NOT_BUSY: "The call was not sent on because of busy.",
    NotHeard.OTHER_SOURCE: "The caller does not come from this source.",
    NotHeard.OTHER_LANGUAGE: "The caller is spoken to in another language.",
    NotHeard.SAYS_NOTHING: "It says nothing.",
    NotHeard.AFTER: "Another one goes before it.",
}


class HeardGreetingOut(Output):
    """The greeting that is heard. Neither text nor recording: the standard sentence."""

    kind: GreetingKind
    source: str = Field(description="Empty: all callers.")
    language: str = Field(description="In which the whole call is spoken.")
    greeting: str | None = Field(description="The text that was set; `null`: the standard sentence.")
    is_recording: bool = Field(description="Whether a recording is played, instead of any text.")
    said: list[str] = Field(description="The sentences as they are said; none of a recording.")


class PassedOverOut(Output):
    """A greeting of a kind, or in a further language, that was set and is not heard."""

    kind: GreetingKind
    source: str
    language: str | None
    reason: NotHeard
    why: str


class EffectiveGreetingOut(Output):
    """What a caller hears of a mailbox at a moment, and why."""

    model_config = example(
        {
            "at": "2026-12-24T12:00:00Z",
            "hours": "holiday",
            "heard": {
                "kind": "holiday",
                "source": "",
                "language": "en",
                "greeting": "Merry Christmas. Leave a message.",
                "is_recording": False,
                "said": ["Merry Christmas.", "Leave a message."],
            },
            "reason": "holiday",
            "why": BECAUSE[Because.HOLIDAY],
            "passed_over": [
                {
                    "kind": "busy",
                    "source": "6100",
                    "language": None,
                    "reason": "not-busy",
                    "why": NOT_HEARD[NotHeard.NOT_BUSY],
                }
            ],
        }
    )

    at: datetime
    hours: str = Field(
        description="What the office hours say that the call goes by: `open`, `closed` or `holiday`; "
        "`open` also where no greeting of the mailbox asks for them."
    )
    heard: HeardGreetingOut
    reason: Because
    why: str
    passed_over: list[PassedOverOut]

    @classmethod
    def of(cls, found: EffectiveGreeting) -> EffectiveGreetingOut:
        """Make it from the service's value."""
        heard = found.heard
        said = (
            []
            if heard.recording is not None
            else greeting_words(found.mailbox.display_name, heard.greeting, heard.language)
        )
        return cls(
            at=found.moment.at,
            hours=Hours(found.moment.hours).name.lower(),
            heard=HeardGreetingOut(
                kind=heard.kind,
                source=heard.source,
                language=heard.language,
                greeting=heard.greeting,
                is_recording=heard.recording is not None,
                said=said,
            ),
            reason=heard.because,
            why=BECAUSE[heard.because],
            passed_over=[
                PassedOverOut(
                    kind=one.greeting.kind,
                    source=one.greeting.source,
                    language=one.greeting.language,
                    reason=one.why,
                    why=NOT_HEARD[one.why],
                )
                for one in found.passed_over
            ],
        )


@router.get(
    "/mailboxes/{number}/greetings/effective",
    name="get_effective_greeting",
    description="Which greeting a caller hears who comes this way at a moment, why, and why no other one.",
    response_model=EffectiveGreetingOut,
    responses=problems(),
)
async def get_effective_greeting(
    number: NumberPath,
    deps: Deps,
    asking: Managing,
    *,
    at: MomentField = None,
    sources: Annotated[
        str,
        Query(
            alias="from",
            pattern=r"^(\+?[0-9]{3,64}(,\+?[0-9]{3,64}){0,10})?$",
            description=(
                "Where the caller comes from: the DID that was dialled and the numbers that the call passed, "
                "in their order, the last of which sent it to the mailbox. Empty: the mailbox was dialled."
            ),
            examples=["+4930123456,6100"],
        ),
    ] = "",
    reason: Annotated[
        ReachedReason, Query(description="Why the last of them sent the call on, such as `busy` or `closed`.")
    ] = ReachedReason.DIRECT,
) -> EffectiveGreetingOut:
    """Say what a caller hears."""
    found = await effective_greeting(
        deps.db,
        tenant_id=asking.tenant_id,
        number=number,
        sources=[source for source in sources.split(",") if source],
        reason=reason,
        at=moment_of(at, now=deps.clock()),
    )
    return EffectiveGreetingOut.of(found)
