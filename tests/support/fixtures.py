"""Fixtures of the tiers that need a real PostgreSQL; imported by their conftest.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import psycopg
import pytest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.supervisor.postgres import EmbeddedPostgres
from procrastinate import App
from tests.support.database import empty, migrate
from tests.support.processes import open_folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL of this worker's own; fsync off, synchronous_commit as ever."""
    with open_folder() as folder:
        server = EmbeddedPostgres(folder / "data", fsync=False)
        migrate(server.start())
        yield server
        server.stop()


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Return the libpq URL of a migrated database; emptied afterwards."""
    yield postgres.url()
    empty(postgres.url())


@pytest.fixture
def new_files(database_url: str) -> None:
    """Begin with tables in new files, for plans: dead rows of tests before count in them."""
    empty(database_url, new_files=True)


@pytest.fixture
async def database(database_url: str, databases: dict[str, Database]) -> AsyncIterator[Database]:
    """Open the database; connections belong to the loop of a test."""
    opened = known_database(database_url, databases)
    yield opened
    await opened.close()


def known_database(url: str, databases: dict[str, Database]) -> Database:
    """Return the database at a libpq URL, the same each time: it keeps its statements, compiled."""
    if url not in databases:
        databases[url] = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    return databases[url]


@pytest.fixture
async def queue_app(database_url: str) -> AsyncIterator[App]:
    """Open the job queue's app, without tasks."""
    app = make_app(database_url)
    async with app.open_async():
        yield app


@pytest.fixture
def jobs(queue_app: App) -> Jobs:
    """Return what services defer jobs with."""
    return Jobs(queue_app)


@pytest.fixture
def default_tenant(database_url: str) -> UUID:
    """Return the id of the tenant `default`."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT id FROM tenants WHERE name = 'default'").fetchone()
    assert row is not None
    return UUID(str(row[0]))
