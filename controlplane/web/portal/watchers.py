"""What those may do who have a page open: one question to the database for all who ask at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from controlplane.services.watching import Watcher, read_watchers
from controlplane.storage.database import Database
from controlplane.web.portal.together import Together

_Found = dict[tuple[str, UUID], Watcher]


class Watchers:
    """Looks up sessions and rights; an answer is never older than its question."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._together = Together[_Found]()
        self._asked: set[tuple[str, UUID]] = set()

    async def of(self, clear: str, mailbox_id: UUID) -> Watcher | None:
        """Return what the holder of a session may do with a mailbox now; None if the session has ended."""
        self._asked.add((clear, mailbox_id))
        return (await self._together.get("all", self._look_up)).get((clear, mailbox_id))

    async def _look_up(self) -> _Found:
        asked, self._asked = self._asked, set()
        return await read_watchers(self._database, asked, now=self._clock())
