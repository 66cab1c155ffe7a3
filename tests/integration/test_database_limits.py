"""The limit of a transaction holds whatever the server does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import psycopg
import pytest
from controlplane.domain.errors import Contended, Unavailable
from controlplane.storage.database import Database
from controlplane.supervisor.postgres import EmbeddedPostgres
from sqlalchemy import text

LIMIT_SECONDS = 0.5
# psycopg would wait ten seconds for a server that is to end a query, and does not.
IMPATIENT_SECONDS = 8


@contextmanager
def _standstill(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _ask(database: Database, how: str) -> int:
    """Ask for the backend's id in a session, or on a lent connection, maybe in a pipeline."""
    if how == "session":
        async with database.transaction() as session:
            return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
    async with database.connection() as connection, AsyncExitStack() as inside:
        if how == "pipeline":
            await inside.enter_async_context(connection.pipeline())
        await inside.enter_async_context(connection.transaction())
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
        assert row is not None
        return int(row[0])


async def _answer(database: Database, how: str) -> int:
    """Ask until the server, which has just been woken, answers within the limit."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await _ask(database, how)
            except Unavailable:
                continue


@pytest.mark.parametrize("how", ["session", "connection", "pipeline"])
@pytest.mark.parametrize("what", ["the backend", "all of it"])
async def test_limit_holds_while_the_server_stands_still(
    postgres: EmbeddedPostgres, database_url: str, what: str, how: str
) -> None:
    """A server that hangs (a disk, a cut cable) is given up while it still hangs."""
    database = Database(
        database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=LIMIT_SECONDS
    )
    try:
        backend = await _ask(database, how)
        assert postgres.pid is not None
        with (
            _standstill(backend, *([postgres.pid] if what == "all of it" else [])),
            pytest.raises(Unavailable),
        ):
            async with asyncio.timeout(IMPATIENT_SECONDS):
                await _ask(database, how)
        again = await _answer(database, how)
    finally:
        await database.close()

    assert again != backend


async def test_a_transaction_may_have_another_limit(database_url: str) -> None:
    """What changes much at once takes longer than all others may."""
    database = Database(
        database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=LIMIT_SECONDS
    )
    try:
        async with database.transaction(seconds=60) as session:
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": LIMIT_SECONDS * 2})
            done = (await session.execute(text("SELECT 1"))).scalar_one()
        with pytest.raises(Unavailable):
            async with database.transaction() as session:
                await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": LIMIT_SECONDS * 2})
    finally:
        await database.close()

    assert 1 == done


async def test_connection_that_the_server_ended_is_replaced(database_url: str) -> None:
    """After a restart of the server, or of something between, the next query has a new connection."""
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    this = text("SELECT pg_backend_pid()")
    try:
        async with database.transaction() as session, database.transaction() as other:
            ended = [int((await each.execute(this)).scalar_one()) for each in (session, other)]
        with psycopg.connect(database_url, autocommit=True) as connection:
            for pid in ended:
                connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        async with database.transaction() as session, database.connection() as lent:
            now = [int((await session.execute(this)).scalar_one()), lent.info.backend_pid]
    finally:
        await database.close()

    assert set(now).isdisjoint(ended)


async def test_connection_is_given_back_as_it_was(database: Database) -> None:
    """A connection that was lent is in a transaction again for who needs that."""

    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE tenants SET language = 'de'"))
            raise RuntimeError

    async with database.connection() as connection:
        await connection.execute("SELECT 1")
    with pytest.raises(RuntimeError):
        await fail()

    assert await _languages(database) == ["en"]


async def test_what_a_lent_connection_began_is_undone(database: Database) -> None:
    """An error ends the transaction that was begun on a connection, and the next one has another."""

    async def fail() -> None:
        async with database.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute("UPDATE tenants SET language = 'de'")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await _languages(database) == ["en"]


async def test_constraint_that_is_violated_is_told_as_it_is(database: Database) -> None:
    """Only what means that the database is away is Unavailable."""
    async with database.connection() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await connection.execute("INSERT INTO tenants SELECT * FROM tenants")


async def _languages(database: Database) -> list[str]:
    async with database.connection() as connection:
        found = await connection.execute("SELECT language FROM tenants")
        return [row[0] for row in await found.fetchall()]


async def test_query_that_is_given_up_ends_in_the_server(database_url: str) -> None:
    """The server is told, so that nothing waits for the locks of a query that nobody wants any more."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    impatient, patient = Database(url, timeout_seconds=LIMIT_SECONDS), Database(url)
    running = text("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'")
    try:
        with pytest.raises(Unavailable):
            async with impatient.transaction() as session:
                await session.execute(text("SELECT pg_sleep(60)"))
        async with asyncio.timeout(10):
            while True:
                async with patient.transaction() as session:
                    if (await session.execute(running)).scalar_one() == 0:
                        break
    finally:
        await impatient.close()
        await patient.close()


async def test_a_deadlock_is_told_as_what_it_is(database: Database) -> None:
    """One of two who wait for each other is ended; the other goes on, and the database is there."""
    locked = [asyncio.Event(), asyncio.Event()]

    async def hold(mine: int) -> None:
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            await session.execute(text(f"SELECT pg_advisory_xact_lock({mine})"))
            locked[mine].set()
            await locked[1 - mine].wait()
            await session.execute(text(f"SELECT pg_advisory_xact_lock({1 - mine})"))

    ended = await asyncio.gather(hold(0), hold(1), return_exceptions=True)

    assert ["Somebody changed the same objects at the same time."] == [
        str(error) for error in ended if isinstance(error, Contended)
    ]
    assert 1 == ended.count(None)
