"""Apply changes: what waits, publishing it, how far that is, how it publishes, and what was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Path, Response

from controlplane.domain.configuration import FileDifference, Mode
from controlplane.domain.errors import Conflict, DomainError, InvalidValue
from controlplane.services.configuration_state import (
    ConfigurationState,
    ListedRevision,
    State,
    list_revisions,
    read_configuration,
    read_revision,
)
from controlplane.services.pending_changes import by_object, read_pending
from controlplane.services.publishing_asked import Asked, ask_to_publish, preview
from controlplane.services.publishing_modes import choose_mode
from controlplane.web.errors import status_of
from controlplane.web.paging import cursor, invalid_cursor, position
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.change_words import told_object
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.mailbox_words import author
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
PUBLISHING: Final = f"{PREFIX}/publishing"
_SECTION: Final = "publishing"
_LARGEST: Final = 2**63 - 1
_LINES: Final = 400
_LINE: Final = 200
_OBJECTS: Final = 60
_REVISIONS: Final = 25
_ON_THE_PAGE: Final = 8
_OK: Final = 200
Number = Annotated[int, Path(ge=1, le=_LARGEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What changes in a file: lines with what they are, or why none are shown."""

    path: str
    change: str
    lines: Sequence[tuple[str, str]]
    cut: bool


@router.get(PUBLISHING)
async def publishing_page(visit: Inside) -> Response:
    """Show what waits and how far publishing is."""
    return await _page(visit)


@router.post(PUBLISHING)
async def publish_changes(visit: Inside) -> Response:
    """Have what waits of the tenant published; undo what was edited by hand only for a system admin."""
    by = visit.person
    overwrite = by.system and visit.form.ticked("overwrite")
    asked = Asked(tenant_id=by.tenant_id, all_told=by.system)
    try:
        await ask_to_publish(visit.deps.publisher, visit.deps.jobs, asked, by=by.label, overwrite=overwrite)
    except Conflict as error:
        return await _page(visit, error=error)
    return visit.go("/publishing", notice="publishing-asked")


@router.post(f"{PUBLISHING}/mode")
async def choose_publishing_mode(visit: Inside) -> Response:
    """Choose whether changes of the tenant are published by themselves."""
    try:
        mode = Mode(visit.form.text("mode"))
    except ValueError:
        return await _page(
            visit,
            error=InvalidValue("Choose one of the two.", error_id="not-one-of", field="mode"),
        )
    by = visit.person
    await choose_mode(visit.deps.db, visit.deps.jobs, mode, tenant_id=by.tenant_id, by=by.label)
    return visit.go("/publishing", notice=f"publishing-{mode.value}")


@router.get(f"{PUBLISHING}/files")
async def files_page(visit: Inside) -> Response:
    """Render what publishing would change, and show the files to who may see them."""
    by = visit.person
    shown = None
    faults = Faults()
    status = _OK
    try:
        found = await preview(visit.deps.publisher, Asked(tenant_id=by.tenant_id, all_told=by.system))
        shown = _files(found.files)
    except Conflict as error:
        faults, status = faults_of(error, visit.words), status_of(error)
    return visit.page("publishing_files.html", section=_SECTION, files=shown, faults=faults, status=status)


@router.get(f"{PUBLISHING}/revisions")
async def revisions_page(visit: Inside) -> Response:
    """List all revisions that are remembered, newest first."""
    after = visit.request.query_params.get("after")
    by = visit.person
    page = await list_revisions(
        visit.deps.db, all_tenants=by.system, limit=_REVISIONS, before=_number(position(after))
    )
    return visit.page(
        "publishing_revisions.html",
        section=_SECTION,
        revisions=[_revision(one, visit) for one in page.items],
        following=cursor(str(page.items[-1].revision.id)) if page.more else None,
        later=after is not None,
    )


