"""The greetings of a mailbox or a virtual receptionist: what callers hear, by where they come from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from babel.dates import format_date
from fastapi import Response

from controlplane.domain.errors import DomainError, NotFound
from controlplane.domain.language import first_available
from controlplane.domain.mailbox import GreetingKind
from controlplane.domain.numbers import NumberKind
from controlplane.services import mailbox_greetings, receptionist_greetings
from controlplane.services.greeting_drafts import For, Owner, say_at_receptionist
from controlplane.services.greeting_list import Recorded, read_greetings
from controlplane.services.greeting_sources import Source, named_sources, suggested_sources
from controlplane.services.hearing import greeting_words, hear, reception_words
from controlplane.speech.catalogue import available_languages
from controlplane.web.audio import Audio, audio_response
from controlplane.web.errors import Unsatisfiable, status_of
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.greeting_targets import Target, kind_options, query_of, target_sent
from controlplane.web.portal.mailbox_words import author, language_name, language_options
from controlplane.web.portal.managing import KINDS, Managing, Owners
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.standard_sentence import sentence_with_name
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
GREETINGS: Final = PREFIX + "/{owners}/{number}/greetings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What callers of a source hear: a recording, else `text`, else the standard words (`said` either way).

    `target` says for whom and when; its source is empty for all other callers. `is_own` says whether anything
    was set for it, `when` says in words for when it is. `name_recording` is the name that somebody said,
    where the standard sentence is heard.
    """

    target: For
    kind: str | None
    name: str
    text: str | None
    said: tuple[str, ...]
    spoken_language: str
    own_language: bool
    recorded: str | None
    about: str
    when: str = ""
    name_recording: str | None = None

    @property
    def source(self) -> str:
        """Whose callers hear it."""
        return self.target.source

    @property
    def query(self) -> str:
        """What follows the address of a page about it."""
        return query_of(self.target)

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
    spoken_name: str | None = None
    """What is known of the mailbox's name as somebody said it, in words; None where nobody did."""

    @property
    def is_mailbox(self) -> bool:
        """Whether it greets callers by their source."""
        return self.owner.kind is NumberKind.MAILBOX

    def of(self, target: For) -> Heard:
        """Return what is heard there; raises NotFound."""
        for heard in self.greetings:
            if same_target(heard.target, target):
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
    return list_page(visit, owners, subject, suggested)


def list_page(
    visit: Visit,
    owners: str,
    subject: Subject,
    suggested: Sequence[Source],
    *,
    target: For | None = None,
    error: DomainError | None = None,
) -> Response:
    """Show what callers hear; with what somebody asked for and cannot have."""
    return visit.page(
        "greetings.html",
        section=owners,
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, visit.words),
        subject=subject,
        suggested=suggested,
        typed=target or For(),
        kinds=kind_options(visit.words),
        languages=language_options(visit.words, "", key="of-mailbox"),
    )


@router.get(GREETINGS + "/audio")
async def greeting_audio(
    visit: Managing, owners: Owners, number: str, target: Target, *, save: bool = False
) -> Response:
    """Answer with what callers of a source hear; with `save` the browser keeps it as a file."""
    deps, owner = visit.deps, owner_of(visit, owners, number)
    subject = await subject_of(visit, owner)
    heard = subject.of(target)
    if heard.recorded is None:
        wav = await sentence_with_name(
            visit,
            display_name=subject.name,
            name_recording=heard.name_recording,
            language=heard.spoken_language,
        ) or await hear(deps.db, deps.jobs, heard.said, language=heard.spoken_language, clock=time.monotonic)
    elif subject.is_mailbox:
        wav = await mailbox_greetings.recorded_greeting(
            deps.db,
            tenant_id=owner.tenant_id,
            number=owner.number,
            source=target.source,
            kind=target.kind,
            language=target.language,
        )
    else:
        wav = await receptionist_greetings.recorded_greeting(
            deps.db, tenant_id=owner.tenant_id, number=owner.number
        )
    return wav_response(visit, wav, save=save, name=f"greeting-{owner.number}-{file_part(target)}")


