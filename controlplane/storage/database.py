"""The engine and its transactions. One transaction is one use case; none waits for audio or a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from controlplane.domain.errors import Unavailable

_LOST = (OperationalError, InterfaceError, PoolTimeout, OSError)
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
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            pool_pre_ping=True,
            # Values may be hashes of secrets, names and addresses: they are no business of a log.
            hide_parameters=True,
            pool_timeout=timeout_seconds,
            connect_args={
                "connect_timeout": max(2, round(timeout_seconds)),
                "async_creator_fn": _Connection.connect,
            },
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session; commit at the end, roll back on any error.

        Raises Unavailable when the database cannot be reached, or the transaction takes longer
        than the limit; other database errors pass through (repositories tell constraints by name).
        """
        try:
            async with asyncio.timeout(self._timeout), self._sessions() as session, session.begin():
                yield session
        except TimeoutError as error:
            raise Unavailable("The database did not answer in time.") from error
        except _LOST as error:
            raise Unavailable("The database cannot be reached.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable("The connection to the database was lost.") from error
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


class JoinedDatabase(Database):
    """A database whose transactions are parts of one that is open already.

    Each is a savepoint: what fails in it leaves the rest of the whole as it was. Nothing is committed
    before the whole is.
    """

    def __init__(self, session: AsyncSession) -> None:  # (it opens nothing)
        self._session = session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a savepoint; release it at the end, return to it on any error."""
        async with self._session.begin_nested():
            yield self._session

    async def close(self) -> None:
        """Do nothing: the one who opened the transaction ends it."""
