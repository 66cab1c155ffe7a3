"""Fixtures of the tests of the REST API; imported by the conftest.py of their tier."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import MAILBOX, Api, make_api


@pytest.fixture
def api(database: Database, jobs: Jobs, database_url: str, tmp_path: Path) -> Iterator[Api]:
    """Make an app."""
    made = make_api(database, jobs, tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client with a token of the tenant `default`."""
    async with api.client(await api.token()) as client:
        yield client


@pytest.fixture
async def stranger(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client without a token."""
    async with api.client() as client:
        yield client


@pytest.fixture
async def foreigner(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client with a token of another tenant."""
    async with await api.tenant("north") as client:
        api.jobs()
        yield client


@pytest.fixture
async def system(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client with a system token."""
    async with api.client(await api.token(None)) as client:
        yield client


@pytest.fixture
async def mailbox(api: Api, client: httpx.AsyncClient) -> httpx.Response:
    """Make the mailbox 8001; return the answer."""
    answer = await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    assert answer.status_code == 201, answer.text
    api.jobs()
    return answer
