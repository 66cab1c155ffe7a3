"""Publishing that somebody asks for: what it would change, and the job that does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

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
from controlplane.storage import configuration_changes
from controlplane.storage.configuration_changes import NotedChanges
from controlplane.storage.queue import Jobs

__all__ = ["BY_HAND", "Preview", "ask_to_publish", "preview"]

BY_HAND = "configuration.publish_by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What publishing would do now: to which digest, which objects and files; what it would have to undo."""

    digest: str
    changes: NotedChanges
    files: Sequence[FileDifference]
    edited: Sequence[EditedFile]


async def preview(publisher: Publisher) -> Preview:
    """Render and check what the database says, and compare it with what is published; changes nothing.

    Raises Conflict `configuration-not-rendered`, Unavailable.
    """
    try:
        async with drafted(publisher, writes=False) as draft:
            candidate = await render_candidate(publisher, draft)
    except RenderingError as error:
        raise Conflict(
            f"The configuration cannot be rendered: {error}", error_id="configuration-not-rendered"
        ) from error
    except OSError as error:
        raise _unreadable(error) from error
    async with publisher.database.transaction() as session:
        changes = await configuration_changes.waiting(session, None)
    return Preview(digest=candidate.digest, changes=changes, files=candidate.files, edited=draft.edited)


async def ask_to_publish(publisher: Publisher, jobs: Jobs, *, by: str, overwrite: bool) -> None:
    """Have a job publish, in either mode.

    Raises Conflict `configuration-edited` when that would undo what somebody edited by hand, unless
    `overwrite`; the job looks again. Raises Unavailable.
    """
    try:
        edited = await asyncio.to_thread(edited_files, publisher.folder)
    except OSError as error:
        raise _unreadable(error) from error
    if edited and not overwrite:
        raise Conflict(
            edited_sentence(edited),
            error_id="configuration-edited",
            details={"files": [file.path for file in edited]},
        )
    async with publisher.database.transaction() as session:
        await jobs.defer(session, BY_HAND, lock="configuration", by=by, overwrite=overwrite)
    structlog.get_logger().info("configuration.asked", by=by, overwrite=overwrite)


def _unreadable(error: OSError) -> Unavailable:
    return Unavailable(f"The published configuration cannot be read ({error.strerror}).")
