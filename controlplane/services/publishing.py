"""Publish the switch's configuration: render, write, link, reload, verify; or go back to the last good one.

A revision's row is `pending` until the switch was seen to run it, then `live`, or `failed` with
the reason. A crash between link and reload is healed by whoever publishes next, at the latest by
the job that runs each minute. Publishers of one host exclude each other by a lock on the folder.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog

from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.tree import RenderedTree
from controlplane.services.rendered_configuration import Rendering, render_configuration
from controlplane.services.switch_control import LiveConfiguration, SwitchControl
from controlplane.storage import configuration
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import Manifest, RevisionFolder

_KEPT_REVISIONS = 10
_ASK_AGAIN_SECONDS = 0.1
# A revision that failed is tried again by itself after this time, and by a change or a command at once.
_FAILED_AGAIN = timedelta(minutes=10)
_NAMES_SHOWN = 5


class Outcome(StrEnum):
    """How publishing ended; the words of the revision's row."""

    LIVE = "live"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishResult:
    """What came of it. `changed`: the switch reads other files than before. `error` is for people."""

    outcome: Outcome
    digest: str | None = None
    changed: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """What publishing works with. Without `control` there is no switch, and what is written is live."""

    database: Database
    folder: RevisionFolder
    rendering: Rendering
    control: SwitchControl | None
    verify_seconds: float = 30.0


async def publish(publisher: Publisher) -> PublishResult:
    """Bring the switch to what the database says now; several commits.

    Nothing is done when it runs that already. When the switch cannot be reached the link is set
    all the same and the result is pending: a start reads it, or the next publishing verifies it.
    Raises Unavailable without a database, and OSError when the folder cannot be written.
    """
    async with publisher.folder.locked():
        await _settle_link(publisher)
        return await _publish(publisher)


async def heal(publisher: Publisher, *, automatic: bool = True) -> PublishResult | None:
    """Make the switch run what the link names, and, if `automatic`, what the database says.

    A revision that failed lately is left alone. Raises as `publish` does.
    """
    async with publisher.folder.locked():
        await _settle_link(publisher)
        return await _publish(publisher, patient=True) if automatic else None


async def publish_without_switch(publisher: Publisher) -> PublishResult:
    """Write and link for a switch that is about to start; pending until it is verified afterwards."""
    async with publisher.folder.locked():
        tree = await _rendered(publisher)
        if isinstance(tree, PublishResult):
            return tree
        linked = await asyncio.to_thread(publisher.folder.linked)
        if linked is None or linked.digest != tree.digest:
            await _write(publisher, tree)
        return PublishResult(
            outcome=Outcome.PENDING,
            digest=tree.digest,
            changed=linked is None or linked.digest != tree.digest,
        )


async def note_pending(publisher: Publisher) -> PublishResult:
    """Note that what the database says is not published; for installations that publish by hand."""
    async with publisher.folder.locked():
        tree = await _rendered(publisher)
        if isinstance(tree, PublishResult):
            return tree
        linked = await asyncio.to_thread(publisher.folder.linked)
        if linked is not None and linked.digest == tree.digest:
            return PublishResult(outcome=Outcome.LIVE, digest=tree.digest)
        async with publisher.database.transaction() as session:
            await configuration.open_revision(session, tree.digest)
        return PublishResult(outcome=Outcome.PENDING, digest=tree.digest)


async def _publish(publisher: Publisher, *, patient: bool = False) -> PublishResult:
    tree = await _rendered(publisher)
    if isinstance(tree, PublishResult):
        return tree
    before = await asyncio.to_thread(publisher.folder.linked)
    async with publisher.database.transaction() as session:
        live = await configuration.live_digest(session)
        latest = await configuration.latest_revision(session)
    if before is not None and before.digest == tree.digest:
        outcome = Outcome.LIVE if live == tree.digest else Outcome.PENDING
        return PublishResult(outcome=outcome, digest=tree.digest)
    if patient and latest is not None and latest.state == "failed" and latest.digest == tree.digest:
        age = datetime.now(UTC) - latest.created_at
        if age < _FAILED_AGAIN:
            return PublishResult(outcome=Outcome.FAILED, digest=tree.digest, error=latest.error)
    revision_id = await _write(publisher, tree)
    wanted = Manifest(digest=tree.digest, endpoints=tree.endpoints)
    problem = await _reload(publisher, wanted, before=before)
    if isinstance(problem, SwitchUnavailable):
        return PublishResult(outcome=Outcome.PENDING, digest=tree.digest, changed=True, error=str(problem))
    if problem is not None:
        return await _go_back(publisher, revision_id, wanted, problem, live=live, before=before)
    await _note_live(publisher, revision_id, tree.digest)
    return PublishResult(outcome=Outcome.LIVE, digest=tree.digest, changed=True)


