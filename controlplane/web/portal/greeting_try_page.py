"""Making a greeting: it is recorded, uploaded or written, heard as callers will hear it, and then used."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import DomainError, InvalidValue
from controlplane.services.greeting_drafts import (
    LONGEST_TEXT,
    Draft,
    For,
    drop_draft,
    read_draft,
    try_recording,
    try_text,
    use_draft,
)
from controlplane.services.greeting_sources import Source, named_sources
from controlplane.services.hearing import hear
from controlplane.services.kind_rules import check_kind
from controlplane.services.mailbox_rules import parse_source
from controlplane.web.errors import status_of
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.greeting_targets import Target, target_sent
from controlplane.web.portal.greetings_page import (
    GREETINGS,
    Subject,
    address_of,
    list_page,
    owner_of,
    same_target,
    subject_of,
    wav_response,
    when_in_words,
)
from controlplane.web.portal.mailbox_words import language_name, language_options
from controlplane.web.portal.managing import Managing, ManagingWithFiles, Owners
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
MICROPHONE: Final = {"Permissions-Policy": "camera=(), geolocation=(), microphone=(self)"}
"""For the page that records, and no other."""
_DRAFT: Final = GREETINGS + "/try/{draft_id}"


@router.get(GREETINGS + "/change")
async def change_page(
    visit: Managing, owners: Owners, number: str, target: Target, draft: UUID | None = None
) -> Response:
    """Show the ways to make a greeting; of a text that was tried, with its words."""
    owner = owner_of(visit, owners, number)
    subject = await subject_of(visit, owner)
    if not subject.is_mailbox:
        target = For()
    tried = None if draft is None else await read_draft(visit.deps.db, owner, draft)
    try:
        parse_source(target.source)
        if not target.is_plain:
            check_kind(target.kind, target.source, target.language, target.last_day)
    except InvalidValue as error:
        return list_page(visit, owners, subject, [], target=target, error=error)
    own = next((one for one in subject.greetings if same_target(one.target, target)), None)
    text = tried.text if tried is not None else (own.text if own is not None else None)
    language = tried.language if tried is not None else None
    if tried is None and own is not None and own.own_language:
        language = own.spoken_language
    return await _page(visit, owners, subject, target, text=text or "", language=language or "")


@router.post(GREETINGS + "/try")
async def try_greeting(visit: ManagingWithFiles, owners: Owners, number: str) -> Response:
    """Take what was recorded, uploaded or written, to be heard first."""
    owner, form, by = owner_of(visit, owners, number), visit.form, visit.person.label
    target, text, language = target_sent(form), form.text("text"), form.text("language")
    try:
        if form.text("do") == "text":
            draft_id = await try_text(
                visit.deps.db,
                owner,
                target=target,
                text=text.replace("\r\n", "\n"),
                language=language or None,
                by=by,
            )
        else:
            chosen = form.upload("greeting")
            content = b"" if chosen is None else await chosen.read()
            draft_id = await try_recording(visit.deps.db, owner, target=target, content=content, by=by)
    except InvalidValue as error:
        subject = await subject_of(visit, owner)
        return await _page(visit, owners, subject, target, text=text, language=language, error=error)
    subject = await subject_of(visit, owner)
    return visit.go(f"{subject.path}/greetings/try/{draft_id}")


@router.get(_DRAFT)
async def draft_page(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Let somebody hear a greeting before callers do."""
    owner = owner_of(visit, owners, number)
    draft = await read_draft(visit.deps.db, owner, draft_id)
    subject = await subject_of(visit, owner)
    return visit.page(
        "greeting_try.html",
        section=owners,
        subject=subject,
        draft=draft,
        about=await _source(visit, draft.target.source),
        when=when_in_words(draft.target, visit.words),
        change=address_of(
            subject, "change", draft.target, **({"draft": str(draft.id)} if draft.wav is None else {})
        ),
        spoken_language=language_name(draft.spoken_language, visit.words),
    )


@router.get(_DRAFT + "/audio")
async def draft_audio(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Answer with what callers will hear."""
    deps = visit.deps
    draft = await read_draft(deps.db, owner_of(visit, owners, number), draft_id)
    wav = draft.wav
    if wav is None:
        wav = await hear(deps.db, deps.jobs, draft.said, language=draft.spoken_language, clock=time.monotonic)
    return wav_response(visit, wav, name=f"greeting-{number}")


@router.post(_DRAFT)
async def settle_draft(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Use a greeting that was tried, or drop it."""
    deps, owner = visit.deps, owner_of(visit, owners, number)
    draft: Draft = await read_draft(deps.db, owner, draft_id)
    subject = await subject_of(visit, owner)
    if visit.form.text("do") != "use":
        await drop_draft(deps.db, draft.id)
        return visit.go(f"{subject.path}/greetings", notice="greeting-dropped")
    try:
        await use_draft(deps.db, deps.jobs, owner, draft.id, by=visit.person.label, clock=deps.clock)
    except InvalidValue as error:
        return await _page(visit, owners, subject, draft.target, text=draft.text or "", error=error)
    return visit.go(f"{subject.path}/greetings", notice="greeting-used")


async def _page(
    visit: Visit,
    owners: str,
    subject: Subject,
    target: For,
    *,
    text: str = "",
    language: str = "",
    error: DomainError | None = None,
) -> Response:
    return visit.page(
        "greeting_change.html",
        section=owners,
        status=200 if error is None else status_of(error),
        headers=MICROPHONE,
        faults=Faults() if error is None else faults_of(error, visit.words),
        subject=subject,
        target=target,
        source=target.source,
        when=when_in_words(target, visit.words),
        about=await _source(visit, target.source),
        spoken_in=language_name(target.language, visit.words) if target.language else subject.language,
        text=text,
        chosen=language,
        languages=language_options(visit.words, language, key="of-mailbox"),
        most=LONGEST_TEXT[subject.owner.kind],
    )


async def _source(visit: Visit, source: str) -> Source:
    found = await named_sources(visit.deps.db, visit.person.tenant_id, [source])
    return found.get(source.removeprefix("+"), Source(number=source))
