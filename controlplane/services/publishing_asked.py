"""Publishing that somebody asks for: what it would change, and the job that does it.

A token of a tenant publishes what waits of that tenant; it is told of its own objects alone, and may not undo
what somebody edited by hand, which concerns all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from controlplane.domain.configuration import EditedFile, FileDifference
from controlplane.domain.errors import Conflict, Unavailable
from controlplane.rendering.escape import RenderingError
from controlplane.services.publisher import (
    Publisher,
    drafted,
    edited_files,
    edited_sentence,
    render_candidate,
)
from controlplane.storage import configuration_changes, publishing_modes
from controlplane.storage.configuration_changes import NotedChanges
from controlplane.storage.queue import Jobs

__all__ = ["BY_HAND", "Asked", "Preview", "ask_to_publish", "preview"]

BY_HAND = "configuration.publish_by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose changes are to be published: of one tenant, of all for None; `all_told`: who asks may see all."""

    tenant_id: UUID | None
    all_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What publishing would do now: which objects and files; what it would have to undo. None: not told."""

    digest: str
    changes: NotedChanges
    files: Sequence[FileDifference] | None
    edited: Sequence[EditedFile] | None


async def preview(publisher: Publisher, asked: Asked) -> Preview:
    """Render and check what would be published, and compare it with what is; changes nothing.

    Raises Conflict `configuration-not-rendered`, Unavailable.
    """
    try:
        current = await _waiting(publisher, asked)
        async with drafted(publisher, writes=False) as draft:
            candidate = await render_candidate(publisher, draft, current=current)
    except RenderingError as error:
        why = f": {error}" if asked.all_told else ". A system token is told why."
        raise Conflict(
            f"The configuration cannot be rendered{why}", error_id="configuration-not-rendered"
        ) from error
    except OSError as error:
        raise _unreadable(error) from error
    async with publisher.database.transaction() as session:
        changes = await configuration_changes.waiting(session, asked.tenant_id)
    return Preview(
        digest=candidate.digest,
        changes=changes,
        files=candidate.files if asked.all_told else None,
        edited=draft.edited if asked.all_told else None,
    )


async def ask_to_publish(publisher: Publisher, jobs: Jobs, asked: Asked, *, by: str, overwrite: bool) -> None:
    """Have a job publish what waits.

    Raises Conflict `configuration-edited` when that would undo what somebody edited by hand, unless
    `overwrite`; the job looks again. Raises Unavailable.
    """
    try:
        edited = await asyncio.to_thread(edited_files, publisher.folder)
    except OSError as error:
        raise _unreadable(error) from error
    if edited and not overwrite:
        raise _edited(edited, asked)
    tenant_ids = None if asked.tenant_id is None else [str(asked.tenant_id)]
    async with publisher.database.transaction() as session:
        await jobs.defer(
            session, BY_HAND, lock="configuration", by=by, overwrite=overwrite, tenant_ids=tenant_ids
        )
    structlog.get_logger().info("configuration.asked", by=by, overwrite=overwrite, tenant_ids=tenant_ids)


async def _waiting(publisher: Publisher, asked: Asked) -> Collection[UUID]:
    """Return the tenants of which what waits is asked for."""
    if asked.tenant_id is not None:
        return [asked.tenant_id]
    async with publisher.database.transaction() as session:
        return await publishing_modes.by_hand(session)


def _edited(edited: Sequence[EditedFile], asked: Asked) -> Conflict:
    if not asked.all_told:
        return Conflict(
            "Files of the live revision were edited by hand, and publishing would undo that. Who runs this "
            "installation must publish with a system token.",
            error_id="configuration-edited",
        )
    return Conflict(
        edited_sentence(edited),
        error_id="configuration-edited",
        details={"files": [file.path for file in edited]},
    )


def _unreadable(error: OSError) -> Unavailable:
    return Unavailable(f"The published configuration cannot be read ({error.strerror}).")
