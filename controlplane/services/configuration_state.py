"""How far changes have come on their way to the switch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from controlplane.storage import revisions
from controlplane.storage.database import Database
from controlplane.storage.revisions import ListedRevision

__all__ = ["ConfigurationState", "ListedRevision", "State", "read_configuration"]

_SHOWN = 20


class State(StrEnum):
    """Whether the switch runs what the database says; `none` before anything was published."""

    LIVE = "live"
    PENDING = "pending"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationState:
    """The state, and the newest revisions."""

    state: State
    revisions: tuple[ListedRevision, ...]


async def read_configuration(db: Database, *, tenant_id: UUID, with_errors: bool) -> ConfigurationState:
    """Return how things are; an error may name what belongs to another tenant, and is told if asked for."""
    async with db.transaction() as session:
        queued = await revisions.is_queued(session, tenant_id)
        listed = await revisions.newest(session, limit=_SHOWN)
    if not with_errors:
        listed = [replace(revision, error=None) for revision in listed]
    return ConfigurationState(state=_state(listed, queued=queued), revisions=tuple(listed))


def _state(listed: list[ListedRevision], *, queued: bool) -> State:
    if queued:
        return State.PENDING
    return State(listed[0].state) if listed else State.NONE
