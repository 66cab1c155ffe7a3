"""Removes recordings that belong to no message: the rest of a purge or of a deposit that died."""

from __future__ import annotations

import itertools

import structlog

from controlplane.storage import takes
from controlplane.storage.database import Database
from controlplane.storage.recordings import RecordingStore

_AT_ONCE = 500


async def remove_orphans(database: Database, store: RecordingStore, *, older_than_seconds: float) -> int:
    """Remove recordings without a message, and unfinished copies; return how many.

    Younger ones are left alone, because a deposit copies before it commits. Asks the database in
    small transactions. Raises OSError or Unavailable.
    """
    removed = await store.remove_leftovers(older_than_seconds)
    stored = iter(await store.older_than(older_than_seconds))
    while batch := list(itertools.islice(stored, _AT_ONCE)):
        async with database.transaction() as session:
            known = await takes.existing(session, batch)
        for recording_id in batch:
            if recording_id not in known:
                await store.remove(recording_id)
                removed += 1
    if removed:
        structlog.get_logger().info("recordings.orphans_removed", recordings=removed)
    return removed
