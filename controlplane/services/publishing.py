"""Publish the switch's configuration: render, write, link, reload, verify; or go back to the last good one.

A revision's row is `pending` until the switch was seen to run it, then `live`, or `failed` with
the reason. A crash between link and reload is healed by whoever publishes next, at the latest by
the job that runs each minute. Publishers of one host exclude each other by a lock on the folder.

Files of the live revision that somebody edited by hand are never replaced silently: who publishes
by hand is refused unless they say so, and what publishes by itself keeps a copy and goes on, since a
change such as a new password must not wait for a person.

Of tenants that publish by hand a revision has what was published last (`services.published_copies`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import SYSTEM, EditedFile
from controlplane.domain.errors import SwitchUnavailable
from controlplane.rendering.escape import RenderingError
from controlplane.services.published_copies import (
    CallFiles,
    place_files,
    settle_copies,
    take_copies,
    take_files_away,
)
from controlplane.services.publisher import (
    Candidate,
    Outcome,
    Publisher,
    PublishResult,
    drafted,
    edited_sentence,
    render_candidate,
)
from controlplane.services.reloading import differs, reload_and_verify
from controlplane.storage import configuration_changes, revisions
from controlplane.storage.revision_folder import Draft, Manifest
from controlplane.storage.revisions import NewRevision

__all__ = [
    "Outcome",
    "PublishResult",
    "Publisher",
    "heal",
    "publish",
    "publish_without_switch",
]

_KEPT_REVISIONS = 10
# A revision that failed is tried again by itself after this time, and by a change or a command at once.
_FAILED_AGAIN = timedelta(minutes=10)


async def publish(
    publisher: Publisher,
    *,
    by: str | None = None,
    overwrite: bool = True,
    waiting: Collection[UUID] | None = (),
    files: CallFiles | None = None,
) -> PublishResult:
    """Bring the switch to what the database says now; several commits.

    Nothing is done when it runs that already. When the switch cannot be reached the link is set
    all the same and the result is pending: a start reads it, or the next publishing verifies it.
    `by` is who asked for it; None for what publishes by itself, which is noted as done by who made
    the last change. Without `overwrite` it fails when files of the live revision were edited by hand.
    Of the tenants that publish by hand what waits is taken along for those in `waiting`, all for None. With
    `files` those that calls read follow, where something of such a tenant was settled.
    Raises Unavailable without a database, and OSError when a folder cannot be written.
    """
    async with publisher.folder.locked():
        # What follows reloads and asks for more, if there is anything new.
        await _settle_link(publisher, thoroughly=by is not None)
        await take_copies(publisher, waiting)
        if files is not None:
            await take_files_away(publisher.database, files)
        return await _settle(publisher, await _publish(publisher, by=by, overwrite=overwrite), files)


async def heal(publisher: Publisher, *, files: CallFiles | None = None) -> PublishResult:
    """Make the switch run what the link names, and what the database says.

    A revision that failed lately is left alone. Raises as `publish` does.
    """
    async with publisher.folder.locked():
        await _settle_link(publisher)
        result = await _publish(publisher, by=None, overwrite=True, patient=True)
        return await _settle(publisher, result, files)


async def _settle(publisher: Publisher, result: PublishResult, files: CallFiles | None) -> PublishResult:
    await settle_copies(publisher, result)
    if files is not None:
        await place_files(publisher.database, files)
    return result


async def publish_without_switch(publisher: Publisher) -> PublishResult:
    """Write and link for a switch that is about to start; pending until it is verified afterwards."""
    async with publisher.folder.locked(), drafted(publisher) as draft:
        candidate = await _candidate(publisher, draft)
        if isinstance(candidate, PublishResult):
            return candidate
        changed = draft.before is None or draft.before.digest != candidate.digest
        if changed:
            await _write(publisher, draft, candidate, author=SYSTEM)
        return PublishResult(outcome=Outcome.PENDING, digest=candidate.digest, changed=changed)


async def _publish(
    publisher: Publisher, *, by: str | None, overwrite: bool, patient: bool = False
) -> PublishResult:
    async with drafted(publisher) as draft:
        candidate = await _candidate(publisher, draft)
        if isinstance(candidate, PublishResult):
            return candidate
        return await _publish_draft(publisher, draft, candidate, by=by, overwrite=overwrite, patient=patient)


async def _publish_draft(
    publisher: Publisher,
    draft: Draft,
    candidate: Candidate,
    *,
    by: str | None,
    overwrite: bool,
    patient: bool,
) -> PublishResult:
    before, edited, digest = draft.before, draft.edited, candidate.digest
    if before is not None and before.digest == digest and not (edited and by is not None):
        return await _nothing_to_do(publisher, candidate)
    async with publisher.database.transaction() as session:
        live = await revisions.live_digest(session)
        latest = await revisions.latest(session)
    if patient and latest is not None and latest.state == "failed" and latest.digest == digest:
        age = datetime.now(UTC) - latest.created_at
        if age < _FAILED_AGAIN:
            return PublishResult(outcome=Outcome.FAILED, digest=digest, error=latest.error)
    if edited and not overwrite:
        return await _refuse(publisher, candidate, by=by, edited=edited)
    revision_id, wanted = await _write(publisher, draft, candidate, author=by)
    problem = await _reload(publisher, wanted, before=before)
    if isinstance(problem, SwitchUnavailable):
        return PublishResult(outcome=Outcome.PENDING, digest=digest, changed=True, error=str(problem))
    if problem is not None:
        return await _go_back(publisher, revision_id, wanted, problem, live=live, before=before)
    await _note_live(publisher, revision_id, digest)
    return PublishResult(outcome=Outcome.LIVE, digest=digest, changed=True)


async def _candidate(publisher: Publisher, draft: Draft) -> Candidate | PublishResult:
    """Render; a template that fails leaves everything as it is and a row that says so."""
    try:
        candidate = await render_candidate(publisher, draft)
    except RenderingError as error:
        structlog.get_logger().error("configuration.not_rendered", error=str(error))
        async with publisher.database.transaction() as session:
            revision_id = await revisions.open_revision(session, NewRevision(digest=""))
            await revisions.mark_failed(session, revision_id, str(error))
        return PublishResult(outcome=Outcome.FAILED, error=str(error))
    publisher.reached("rendered")
    return candidate


async def _nothing_to_do(publisher: Publisher, candidate: Candidate) -> PublishResult:
    """Note what is true when the link names what the database says: that nothing waits any more."""
    digest = candidate.digest
    async with publisher.database.transaction() as session:
        if await revisions.live_digest(session) != digest:
            return PublishResult(outcome=Outcome.PENDING, digest=digest)
        latest = await revisions.latest(session)
        if latest is not None and latest.state == "failed":
            # What had failed was undone: a row of its own says so, and the failure stays to be read.
            revision_id = await _open(session, candidate, author=None)
            await revisions.mark_live(session, revision_id)
        await revisions.supersede_pending(session)
        await configuration_changes.settle(session, candidate.change_ids)
    return PublishResult(outcome=Outcome.LIVE, digest=digest)


async def _refuse(
    publisher: Publisher, candidate: Candidate, *, by: str | None, edited: Sequence[EditedFile]
) -> PublishResult:
    """Leave everything as it is, and a row that says why."""
    problem = edited_sentence(edited)
    async with publisher.database.transaction() as session:
        revision_id = await _open(session, candidate, author=by)
        await revisions.mark_failed(session, revision_id, problem)
    return PublishResult(outcome=Outcome.FAILED, digest=candidate.digest, error=problem)


async def _write(
    publisher: Publisher, draft: Draft, candidate: Candidate, *, author: str | None
) -> tuple[int, Manifest]:
    """Keep what was edited by hand, complete the revision, note it, and link it."""
    folder = publisher.folder
    linked = draft.before
    copy = None if linked is None else await asyncio.to_thread(folder.keep_edited, linked.digest)
    if copy is not None:
        structlog.get_logger().warning("configuration.edited_kept", copy=str(folder.root / copy))
        publisher.reached("edits-kept")
    manifest = await asyncio.to_thread(
        folder.complete, draft, digest=candidate.digest, endpoints=candidate.endpoints
    )
    async with publisher.database.transaction() as session:
        revision_id = await _open(session, candidate, author=author, edited_copy=copy)
    publisher.reached("noted-pending")
    await asyncio.to_thread(folder.link, candidate.digest)
    publisher.reached("linked")
    return revision_id, manifest


async def _open(
    session: AsyncSession,
    candidate: Candidate,
    *,
    author: str | None,
    edited_copy: str | None = None,
) -> int:
    """Note a revision with what it changes; without an author it is that of the newest change."""
    named = author or await configuration_changes.last_author(session, candidate.change_ids) or SYSTEM
    revision_id = await revisions.open_revision(
        session,
        NewRevision(digest=candidate.digest, author=named, files=candidate.files, edited_copy=edited_copy),
    )
    await configuration_changes.cover(session, revision_id, candidate.change_ids)
    return revision_id


async def _settle_link(publisher: Publisher, *, thoroughly: bool = True) -> None:
    """Reload and verify what the link names, unless the switch was seen to run it and still does."""
    linked = await asyncio.to_thread(publisher.folder.linked)
    if linked is None:
        return
    async with publisher.database.transaction() as session:
        live = await revisions.live_digest(session)
    if publisher.control is not None:
        asked = linked.witnesses if thoroughly else linked.alone
        try:
            if live == linked.digest and await differs(publisher.control, linked, asked=asked) is None:
                return
        except SwitchUnavailable:
            return
    elif live == linked.digest:
        return
    problem = await _reload(publisher, linked, before=None)
    if isinstance(problem, SwitchUnavailable):
        return
    async with publisher.database.transaction() as session:
        revision_id = await revisions.open_revision(session, NewRevision(digest=linked.digest))
    if problem is None:
        await _note_live(publisher, revision_id, linked.digest)
    else:
        await _go_back(publisher, revision_id, linked, problem, live=live, before=None)


async def _reload(
    publisher: Publisher, wanted: Manifest, *, before: Manifest | None
) -> str | SwitchUnavailable | None:
    if publisher.control is None:
        return None
    problem = await reload_and_verify(
        publisher.control, wanted, before=before, seconds=publisher.verify_seconds
    )
    publisher.reached("reloaded")
    return problem


async def _go_back(
    publisher: Publisher,
    revision_id: int,
    wanted: Manifest,
    problem: str,
    *,
    live: str | None,
    before: Manifest | None,
) -> PublishResult:
    """Link and reload the last revision that was live, or the one before; note the failure."""
    structlog.get_logger().error("configuration.failed", digest=wanted.digest, error=problem)
    async with publisher.database.transaction() as session:
        await revisions.mark_failed(session, revision_id, problem)
    publisher.reached("noted-failed")
    put_back = False
    candidates = (live, None if before is None else before.digest)
    for digest in candidates:
        if digest is None or digest == wanted.digest:
            continue
        good = await asyncio.to_thread(publisher.folder.manifest, digest)
        if good is None:
            continue
        await asyncio.to_thread(publisher.folder.link, digest)
        publisher.reached("linked-back")
        still_wrong = await _reload(publisher, good, before=wanted)
        if still_wrong is not None:
            structlog.get_logger().error("configuration.not_restored", digest=digest, error=str(still_wrong))
        put_back = still_wrong is None
        break
    async with publisher.database.transaction() as session:
        await revisions.mark_put_back(session, revision_id, done=put_back)
    return PublishResult(outcome=Outcome.FAILED, digest=wanted.digest, error=problem)


async def _note_live(publisher: Publisher, revision_id: int, digest: str) -> None:
    async with publisher.database.transaction() as session:
        await revisions.mark_live(session, revision_id)
        await configuration_changes.settle_revision(session, revision_id)
        await revisions.forget_old(session)
    publisher.reached("noted-live")
    structlog.get_logger().info("configuration.live", digest=digest)
    await asyncio.to_thread(publisher.folder.prune, keep=_KEPT_REVISIONS, also=[digest])
