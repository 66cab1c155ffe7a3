"""Recordings that belong to no mailbox or cannot be understood: listening, assigning, discarding.

They are of no tenant that anybody knows, so they are for system admins alone.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Response
from fastapi.responses import FileResponse

from controlplane.domain.errors import Conflict, NotFound
from controlplane.services.quarantine import (
    assign_recording,
    discard_recording,
    find_recording,
    hear_recording,
    put_aside,
)
from controlplane.web.errors import status_of
from controlplane.web.portal.access import SystemAdmin
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_QUARANTINE = f"{PREFIX}/quarantine"


@router.get(_QUARANTINE)
async def quarantine_page(visit: SystemAdmin) -> Response:
    """List what was put aside."""
    return await _page(visit)


@router.get(_QUARANTINE + "/{name}/audio")
async def audio(visit: SystemAdmin, name: str) -> Response:
    """Answer with the recording, as it is."""
    deps = visit.deps
    return FileResponse(
        await hear_recording(deps.db, deps.spool, name, by=visit.person.label),
        media_type="audio/wav",
        headers={"Cache-Control": "private, no-store", "Content-Disposition": 'inline; filename="aside.wav"'},
    )


@router.post(_QUARANTINE + "/{name}/assign")
async def assign(visit: SystemAdmin, name: str) -> Response:
    """Make it a message of a mailbox."""
    number = visit.form.text("mailbox_number").strip()
    try:
        await assign_recording(
            visit.deps.db,
            visit.deps.spool,
            name,
            tenant_id=visit.person.tenant_id,
            mailbox_number=number,
            by=visit.person.label,
        )
    except (NotFound, Conflict) as error:
        if error.error_id == "no-such-recording":
            raise
        return await _page(visit, name, faults=faults_of(error, visit.words), status=status_of(error))
    return visit.go("/quarantine", notice="recording-assigned", number=number)


@router.post(_QUARANTINE + "/{name}/discard")
async def discard(visit: SystemAdmin, name: str) -> Response:
    """Ask once, then remove it for good."""
    found = await find_recording(visit.deps.spool, name)
    if not visit.form.ticked("sure"):
        return visit.page(
            "question.html",
            section="quarantine",
            title=visit.words("quarantine.discard-title"),
            text=visit.words("quarantine.discard-text", name=found.name),
            button=visit.words("quarantine.discard"),
            back="/quarantine",
            kept={},
        )
    await discard_recording(visit.deps.db, visit.deps.spool, name, by=visit.person.label)
    return visit.go("/quarantine", notice="recording-discarded")


async def _page(visit: Visit, at: str = "", *, faults: Faults | None = None, status: int = 200) -> Response:
    recordings = await put_aside(visit.deps.spool)
    return visit.page(
        "quarantine.html",
        section="quarantine",
        status=status,
        faults=faults,
        at=at,
        recordings=[(one, quote(one.name, safe="")) for one in recordings],
    )
