"""Removes what is too old to be kept: what lies in the trash, mailboxes that were deleted, old notes."""

from __future__ import annotations

from datetime import datetime

import structlog

from controlplane.domain.configuration import SYSTEM
from controlplane.services.lamps import defer_lamps
from controlplane.services.message_changes import Recordings
from controlplane.storage import bookkeeping, limits, mailboxes, messages, pin_tries
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

_PURGE_AT_ONCE = 200


async def purge_trash(database: Database, recordings: Recordings, older_than: datetime) -> int:
    """Purge what is in the trash since before a time, in small transactions; return how many messages.

    What a mailbox or its tenant says of its trash counts before that. Mailboxes deleted before that time
    lose their row with their last message.
    """
    purged = 0
    while True:
        async with database.transaction() as session:
            batch = await messages.purge_trash(session, older_than=older_than, limit=_PURGE_AT_ONCE)
        for message_id in batch:
            await recordings.remove(message_id)
        purged += len(batch)
        if len(batch) < _PURGE_AT_ONCE:
            break
    async with database.transaction() as session:
        gone = await mailboxes.purge_deleted(session, deleted_before=older_than)
    if purged or gone:
        structlog.get_logger().info("trash.purged", messages=purged, mailboxes=gone)
    return purged


async def trash_overdue(database: Database, jobs: Jobs, *, now: datetime) -> int:
    """Move to the trash what was kept as long as its mailbox or tenant says; return how many messages.

    A message that was restored begins anew. Lamps follow.
    """
    moved = 0
    while True:
        async with database.transaction() as session:
            batch = await limits.trash_overdue(session, now=now, by=SYSTEM, limit=_PURGE_AT_ONCE)
            if batch:
                await defer_lamps(session, jobs, sorted(batch))
        moved += sum(batch.values())
        if sum(batch.values()) < _PURGE_AT_ONCE:
            break
    if moved:
        structlog.get_logger().info("retention.trashed", messages=moved)
    return moved


async def purge_old_bookkeeping(
    database: Database,
    *,
    recordings_taken_before: datetime,
    idempotency_keys_before: datetime,
    pin_tries_before: datetime,
) -> None:
    """Remove notes that nobody will ask for again: each is older than the limit that it serves.

    `pin_tries_before` is the days of the mailbox's limit ago (`PinLockPolicy.mailbox_window`).
    """
    async with database.transaction() as session:
        taken = await bookkeeping.purge_recordings_taken(session, before=recordings_taken_before)
        keys = await bookkeeping.purge_idempotency_keys(session, before=idempotency_keys_before)
        tries = await pin_tries.purge(session, before=pin_tries_before)
    structlog.get_logger().debug(
        "bookkeeping.purged", recordings_taken=taken, idempotency_keys=keys, pin_tries=tries
    )