async def _rendered(publisher: Publisher) -> RenderedTree | PublishResult:
    """Render; a template that fails leaves everything as it is and a row that says so."""
    try:
        return await render_configuration(publisher.database, publisher.rendering)
    except RenderingError as error:
        structlog.get_logger().error("configuration.not_rendered", error=str(error))
        async with publisher.database.transaction() as session:
            revision_id = await configuration.open_revision(session, "")
            await configuration.mark_failed(session, revision_id, str(error))
        return PublishResult(outcome=Outcome.FAILED, error=str(error))


async def _write(publisher: Publisher, tree: RenderedTree) -> int:
    """Write the revision, note it, and link it."""
    manifest = Manifest(digest=tree.digest, endpoints=tree.endpoints)
    await asyncio.to_thread(publisher.folder.write, manifest, tree.files)
    async with publisher.database.transaction() as session:
        revision_id = await configuration.open_revision(session, tree.digest)
    await asyncio.to_thread(publisher.folder.link, tree.digest)
    return revision_id


async def _settle_link(publisher: Publisher) -> None:
    """Reload and verify what the link names, unless the switch was seen to run it and still does."""
    linked = await asyncio.to_thread(publisher.folder.linked)
    if linked is None:
        return
    async with publisher.database.transaction() as session:
        live = await configuration.live_digest(session)
    if publisher.control is not None:
        try:
            if (
                live == linked.digest
                and _difference(linked, await publisher.control.live_configuration()) is None
            ):
                return
        except SwitchUnavailable:
            return
    elif live == linked.digest:
        return
    problem = await _reload(publisher, linked, before=None)
    if isinstance(problem, SwitchUnavailable):
        return
    async with publisher.database.transaction() as session:
        revision_id = await configuration.open_revision(session, linked.digest)
    if problem is None:
        await _note_live(publisher, revision_id, linked.digest)
    else:
        await _go_back(publisher, revision_id, linked, problem, live=live, before=None)


async def _reload(
    publisher: Publisher, wanted: Manifest, *, before: Manifest | None
) -> str | SwitchUnavailable | None:
    """Reload the switch and verify; return what is wrong, None if nothing is."""
    if publisher.control is None:
        return None
    gone = frozenset[str]() if before is None else before.endpoints - wanted.endpoints
    try:
        await publisher.control.reload()
        deadline = asyncio.get_running_loop().time() + publisher.verify_seconds
        while True:
            problem = _difference(wanted, await publisher.control.live_configuration(), gone=gone)
            if problem is None or asyncio.get_running_loop().time() > deadline:
                return problem
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
    except SwitchRefused as error:
        return str(error)
    except SwitchUnavailable as error:
        return error


def _difference(
    wanted: Manifest, runs: LiveConfiguration, *, gone: frozenset[str] = frozenset()
) -> str | None:
    """Say how what the switch runs differs from what it should run."""
    if runs.digest != wanted.digest:
        return f"The switch runs revision {(runs.digest or 'none')[:12]}, not {wanted.digest[:12]}."
    missing = sorted(wanted.endpoints - runs.endpoints)
    if missing:
        return f"The switch does not know {len(missing)} endpoints: {', '.join(missing[:_NAMES_SHOWN])}."
    left = sorted(gone & runs.endpoints)
    if left:
        return f"The switch still knows {len(left)} removed endpoints: {', '.join(left[:_NAMES_SHOWN])}."
    return None


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
        await configuration.mark_failed(session, revision_id, problem)
    candidates = (live, None if before is None else before.digest)
    for digest in candidates:
        if digest is None or digest == wanted.digest:
            continue
        good = await asyncio.to_thread(publisher.folder.manifest, digest)
        if good is None:
            continue
        await asyncio.to_thread(publisher.folder.link, digest)
        still_wrong = await _reload(publisher, good, before=wanted)
        if still_wrong is not None:
            structlog.get_logger().error("configuration.not_restored", digest=digest, error=str(still_wrong))
        break
    return PublishResult(outcome=Outcome.FAILED, digest=wanted.digest, error=problem)


async def _note_live(publisher: Publisher, revision_id: int, digest: str) -> None:
    async with publisher.database.transaction() as session:
        await configuration.mark_live(session, revision_id)
    structlog.get_logger().info("configuration.live", digest=digest)
    await asyncio.to_thread(publisher.folder.prune, keep=_KEPT_REVISIONS, also=[digest])
