"""Who may see what happens in a mailbox now: looked up at each change, for all who have it open at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from controlplane.services.user_sessions import IDLE, LONGEST, digest_of
from controlplane.storage import watchers
from controlplane.storage.database import Database
from controlplane.storage.watchers import Watcher

__all__ = ["Watcher", "read_watchers"]


async def read_watchers(
    db: Database, asked: Collection[tuple[str, UUID]], *, now: datetime
) -> dict[tuple[str, UUID], Watcher]:
    """Return what the holders of sessions' secrets may do, each with a mailbox.

    Those whose session has ended are left out. That it was asked is no use of a session.
    """
    digests = {(digest_of(clear), mailbox_id): (clear, mailbox_id) for clear, mailbox_id in asked}
    async with db.transaction() as session:
        found = await watchers.watchers(
            session, list(digests), seen_after=now - IDLE, created_after=now - LONGEST
        )
    return {digests[key]: watcher for key, watcher in found.items()}
