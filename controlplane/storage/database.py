"""The engine and its transactions. One transaction is one use case; none waits for audio or a network."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import psycopg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.util import greenlet_spawn

from controlplane.domain.errors import Contended, Unavailable

Connection = psycopg.AsyncConnection[Any]

_LOST = (
    *(OperationalError, InterfaceError, PoolTimeout, OSError),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)
_CONTENDED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_CANCEL_SECONDS: Final = 0.5


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection that is closed when a query of it is given up.

    psycopg asks the server to end the query and waits up to 10 s for that: for a server or a disk
    that hangs the limit of a transaction would be 12 s and not 2. SQLAlchemy throws such a
    connection away in any case.
    """

    async def cancel_safe(self, *, timeout: float = _CANCEL_SECONDS) -> None:
        """Ask the server to end the query, for half a second at most, and close the connection."""
        try:
            async with asyncio.timeout(_CANCEL_SECONDS):
                await super().cancel_safe(timeout=min(timeout, _CANCEL_SECONDS))
        finally:
            self.pgconn.finish()


class Database:
    """PostgreSQL by SQLAlchemy and psycopg 3.

    `url` is `postgresql+psycopg://…`. `timeout_seconds` bounds the whole of a transaction, from
    waiting for a connection to the commit; giving it up may take half a second more.
    """

    def __init__(self, url: str, *, pool_size: int = 5, timeout_seconds: float = 30.0) -> None:
        self._timeout = timeout_seconds
        self._url = url
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            # Values may be hashes of secrets, names and addresses: they are no business of a log.
            hide_parameters=True,
            pool_timeout=timeout_seconds,
            connect_args={
                "connect_timeout": max(2, round(timeout_seconds)),
                "async_creator_fn": _Connection.connect,
            },
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self, *, seconds: float | None = None) -> AsyncIterator[AsyncSession]:
        """Open a session; commit at the end, roll back on any error.

        `seconds` is another limit, for what changes much at once. Raises Unavailable when the database
        cannot be reached, or the transaction takes longer than the limit, and Contended for a deadlock;
        other database errors pass through (repositories tell constraints by name).
        """
        async with self._told(seconds), self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of psycopg itself, for what every call needs: a session costs three times that.

        Each statement is a transaction of its own; several are one inside of the connection's
        `transaction()`. Raises as the session's `transaction` does.
        """
        async with self._told():
            lent = await self._engine.raw_connection()
            connection = cast("Connection", lent.driver_connection)
            try:
                await connection.set_autocommit(True)
                yield connection
                await connection.set_autocommit(False)
            except BaseException:
                # Whatever it was left in the middle of ends with it.
                await greenlet_spawn(lent.invalidate)
                raise
            await greenlet_spawn(lent.close)

    async def separate_connection(self) -> Connection:
        """Open a connection outside of the pool, for what stays open; who asks closes it.

        Raises Unavailable.
        """
        async with self._told():
            return await psycopg.AsyncConnection.connect(
                self._url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True
            )

    @asynccontextmanager
    async def _told(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Keep the limit, and tell all that means that the database is away as Unavailable.

        A deadlock is no such thing, though psycopg has it among them.
        """
        try:
            async with asyncio.timeout(self._timeout if seconds is None else seconds):
                yield
        except TimeoutError as error:
            raise Unavailable("The database did not answer in time.") from error
        except _LOST as error:
            if isinstance(error, _CONTENDED) or isinstance(getattr(error, "orig", None), _CONTENDED):
                raise Contended("Somebody changed the same objects at the same time.") from error
            raise Unavailable("The database cannot be reached.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable("The connection to the database was lost.") from error
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server closed; asks the kernel and not the server.

    A server says nothing to a connection that nobody uses but that it ends.
    """
    used: Connection = connection.driver_connection
    poll = select.poll()
    if not used.closed:
        poll.register(used.fileno(), select.POLLIN)
    if used.closed or poll.poll(0):
        raise DisconnectionError


class JoinedDatabase(Database):
    """A database whose transactions are parts of one that is open already.

    Each is a savepoint: what fails in it leaves the rest of the whole as it was. Nothing is committed
    before the whole is.
    """

    def __init__(self, session: AsyncSession) -> None:  # (it opens nothing)
        self._session = session

    @asynccontextmanager
    async def transaction(
        self,
        *,
        seconds: float | None = None,  # noqa: ARG002 (the limit is that of the whole)
    ) -> AsyncIterator[AsyncSession]:
        """Open a savepoint; release it at the end, return to it on any error."""
        async with self._session.begin_nested():
            yield self._session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Refuse: what a connection of its own commits would be no part of the whole."""
        raise RuntimeError("A joined database has no connection of its own.")
        yield

    async def close(self) -> None:
        """Do nothing: the one who opened the transaction ends it."""
