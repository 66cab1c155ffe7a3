"""Hears from the database which mailboxes' messages change: one connection, however many listen.

It is opened for the first who listens, and closed when the last one left. While it is lost,
nobody hears anything; once it is back, everybody is told, since something may have happened meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import psycopg
import structlog

from controlplane.domain.errors import Unavailable
from controlplane.storage.database import Database

PUBLISHING: Final = UUID(int=0)
"""Listened to as a mailbox is: tells of each step of publishing, of whatever tenant."""
_RETRY_SECONDS = 1.0


class TooManyListeners(Unavailable):
    """As many listen as one process serves."""


class Listener:
    """One who wants to know of the changes of a mailbox."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.ended = False

    def tell(self) -> None:
        """Wake it up; several changes before it looks are one."""
        self._told.set()

    async def changed(self, *, seconds: float) -> bool:
        """Wait for a change; False if there was none in this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return False
        self.forget()
        return True

    def forget(self) -> None:
        """Pass over what it was told so far."""
        self._told.clear()


class MailboxChanges:
    """Tells listeners what the trigger on the table of messages notifies."""

    def __init__(self, database: Database, *, most: int = 1000) -> None:
        self._database = database
        self._most = most
        self._listeners: dict[UUID, set[Listener]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def listen(self, mailbox_id: UUID) -> AsyncIterator[Listener]:
        """Listen to the changes of a mailbox from now on; raises TooManyListeners, Unavailable.

        `ended` of the listener says that the process is about to end.
        """
        if self._closed or sum(map(len, self._listeners.values())) >= self._most:
            raise TooManyListeners("Too many pages are open here.")
        listener = Listener()
        self._listeners.setdefault(mailbox_id, set()).add(listener)
        try:
            await self._hear()
            # What was told meanwhile came before; the first one would also hear that we listen now.
            if not self._closed:
                listener.forget()
            yield listener
        finally:
            left = self._listeners[mailbox_id]
            left.discard(listener)
            if not left:
                del self._listeners[mailbox_id]
            if not self._listeners:
                await self._stop()

    def close(self) -> None:
        """Let every listener end; nobody else is let in."""
        self._closed = True
        for listener in self._everybody():
            listener.ended = True
            listener.tell()

    def _everybody(self) -> list[Listener]:
        return [listener for some in self._listeners.values() for listener in some]

    async def _hear(self) -> None:
        if self._listening is None or self._listening.done():
            self._ready.clear()
            self._listening = asyncio.create_task(self._run(), name="mailbox changes")
        try:
            async with asyncio.timeout(5):
                await self._ready.wait()
        except TimeoutError as error:
            raise Unavailable("The database does not tell changes now.") from error

    async def _stop(self) -> None:
        task, self._listening = self._listening, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                await self._until_lost()
            except (Unavailable, psycopg.Error, OSError) as error:
                structlog.get_logger().warning("changes.lost", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _until_lost(self) -> None:
        connection = await self._database.separate_connection()
        try:
            await connection.execute("LISTEN mailbox_changed")
            self._ready.set()
            for listener in self._everybody():
                listener.tell()
            async for notice in connection.notifies():
                with suppress(ValueError):
                    for listener in self._listeners.get(UUID(notice.payload), ()):
                        listener.tell()
        finally:
            await connection.close()
