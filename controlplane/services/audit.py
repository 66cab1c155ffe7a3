"""Who did what: reading the audit log, noting who hears a message, and forgetting what is old.

Changes note themselves, by triggers, in their own transactions (docs/adr/0025-audit-by-triggers.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from controlplane.domain.audit import AuditAction, AuditEntry
from controlplane.storage import audit
from controlplane.storage.audit import AuditFilter, AuditPosition
from controlplane.storage.database import Database

__all__ = [
    "AuditFilter",
    "AuditPage",
    "AuditPosition",
    "list_audit",
    "note_hearing",
    "purge_audit",
]

_PURGED_AT_ONCE: Final = 2000
_MOST_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, newest first; `next` is where the following page begins, None on the last one."""

    items: tuple[AuditEntry, ...]
    next: AuditPosition | None


async def list_audit(
    db: Database,
    tenant_id: UUID | None,
    wanted: AuditFilter,
    *,
    limit: int,
    after: AuditPosition | None,
) -> AuditPage:
    """List what was done in a tenant, newest first; with None what concerns no single tenant."""
    async with db.transaction() as session:
        found = await audit.newest(session, tenant_id, wanted, limit=limit + 1, after=after)
    items, more = tuple(found[:limit]), len(found) > limit
    last = items[-1] if more else None
    return AuditPage(
        items=items, next=None if last is None else AuditPosition(happened_at=last.happened_at, id=last.id)
    )


async def note_hearing(
    db: Database, message_ids: Collection[UUID], *, by: str, download: bool = False
) -> None:
    """Note that somebody hears or downloads messages, before they get them."""
    action = AuditAction.DOWNLOADED if download else AuditAction.HEARD
    async with db.transaction() as session:
        await audit.note_heard(session, message_ids, action=action, by=by)


async def purge_audit(db: Database, *, before: datetime) -> int:
    """Forget what was done before a time, in small transactions; return how many entries.

    What is left after many of them waits for the next run.
    """
    removed = 0
    for _ in range(_MOST_AT_ONCE):
        async with db.transaction() as session:
            step = await audit.purge(session, before=before, limit=_PURGED_AT_ONCE)
        removed += step
        if step < _PURGED_AT_ONCE:
            break
    if removed:
        structlog.get_logger().info("audit.purged", entries=removed)
    return removed
