"""What publishing works with: the publisher, what would be published, and what was edited by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from controlplane.domain.configuration import EditedFile, FileDifference
from controlplane.rendering.difference import differences
from controlplane.rendering.tree import RenderedTree
from controlplane.services.rendered_configuration import Rendering, render_configuration
from controlplane.services.switch_control import SwitchControl
from controlplane.storage import configuration_changes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.revision_folder import RevisionFolder

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
    """What publishing works with. Without `control` there is no switch, and what is written is live.

    `reached` is told each step, for tests that end the process there. `jobs` are for what follows when a
    tenant that publishes by hand is live; without it that is not spoken.
    """

    database: Database
    folder: RevisionFolder
    rendering: Rendering
    control: SwitchControl | None
    verify_seconds: float = 30.0
    reached: Callable[[str], None] = lambda _: None
    jobs: Jobs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the database says now: its tree, what that changes of what is linked, and the changes it holds."""

    tree: RenderedTree
    files: tuple[FileDifference, ...]
    change_ids: tuple[int, ...]


async def render_candidate(publisher: Publisher, *, current: Collection[UUID] = ()) -> Candidate:
    """Render and check what the database says now, and compare; writes nothing.

    Of tenants that publish by hand it is what was copied, and of those in `current` what publishing them
    would take along.
    Raises RenderingError, Unavailable, OSError.
    """
    async with publisher.database.transaction() as session:
        change_ids = await configuration_changes.waiting_ids(session, current=current)
    tree = await render_configuration(publisher.database, publisher.rendering, current=current)
    files = await asyncio.to_thread(_differences, publisher.folder, tree)
    return Candidate(tree=tree, files=tuple(files), change_ids=tuple(change_ids))


def edited_files(folder: RevisionFolder) -> list[EditedFile]:
    """Return which files of the linked revision somebody edited by hand; raises OSError."""
    linked = folder.linked()
    return [] if linked is None else folder.edited(linked.digest)


def edited_sentence(edited: Sequence[EditedFile]) -> str:
    """Say what was edited by hand, and what to do."""
    names = ", ".join(file.path for file in edited[:_NAMES_SHOWN])
    more = f" and {len(edited) - _NAMES_SHOWN} more" if len(edited) > _NAMES_SHOWN else ""
    return (
        f"Files of the live revision were edited by hand: {names}{more}. Publishing would undo that: "
        "publish with overwrite=true (`controlplane publish --overwrite`), which keeps a copy."
    )


def _differences(folder: RevisionFolder, tree: RenderedTree) -> list[FileDifference]:
    linked = folder.linked()
    return differences({} if linked is None else folder.read(linked.digest), tree.files)