@router.get(PUBLISHING + "/revisions/{number}")
async def revision_page(visit: Inside, number: Number) -> Response:
    """Show what a revision changed, and how it went."""
    by = visit.person
    found = await read_revision(visit.deps.db, number, tenant_id=by.tenant_id, all_tenants=by.system)
    objects = by_object(found.changes.items)
    return visit.page(
        "publishing_revision.html",
        section=_SECTION,
        revision=_revision(found.listed, visit),
        objects=[told_object(one, visit.words, time_zone=by.time_zone) for one in objects[:_OBJECTS]],
        left_out=found.changes.left_out + len(objects[_OBJECTS:]),
        files=_files(found.files),
    )


async def _page(visit: Visit, *, error: DomainError | None = None) -> Response:
    by = visit.person
    state = await read_configuration(
        visit.deps.db,
        visit.deps.publisher.folder,
        tenant_id=by.tenant_id,
        all_tenants=by.system,
        looks_for_edits=not visit.by_htmx,
    )
    pending = await read_pending(visit.deps.db, by.tenant_id)
    refused = None
    if state.mode.mode is Mode.MANUAL and state.mode.failed_revision is not None:
        refused = state.mode.failed_revision
    elif state.state is State.FAILED:
        refused = state.waiting
    why = next((one.error for one in state.revisions if one.revision.id == refused), None)
    return visit.page(
        "publishing.html",
        section=_SECTION,
        status=_OK if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, visit.words),
        state=state,
        manual=state.mode.mode is Mode.MANUAL,
        chosen_by=None if state.mode.chosen_by is None else author(state.mode.chosen_by, visit.words),
        steps=_steps(state),
        refused=refused,
        why=why,
        objects=[told_object(one, visit.words, time_zone=by.time_zone) for one in pending.items[:_OBJECTS]],
        left_out=pending.left_out + len(pending.items[_OBJECTS:]),
        revisions=[_revision(one, visit) for one in state.revisions[:_ON_THE_PAGE]],
    )


def _steps(state: ConfigurationState) -> Sequence[tuple[str, str]]:
    """Return the steps of publishing, each done, now or later; none when nothing is being published.

    With a person's asking the copy is taken first; the revision is noted once it is written, and live when
    the switch was seen to run it.
    """
    manual = state.mode.mode is Mode.MANUAL
    if not (state.asked or state.mode.publishing if manual else state.state is State.PENDING):
        return ()
    newest = next((one.revision for one in state.revisions if one.revision.state != "superseded"), None)
    written = newest is not None and newest.state == "pending"
    at = 2 if written else 1 if state.mode.publishing or not manual else 0
    return [
        (name, "done" if place < at else "now" if place == at else "later")
        for place, name in enumerate(("asked", "written", "read"))
    ]


def _revision(one: ListedRevision, visit: Visit) -> dict[str, object]:
    words, zone, revision = visit.words, visit.person.time_zone, one.revision
    return {
        "number": revision.id,
        "state": revision.state,
        "who": None if one.author is None else _author(one.author, words),
        "at": words.moment(revision.created_at, zone),
        "live_at": None if revision.live_at is None else words.moment(revision.live_at, zone),
        "error": one.error,
        "put_back": revision.put_back,
        "edited_copy": one.edited_copy,
    }


def _author(label: str, words: Words) -> str:
    key = f"authors.{label}"
    return words(key) if label in {"system", "cli"} else author(label, words)


def _files(found: Sequence[FileDifference] | None) -> Sequence[_File] | None:
    """Return the differences of files as lines, as many as a page can have."""
    if found is None:
        return None
    files, left = [], _LINES
    for one in found:
        lines = [] if one.difference is None else one.difference.splitlines()[2:]
        shown = lines[: max(left, 0)]
        left -= len(shown)
        files.append(
            _File(
                path=one.path,
                change=one.change.value,
                lines=[(_line_kind(line), line[:_LINE]) for line in shown],
                cut=one.difference is None or len(shown) < len(lines),
            )
        )
    return files


def _line_kind(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "same")


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isdecimal() or not 0 < int(after) <= _LARGEST:
        raise invalid_cursor()
    return int(after)
