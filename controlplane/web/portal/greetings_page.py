"""The greetings of a mailbox or a virtual receptionist: what callers hear, by where they come from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Response

from controlplane.domain.errors import NotFound
from controlplane.domain.language import first_available
from controlplane.domain.numbers import NumberKind
from controlplane.services import mailbox_greetings, receptionist_greetings
from controlplane.services.greeting_drafts import Owner, say_at_receptionist
from controlplane.services.greeting_sources import Source, named_sources, suggested_sources
from controlplane.services.hearing import greeting_words, hear, reception_words
from controlplane.speech.catalogue import available_languages
from controlplane.web.audio import Audio, audio_response
from controlplane.web.errors import Unsatisfiable
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.mailbox_words import author, language_name
from controlplane.web.portal.managing import KINDS, Managing, Owners
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
GREETINGS: Final = PREFIX + "/{owners}/{number}/greetings"

SourceQuery = Annotated[str, Query(alias="source", max_length=65)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What callers of a source hear: a recording, else `text`, else the standard words (`said` either way).

    `source` is empty for all other callers; `is_own` says whether anything was set for it.
    """

    source: str
    kind: str | None
    name: str
    text: str | None
    said: tuple[str, ...]
    spoken_language: str
    own_language: bool
    recorded: str | None
    about: str

    @property
    def is_own(self) -> bool:
        """Whether it can be taken back to the standard greeting."""
        return self.recorded is not None or self.text is not None or self.own_language


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A mailbox or a virtual receptionist with its greetings, that of all other callers first."""

    owner: Owner
    name: str
    path: str
    language: str
    greetings: tuple[Heard, ...]

    @property
    def is_mailbox(self) -> bool:
        """Whether it greets callers by their source."""
        return self.owner.kind is NumberKind.MAILBOX

    def of(self, source: str) -> Heard:
        """Return what callers of a source hear; raises NotFound."""
        wanted = source.removeprefix("+")
        for heard in self.greetings:
            if heard.source.removeprefix("+") == wanted:
                return heard
        raise NotFound("Nothing was set for callers from there.", error_id="no-such-greeting")


def owner_of(visit: Visit, owners: str, number: str) -> Owner:
    """Return whose greetings an address is about."""
    clean = number.replace("\0", "\ufffd")
    return Owner(tenant_id=visit.person.tenant_id, kind=KINDS[owners], number=clean)


async def subject_of(visit: Visit, owner: Owner) -> Subject:
    """Return what the pages are about; raises NotFound."""
    if owner.kind is NumberKind.MAILBOX:
        return await _mailbox(visit, owner)
    return await _receptionist(visit, owner)


@router.get(GREETINGS)
async def greetings_page(visit: Managing, owners: Owners, number: str) -> Response:
    """Show what callers hear."""
    subject = await subject_of(visit, owner_of(visit, owners, number))
    suggested = await suggested_sources(visit.deps.db, visit.person.tenant_id) if subject.is_mailbox else []
    return visit.page("greetings.html", section=owners, subject=subject, suggested=suggested)


@router.get(GREETINGS + "/audio")
async def greeting_audio(
    visit: Managing, owners: Owners, number: str, source: SourceQuery = "", *, save: bool = False
) -> Response:
    """Answer with what callers of a source hear; with `save` the browser keeps it as a file."""
    deps, owner = visit.deps, owner_of(visit, owners, number)
    subject = await subject_of(visit, owner)
    heard = subject.of(source)
    if heard.recorded is None:
        wav = await hear(deps.db, deps.jobs, heard.said, language=heard.spoken_language, clock=time.monotonic)
    elif subject.is_mailbox:
        wav = await mailbox_greetings.recorded_greeting(
            deps.db, tenant_id=owner.tenant_id, number=owner.number, source=source
        )
    else:
        wav = await receptionist_greetings.recorded_greeting(
            deps.db, tenant_id=owner.tenant_id, number=owner.number
        )
    return wav_response(visit, wav, save=save, name=f"greeting-{owner.number}-{source.removeprefix('+')}")


@router.post(GREETINGS + "/remove")
async def remove_greeting(visit: Managing, owners: Owners, number: str) -> Response:
    """Go back to the standard greeting; asks first where a recording would be gone."""
    deps, owner, form = visit.deps, owner_of(visit, owners, number), visit.form
    subject = await subject_of(visit, owner)
    heard = subject.of(form.text("source"))
    if heard.recorded is not None and not form.ticked("sure"):
        return visit.page("greeting_remove.html", section=owners, subject=subject, heard=heard)
    if subject.is_mailbox:
        await mailbox_greetings.say_greeting(
            deps.db,
            deps.jobs,
            tenant_id=owner.tenant_id,
            number=owner.number,
            source=heard.source,
            text=None,
            language=None,
            by=visit.person.label,
        )
    else:
        await say_at_receptionist(
            deps.db,
            deps.jobs,
            tenant_id=owner.tenant_id,
            number=owner.number,
            text=None,
            by=visit.person.label,
        )
    return visit.go(f"{subject.path}/greetings", notice="greeting-removed")


def wav_response(visit: Visit, wav: bytes, *, name: str, save: bool = False) -> Response:
    """Answer with a WAV or the part of it that a player asks for."""
    digest = sha256(wav).hexdigest()[:32]
    audio = Audio(source=wav, size=len(wav), media_type="audio/wav", etag=f'"{digest}"')
    clean = "".join(char for char in name if char.isascii() and (char.isalnum() or char == "-")).strip("-")
    file_name = f"{clean}.wav"
    try:
        response = audio_response(
            visit.request, audio, file_name=file_name, cache_control="private, no-cache"
        )
    except Unsatisfiable as error:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{error.details['size']}"})
    if save:
        response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def address_of(subject: Subject, page: str, source: str) -> str:
    """Return the address of a page about the greeting of a source, below the portal."""
    query = f"?{urlencode({'source': source})}" if source else ""
    return f"{subject.path}/greetings/{page}{query}"


async def _mailbox(visit: Visit, owner: Owner) -> Subject:
    found = await mailbox_greetings.read_greetings(
        visit.deps.db, tenant_id=owner.tenant_id, number=owner.number
    )
    mailbox = found.mailbox
    names = await named_sources(
        visit.deps.db, owner.tenant_id, [own.source for own in found.greetings if own.source]
    )
    greetings: list[Heard] = []
    for own in found.greetings:
        source = names.get(own.source.removeprefix("+"), Source(number=own.source))
        text, language = own.text, own.spoken_language
        if text is None and language == mailbox.language and own.source and own.recorded is None:
            text = mailbox.greeting
        recorded = own.recorded
        greetings.append(
            Heard(
                source=own.source,
                kind=source.kind,
                name=source.name,
                text=own.text,
                said=tuple(greeting_words(mailbox.display_name, text, language)),
                spoken_language=language,
                own_language=own.language is not None,
                recorded=None if recorded is None else recorded.digest,
                about=""
                if recorded is None
                else visit.words(
                    "greetings.recorded",
                    length=_length(recorded.seconds),
                    at=visit.words.moment(recorded.at, visit.person.time_zone),
                    who=author(recorded.by, visit.words),
                ),
            )
        )
    return Subject(
        owner=owner,
        name=mailbox.display_name,
        path=f"/mailboxes/{mailbox.number}",
        language=language_name(mailbox.language, visit.words),
        greetings=tuple(greetings),
    )


async def _receptionist(visit: Visit, owner: Owner) -> Subject:
    found = await receptionist_greetings.read_greeting(
        visit.deps.db, tenant_id=owner.tenant_id, number=owner.number
    )
    language = first_available((found.language,), available_languages())
    heard = Heard(
        source="",
        kind=None,
        name="",
        text=found.text,
        said=tuple(reception_words(found.text, language)),
        spoken_language=language,
        own_language=False,
        recorded="recorded" if found.seconds is not None else None,
        about="" if found.seconds is None else visit.words("greetings.lasts", length=_length(found.seconds)),
    )
    return Subject(
        owner=owner,
        name=found.name,
        path=f"/virtual-receptionists/{owner.number}",
        language=language_name(language, visit.words),
        greetings=(heard,),
    )


def _length(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole // 60}:{whole % 60:02}"
