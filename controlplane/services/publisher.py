"""What publishing works with: the publisher, what would be published, and what was edited by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from controlplane.domain.configuration import EditedFile, FileDifference
from controlplane.rendering.difference import Differences
from controlplane.services.rendered_configuration import Rendering, render_configuration
from controlplane.services.switch_control import SwitchControl
from controlplane.storage import configuration_changes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.revision_folder import Draft, RevisionFolder

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
    """What the database says now: what that changes of what is linked, and the changes it holds."""

    digest: str
    endpoints: frozenset[str] = field(repr=False)
    files: tuple[FileDifference, ...]
    change_ids: tuple[int, ...]


class _Compared:
    """A sink that compares what goes into a draft with what is linked, before it is forgotten."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.differences = Differences()

    def take_over(self, path: str, source: str, endpoints: Sequence[str] = ()) -> str | None:
        return self._draft.take_over(path, source, endpoints)

    def add(self, path: str, text: str, *, source: str = "", endpoints: Sequence[str] = ()) -> None:
        self.differences.add(path, self._draft.text_before(path), text)
        self._draft.add(path, text, source=source, endpoints=endpoints)

    def removed(self) -> None:
        for path in self._draft.left_out():
            self.differences.add(path, self._draft.text_before(path), None)


@asynccontextmanager
async def drafted(publisher: Publisher, *, writes: bool = True) -> AsyncIterator[Draft]:
    """Begin a revision; what is not completed is gone at the end. Raises OSError."""
    with contextlib.ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, publisher.folder.draft(writes=writes))


async def render_candidate(
    publisher: Publisher, draft: Draft, *, current: Collection[UUID] = ()
) -> Candidate:
    """Render into a draft, and check and compare, what the database says now.

    Of tenants that publish by hand it is what was copied, and of those in `current` what publishing them
    would take along.
    Raises RenderingError, Unavailable, OSError.
    """
    async with publisher.database.transaction() as session:
        change_ids = await configuration_changes.waiting_ids(session, current=current)
    compared = _Compared(draft)
    rendered = await render_configuration(publisher.database, publisher.rendering, compared, current=current)
    await asyncio.to_thread(compared.removed)
    return Candidate(
        digest=rendered.digest,
        endpoints=rendered.endpoints,
        files=tuple(compared.differences.found()),
        change_ids=tuple(change_ids),
    )


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
