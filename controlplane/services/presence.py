"""Tells that a process runs, which calls it has in mailboxes and at which messages; reads what all told.

Calls are noted in memory, and a task of its own writes them down. A call waits for that, and not for long,
only when it comes to a message: then it looks who else is there, and of two who come at once the later one
has to find the other. What a process that died left behind counts no longer once it was not seen for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Unavailable
from controlplane.domain.presence import (
    SEEN_EACH,
    PresentCall,
    ProcessKind,
    RunningProcess,
    ShownCall,
)
from controlplane.storage import presence
from controlplane.storage.database import Database

_AT_MOST: Final = 0.25
"""How long a call waits until it is seen, in seconds: a silence that nobody wonders at."""

Faults = Callable[[], Awaitable[Mapping[str, str]]]


async def _no_faults() -> Mapping[str, str]:
    return {}


class Presence:
    """A process as others see it; `faults` returns what it cannot do, by sentences."""

    def __init__(
        self, database: Database, kind: ProcessKind, *, host: str, faults: Faults = _no_faults
    ) -> None:
        self._database = database
        self._faults = faults
        self._id, self._kind, self._host = uuid4(), kind, host
        self._started_at = datetime.now(UTC)
        self._calls: dict[str, PresentCall] = {}
        self._written: Mapping[str, PresentCall] = {}
        self._sure = True
        self._changed = asyncio.Event()
        self._told = asyncio.Condition()

    def enter(self, call: PresentCall) -> None:
        """Note a call that is in a mailbox from now on."""
        self._calls[call.call_id] = call
        self._changed.set()

    async def show(self, call: PresentCall) -> None:
        """Note a call as `enter` does, and wait until others see it.

        Gives that up after a moment, and at once while the database is away: who listens is more than who is
        told of it.
        """
        self.enter(call)
        if not self._sure:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_AT_MOST), self._told:
                await self._told.wait_for(lambda: self._written.get(call.call_id) == call)

    def leave(self, call_id: str) -> None:
        """Note that a call is in no mailbox any more; does nothing for one that was in none."""
        if self._calls.pop(call_id, None) is not None:
            self._changed.set()

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """Tell while the body runs; a database that is away makes nothing wait and nothing fail."""
        telling = asyncio.create_task(self._keep_telling(), name="presence")
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            with suppress(Unavailable, SQLAlchemyError):
                async with self._database.transaction(seconds=1) as session:
                    await presence.gone(session, self._id)

    async def _keep_telling(self) -> None:
        clock, told_at = asyncio.get_running_loop().time, float("-inf")
        while True:
            self._changed.clear()
            try:
                if self._sure and clock() < told_at + SEEN_EACH.total_seconds():
                    await self._tell_of_calls()
                else:
                    told_at = clock()
                    await self._tell()
            except (Unavailable, SQLAlchemyError) as error:
                # All of it is told anew with the next try, for a call may be over by then.
                structlog.get_logger().debug("presence.not_told", reason=type(error).__name__)
                self._sure = False
                await asyncio.sleep(SEEN_EACH.total_seconds())
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(SEEN_EACH.total_seconds()):
                    await self._changed.wait()

    async def _tell(self) -> None:
        """Tell all: that this process runs, what it cannot do, and its calls; and forget who is lost."""
        calls = dict(self._calls)
        process = RunningProcess(
            id=self._id,
            kind=self._kind,
            host=self._host,
            started_at=self._started_at,
            seen_at=self._started_at,
            faults=await self._faults(),
        )
        async with self._database.transaction() as session:
            if not await presence.seen(session, process) or not self._sure:
                await presence.forget_calls(session, self._id)
                self._written = {}
            await presence.forget_lost(session)
            await self._write(session, calls)
        await self._is_written(calls)

    async def _tell_of_calls(self) -> None:
        """Tell what is new of the calls: a call may wait for that."""
        calls = dict(self._calls)
        async with self._database.transaction() as session:
            await self._write(session, calls)
        await self._is_written(calls)

    async def _write(self, session: AsyncSession, calls: Mapping[str, PresentCall]) -> None:
        await presence.came_and_went(
            session,
            self._id,
            came=[call for call_id, call in calls.items() if self._written.get(call_id) != call],
            went=self._written.keys() - calls.keys(),
        )

    async def _is_written(self, calls: Mapping[str, PresentCall]) -> None:
        self._written, self._sure = calls, True
        async with self._told:
            self._told.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenProcesses:
    """The processes that told of themselves, and the time by the same clock."""

    items: tuple[RunningProcess, ...]
    now: datetime


async def seen_processes(db: Database) -> SeenProcesses:
    """Return which processes were seen lately."""
    async with db.transaction() as session:
        found = await presence.processes(session)
        return SeenProcesses(items=tuple(found), now=await presence.now(session))


async def calls_now(db: Database, tenant_id: UUID) -> list[ShownCall]:
    """List the calls that are in mailboxes of a tenant now, oldest first."""
    async with db.transaction() as session:
        return await presence.calls(session, tenant_id)
