"""The limit of a transaction holds whatever the server does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from controlplane.domain.errors import Unavailable
from controlplane.storage.database import Database
from controlplane.supervisor.postgres import EmbeddedPostgres
from sqlalchemy import text

LIMIT_SECONDS = 0.5


@contextmanager
def _standstill(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("what", ["the backend", "all of it"])
async def test_limit_holds_while_the_server_stands_still(
    postgres: EmbeddedPostgres, database_url: str, what: str
) -> None:
    """A server that hangs (a disk, a cut cable) keeps nobody longer than the limit and half a second."""
    database = Database(
        database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=LIMIT_SECONDS
    )
    clock = asyncio.get_running_loop().time
    try:
        async with database.transaction() as session:
            backend = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        assert postgres.pid is not None
        with _standstill(backend, *([postgres.pid] if what == "all of it" else [])):
            began = clock()
            with pytest.raises(Unavailable):
                async with database.transaction() as session:
                    await session.execute(text("SELECT 1"))
            took = clock() - began
        async with database.transaction() as session:
            again = (await session.execute(text("SELECT 1"))).scalar_one()
    finally:
        await database.close()

    assert took < LIMIT_SECONDS + 2.5
    assert again == 1


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
        async with database.reading() as session, database.transaction() as other:
            now = [int((await each.execute(this)).scalar_one()) for each in (session, other)]
    finally:
        await database.close()

    assert set(now).isdisjoint(ended)


async def test_reading_leaves_nothing_behind(database: Database) -> None:
    """A connection that read outside a transaction is in one again for who needs that."""

    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE tenants SET language = 'de'"))
            raise RuntimeError

    async with database.reading() as session:
        await session.execute(text("SELECT 1"))
    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as session:
        language = (await session.execute(text("SELECT language FROM tenants"))).scalar_one()

    assert language == "en"


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
