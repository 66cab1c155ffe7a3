"""How far changes have come on their way to the switch, as people are told it.

A token of a tenant is told of its own objects. Files, errors and authors of revisions hold what
belongs to other tenants, and are for those who may see all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from controlplane.domain.configuration import EditedFile, FileDifference, Mode
from controlplane.domain.errors import NotFound, Unavailable
from controlplane.services.publisher import edited_files
from controlplane.storage import configuration_changes, publishing_modes, revisions
from controlplane.storage.configuration_changes import NotedChange, NotedChanges
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.publishing_modes import TenantMode
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.storage.revisions import Revision

__all__ = [
    "MOST_WAITING",
    "Brief",
    "ConfigurationState",
    "ListedRevision",
    "NotedChange",
    "NotedChanges",
    "RevisionDetails",
    "State",
    "list_revisions",
    "read_brief",
    "read_configuration",
    "read_revision",
]

_SHOWN = 20
MOST_WAITING = 100


class State(StrEnum):
    """Whether the switch runs what the database says; `none` before anything was published."""

    LIVE = "live"
    PENDING = "pending"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRevision:
    """A revision as it is told; `author`, `error` and `edited_copy` None for who may not know them."""

    revision: Revision
    author: str | None
    error: str | None
    edited_copy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionDetails:
    """A revision, the changes that it took along, and the files; None: not told, or not known."""

    listed: ListedRevision
    changes: NotedChanges
    files: Sequence[FileDifference] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationState:
    """The state, what waits, and the newest revisions.

    `mode` is that of the tenant. `waiting` is the revision that was noted or has failed and is not live;
    `changes` are those of objects that are not live; `files` what that revision would change. None: `edited`
    and `by_hand`, the names of the tenants that publish by hand, are not told.
    `asked`: a person asked to publish what waits of the tenant, and the job has not ended.
    """

    state: State
    asked: bool
    mode: TenantMode
    by_hand: Sequence[str] | None
    live: int | None
    waiting: int | None
    changes: NotedChanges
    files: Sequence[FileDifference] | None
    edited: Sequence[EditedFile] | None
    revisions: Sequence[ListedRevision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What is said of publishing beside anything else; `waiting` objects are counted up to MOST_WAITING.

    `revision` is the newest one that counts, without what its tenant may not know.
    """

    mode: TenantMode
    waiting: int
    revision: Revision | None

    @property
    def state(self) -> State:
        """How things are for this tenant, without a look at the jobs."""
        if self.mode.mode is Mode.MANUAL:
            if self.mode.publishing:
                return State.PENDING
            if self.waiting and self.mode.failed_revision is not None:
                return State.FAILED
            return State.PENDING if self.waiting else State.LIVE
        newest = State.NONE if self.revision is None else State(self.revision.state)
        return State.PENDING if self.waiting and newest is not State.FAILED else newest


async def read_brief(db: Database, tenant_id: UUID) -> Brief:
    """Return the little that each page tells, by index; raises Unavailable."""
    async with db.transaction() as session:
        newest = await revisions.newest_that_counts(session)
        return Brief(
            mode=await publishing_modes.of_tenant(session, tenant_id),
            waiting=await configuration_changes.waiting_objects(session, tenant_id, most=MOST_WAITING),
            revision=newest,
        )


async def read_configuration(
    db: Database,
    folder: RevisionFolder,
    *,
    tenant_id: UUID,
    all_tenants: bool,
    looks_for_edits: bool = True,
) -> ConfigurationState:
    """Return how things are, for one tenant or for who may see all of them; raises Unavailable.

    All files are read to see whether somebody edited them: who asks again and again leaves that out.
    """
    edited = await _edited(folder) if all_tenants and looks_for_edits else None
    async with db.transaction() as session:
        queued = await revisions.is_queued(session, tenant_id)
        listed = await revisions.newest(session, limit=_SHOWN)
        newest = next((found for found in listed if found.state != "superseded"), None)
        waits = newest is not None and newest.state in {"pending", "failed"}
        mode = await publishing_modes.of_tenant(session, tenant_id)
        by_hand = await configuration_changes.waits_by_hand(session, None if all_tenants else tenant_id)
        state = _state(newest, queued=queued, by_hand=by_hand)
        return ConfigurationState(
            state=state if all_tenants else _state_of_tenant(mode, state, by_hand=by_hand, queued=queued),
            asked=await revisions.is_asked(session, tenant_id),
            mode=mode,
            by_hand=await publishing_modes.names_by_hand(session) if all_tenants else None,
            live=await revisions.live_number(session),
            waiting=newest.id if newest is not None and waits else None,
            changes=await configuration_changes.waiting(session, None if all_tenants else tenant_id),
            files=await revisions.files(session, newest.id)
            if newest is not None and waits and all_tenants
            else None,
            edited=edited,
            revisions=[_told(revision, all_tenants=all_tenants) for revision in listed],
        )


async def list_revisions(
    db: Database, *, all_tenants: bool, limit: int, before: int | None
) -> Page[ListedRevision]:
    """List revisions, newest first, those before a number."""
    async with db.transaction() as session:
        page = await revisions.page(session, limit=limit, before=before)
    return Page(items=[_told(item, all_tenants=all_tenants) for item in page.items], more=page.more)


async def read_revision(db: Database, number: int, *, tenant_id: UUID, all_tenants: bool) -> RevisionDetails:
    """Return a revision with what it changed; raises NotFound."""
    async with db.transaction() as session:
        found = await revisions.get(session, number)
        if found is None:
            raise NotFound("There is no revision of this number.", error_id="no-such-revision")
        return RevisionDetails(
            listed=_told(found, all_tenants=all_tenants),
            changes=await configuration_changes.of_revision(
                session, number, None if all_tenants else tenant_id
            ),
            files=await revisions.files(session, number) if all_tenants else None,
        )


async def _edited(folder: RevisionFolder) -> list[EditedFile]:
    try:
        return await asyncio.to_thread(edited_files, folder)
    except OSError as error:
        raise Unavailable(f"The published configuration cannot be read ({error.strerror}).") from error


def _told(revision: Revision, *, all_tenants: bool) -> ListedRevision:
    told = ListedRevision(
        revision=revision, author=revision.author, error=revision.error, edited_copy=revision.edited_copy
    )
    return told if all_tenants else replace(told, author=None, error=None, edited_copy=None)


def _state(newest: Revision | None, *, queued: bool, by_hand: bool) -> State:
    if queued:
        return State.PENDING
    state = State.NONE if newest is None else State(newest.state)
    return State.PENDING if by_hand and state is State.LIVE else state


def _state_of_tenant(mode: TenantMode, state: State, *, by_hand: bool, queued: bool) -> State:
    """Return the state of a tenant: where it publishes by hand, what others do is no matter of it."""
    if mode.mode is Mode.AUTOMATIC or queued or state is State.NONE:
        return state
    if mode.publishing:
        return State.PENDING
    if by_hand:
        return State.PENDING if mode.failed_revision is None else State.FAILED
    return State.LIVE
