"""The spoken name of a mailbox: recorded or uploaded, heard first, used, played, and taken away."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.services import spoken_names
from controlplane.services.greeting_drafts import Owner, drop_draft
from controlplane.services.spoken_name_drafts import tried_name, try_name, use_tried_name
from controlplane.web.errors import status_of
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.greeting_try_page import MICROPHONE
from controlplane.web.portal.greetings_page import GREETINGS, Subject, owner_of, subject_of, wav_response
from controlplane.web.portal.managing import Managing, ManagingWithFiles, Owners
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_NAME: Final = GREETINGS + "/name"
_DRAFT: Final = _NAME + "/try/{draft_id}"


@router.get(_NAME + "/audio")
async def name_audio(visit: Managing, owners: Owners, number: str, *, save: bool = False) -> Response:
    """Answer with the mailbox's name as somebody said it; with `save` the browser keeps it as a file."""
    owner = owner_of(visit, owners, number)
    wav = await spoken_names.recorded_name(visit.deps.db, tenant_id=owner.tenant_id, number=owner.number)
    return wav_response(visit, wav, name=f"name-{owner.number}", save=save)


@router.get(_NAME + "/change")
async def change_page(visit: Managing, owners: Owners, number: str) -> Response:
    """Show the ways to say the name."""
    _, subject = await _subject(visit, owners, number)
    return _change(visit, owners, subject)


@router.post(_NAME + "/try")
async def try_recorded(visit: ManagingWithFiles, owners: Owners, number: str) -> Response:
    """Take what was recorded or uploaded, to be heard first."""
    owner, subject = await _subject(visit, owners, number)
    chosen = visit.form.upload("greeting")
    content = b"" if chosen is None else await chosen.read()
    try:
        draft_id = await try_name(
            visit.deps.db,
            tenant_id=owner.tenant_id,
            number=owner.number,
            content=content,
            by=visit.person.label,
        )
    except InvalidValue as error:
        return _change(visit, owners, subject, error=error)
    return visit.go(f"{subject.path}/greetings/name/try/{draft_id}")


@router.get(_DRAFT)
async def draft_page(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Let somebody hear the name before callers do."""
    owner, subject = await _subject(visit, owners, number)
    await tried_name(visit.deps.db, tenant_id=owner.tenant_id, number=owner.number, draft_id=draft_id)
    return visit.page("spoken_name_try.html", section=owners, subject=subject, draft_id=draft_id)


@router.get(_DRAFT + "/audio")
async def draft_audio(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Answer with what callers will hear."""
    owner = owner_of(visit, owners, number)
    wav = await tried_name(visit.deps.db, tenant_id=owner.tenant_id, number=owner.number, draft_id=draft_id)
    return wav_response(visit, wav, name=f"name-{owner.number}")


@router.post(_DRAFT)
async def settle_draft(visit: Managing, owners: Owners, number: str, draft_id: UUID) -> Response:
    """Use a name that was tried, or drop it."""
    deps, (owner, subject) = visit.deps, await _subject(visit, owners, number)
    if visit.form.text("do") != "use":
        await tried_name(deps.db, tenant_id=owner.tenant_id, number=owner.number, draft_id=draft_id)
        await drop_draft(deps.db, draft_id)
        return visit.go(f"{subject.path}/greetings", notice="name-dropped")
    await use_tried_name(
        deps.db,
        deps.jobs,
        tenant_id=owner.tenant_id,
        number=owner.number,
        draft_id=draft_id,
        by=visit.person.label,
        clock=deps.clock,
    )
    return visit.go(f"{subject.path}/greetings", notice="name-used")


@router.post(_NAME + "/remove")
async def remove_name(visit: Managing, owners: Owners, number: str) -> Response:
    """Have the mailbox's name spoken by the system again; asks first, as the recording would be gone."""
    deps, (owner, subject) = visit.deps, await _subject(visit, owners, number)
    if subject.spoken_name is not None and not visit.form.ticked("sure"):
        return visit.page("spoken_name_remove.html", section=owners, subject=subject)
    await spoken_names.remove_name(
        deps.db, deps.jobs, tenant_id=owner.tenant_id, number=owner.number, by=visit.person.label
    )
    return visit.go(f"{subject.path}/greetings", notice="name-removed")


async def _subject(visit: Visit, owners: str, number: str) -> tuple[Owner, Subject]:
    owner = owner_of(visit, owners, number)
    subject = await subject_of(visit, owner)
    if not subject.is_mailbox:
        raise NotFound("A virtual receptionist has no spoken name.", error_id="not-found")
    return owner, subject


def _change(visit: Visit, owners: str, subject: Subject, *, error: InvalidValue | None = None) -> Response:
    return visit.page(
        "spoken_name_change.html",
        section=owners,
        status=200 if error is None else status_of(error),
        headers=MICROPHONE,
        faults=Faults() if error is None else faults_of(error, visit.words),
        subject=subject,
        longest=spoken_names.LONGEST_NAME_SECONDS,
    )