@router.post(GREETINGS + "/remove")
async def remove_greeting(visit: Managing, owners: Owners, number: str) -> Response:
    """Go back to the standard greeting; asks first where a recording would be gone."""
    deps, owner, form = visit.deps, owner_of(visit, owners, number), visit.form
    subject = await subject_of(visit, owner)
    heard = subject.of(target_sent(form))
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
            language=heard.target.language,
            by=visit.person.label,
            kind=heard.target.kind,
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


def address_of(subject: Subject, page: str, target: For, **more: str) -> str:
    """Return the address of a page about a greeting, below the portal."""
    return f"{subject.path}/greetings/{page}{query_of(target, **more)}"


def same_target(one: For, other: For) -> bool:
    """Say whether two greetings are for the same callers at the same times."""
    return (one.kind, one.source.removeprefix("+"), (one.language or "").lower()) == (
        other.kind,
        other.source.removeprefix("+"),
        (other.language or "").lower(),
    )


def file_part(target: For) -> str:
    """Return what the name of a file says of a greeting besides its mailbox."""
    kind = "" if target.kind is GreetingKind.STANDARD else target.kind.value
    parts = (kind, target.source.removeprefix("+"), target.language or "")
    return "-".join(part for part in parts if part)


def when_in_words(target: For, words: Words) -> str:
    """Say for when a greeting is, and in which language if that is not the mailbox's; empty for always."""
    parts = []
    if target.kind is not GreetingKind.STANDARD:
        parts.append(words(f"greeting-kinds.{target.kind.value}"))
    if target.last_day is not None:
        day = format_date(target.last_day, "long", locale=words.locale)
        parts.append(words("greetings.until", day=day))
    if target.language is not None:
        parts.append(language_name(target.language, words))
    return ", ".join(parts)


async def _mailbox(visit: Visit, owner: Owner) -> Subject:
    found = await read_greetings(visit.deps.db, tenant_id=owner.tenant_id, number=owner.number)
    mailbox = found.mailbox
    names = await named_sources(
        visit.deps.db, owner.tenant_id, [own.source for own in found.greetings if own.source]
    )
    greetings: list[Heard] = []
    for own in found.greetings:
        source = names.get(own.source.removeprefix("+"), Source(number=own.source))
        text, language = own.text, own.spoken_language
        target = For(
            kind=own.kind,
            source=own.source,
            language=None if own.is_plain else own.language,
            last_day=own.last_day,
        )
        if text is None and language == mailbox.language and own.source and own.recorded is None:
            text = mailbox.greeting
        recorded = own.recorded
        greetings.append(
            Heard(
                target=target,
                when=when_in_words(target, visit.words),
                kind=source.kind,
                name=source.name,
                text=own.text,
                said=tuple(greeting_words(mailbox.display_name, text, language)),
                spoken_language=language,
                own_language=own.is_plain and own.language is not None,
                recorded=None if recorded is None else recorded.digest,
                about="" if recorded is None else _about(visit, recorded),
                name_recording=None if text is not None else mailbox.name_recording,
            )
        )
    return Subject(
        owner=owner,
        name=mailbox.display_name,
        path=f"/mailboxes/{mailbox.number}",
        language=language_name(mailbox.language, visit.words),
        greetings=tuple(greetings),
        spoken_name=None if found.name is None else _about(visit, found.name),
    )


def _about(visit: Visit, recorded: Recorded) -> str:
    return visit.words(
        "greetings.recorded",
        length=_length(recorded.seconds),
        at=visit.words.moment(recorded.at, visit.person.time_zone),
        who=author(recorded.by, visit.words),
    )


async def _receptionist(visit: Visit, owner: Owner) -> Subject:
    found = await receptionist_greetings.read_greeting(
        visit.deps.db, tenant_id=owner.tenant_id, number=owner.number
    )
    language = first_available((found.language,), available_languages())
    heard = Heard(
        target=For(),
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
