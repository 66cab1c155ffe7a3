"""Which greeting of a mailbox a caller hears at a moment, and why: asked before somebody complains."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Path, Request, Response

from controlplane.domain.errors import DomainError, InvalidValue
from controlplane.domain.greeting import HeardGreeting
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import Hours
from controlplane.services.greeting_choice import EffectiveGreeting, effective_greeting
from controlplane.services.greeting_drafts import For, Owner
from controlplane.services.greeting_sources import Source, named_sources, suggested_sources
from controlplane.services.hearing import greeting_words, hear
from controlplane.services.mailbox_greetings import recording_of
from controlplane.web.errors import status_of
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.greetings_page import subject_of, wav_response, when_in_words
from controlplane.web.portal.mailbox_words import language_name
from controlplane.web.portal.managing import Managing
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.standard_sentence import sentence_with_name
from controlplane.web.portal.visits import Visit

router = page_router()
_EFFECTIVE: Final = PREFIX + "/{owners}/{number}/greetings/effective"
_Mailboxes = Annotated[str, Path(pattern="^mailboxes$")]
_REASONS: Final = (ReachedReason.NO_ANSWER, ReachedReason.BUSY, ReachedReason.CLOSED)


class _Asked:
    """What the address asks; it fills in the form again."""

    def __init__(self, request: Request, now: datetime, zone: ZoneInfo) -> None:
        asked = {key: value.replace("\0", "")[:700].strip() for key, value in request.query_params.items()}
        local = now.astimezone(zone)
        self.date = asked.get("date") or local.date().isoformat()
        self.time = asked.get("time") or local.strftime("%H:%M")
        self.source = asked.get("from", "")
        self.reason = asked.get("reason", ReachedReason.DIRECT.value)
        self._zone = zone

    @property
    def at(self) -> datetime:
        """The moment; raises InvalidValue."""
        try:
            return datetime.fromisoformat(f"{self.date}T{self.time}").replace(tzinfo=self._zone)
        except ValueError as error:
            raise InvalidValue(
                "No calendar has this moment.", error_id="invalid-moment", field="date"
            ) from error

    async def found(self, visit: Visit, number: str) -> EffectiveGreeting:
        """Return what is heard; raises DomainError."""
        known = self.reason in set(ReachedReason)
        return await effective_greeting(
            visit.deps.db,
            tenant_id=visit.person.tenant_id,
            number=number,
            sources=self.source.replace(",", " ").split(),
            reason=ReachedReason(self.reason) if known else ReachedReason.DIRECT,
            at=self.at,
        )


@router.get(_EFFECTIVE)
async def effective_page(visit: Managing, owners: _Mailboxes, number: str) -> Response:
    """Show the form, and what a caller hears."""
    owner = Owner(tenant_id=visit.person.tenant_id, kind=NumberKind.MAILBOX, number=number)
    subject = await subject_of(visit, owner)
    asked = _asked(visit)
    found: EffectiveGreeting | None = None
    error: DomainError | None = None
    try:
        found = await asked.found(visit, number)
    except InvalidValue as wrong:
        error = wrong
    sources = (
        [] if found is None else [found.heard.source, *(one.greeting.source for one in found.passed_over)]
    )
    names = await named_sources(visit.deps.db, owner.tenant_id, sources)
    return visit.page(
        "greeting_effective.html",
        section=owners,
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, visit.words),
        subject=subject,
        asked=asked,
        reasons=_reasons(visit),
        suggested=await suggested_sources(visit.deps.db, owner.tenant_id),
        found=found,
        hours="" if found is None else Hours(found.moment.hours).name.lower(),
        said=() if found is None else _words(found.mailbox, found.heard),
        when="" if found is None else _when(visit, found.heard),
        spoken_in="" if found is None else language_name(found.heard.language, visit.words),
        query=visit.request.url.query,
        names={source: names.get(source, Source(number=source)) for source in sources},
        others=[] if found is None else _others(visit, found),
    )


@router.get(_EFFECTIVE + "/audio")
async def effective_audio(visit: Managing, owners: _Mailboxes, number: str) -> Response:  # noqa: ARG001 (a part of the address)
    """Answer with what a caller hears."""
    deps = visit.deps
    found = await _asked(visit).found(visit, number)
    heard = found.heard
    if heard.recording is not None:
        wav = await recording_of(deps.db, mailbox_id=found.mailbox.id, digest=heard.recording)
    else:
        said = _words(found.mailbox, heard)
        wav = await sentence_with_name(
            visit,
            display_name=found.mailbox.display_name,
            name_recording=found.mailbox.name_recording if heard.greeting is None else None,
            language=heard.language,
        ) or await hear(deps.db, deps.jobs, said, language=heard.language, clock=time.monotonic)
    return wav_response(visit, wav, name=f"greeting-{number}")


def _asked(visit: Visit) -> _Asked:
    return _Asked(visit.request, visit.deps.clock(), ZoneInfo(visit.person.time_zone))


def _words(mailbox: Mailbox, heard: HeardGreeting) -> list[str]:
    if heard.recording is not None:
        return []
    return greeting_words(mailbox.display_name, heard.greeting, heard.language)


def _reasons(visit: Visit) -> list[tuple[str, str]]:
    direct = (ReachedReason.DIRECT.value, visit.words("greetings.reason-direct"))
    return [direct, *((each.value, visit.words(f"greetings.reason-{each.value}")) for each in _REASONS)]


def _when(visit: Visit, heard: HeardGreeting) -> str:
    return when_in_words(For(kind=heard.kind), visit.words)


def _others(visit: Visit, found: EffectiveGreeting) -> list[tuple[str, str, str]]:
    """Return source, kind in words, and why it is not heard, of each other greeting."""
    return [
        (
            one.greeting.source,
            when_in_words(
                For(kind=one.greeting.kind, language=one.greeting.language, last_day=one.greeting.last_day),
                visit.words,
            ),
            visit.words(f"not-heard.{one.why.value}"),
        )
        for one in found.passed_over
    ]
