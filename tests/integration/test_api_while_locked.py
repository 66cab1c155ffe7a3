"""What is answered while somebody else holds locks in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from psycopg import sql
from tests.support.api import MAILBOX, Api, make_api, write_tone

API = "/api/v1"
LIMIT_SECONDS = 1.0


@pytest.fixture
async def impatient(database_url: str) -> AsyncIterator[Database]:
    """Return a database that waits for a lock no longer than a second."""
    database = Database(
        database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=LIMIT_SECONDS
    )
    yield database
    await database.close()


@pytest.fixture
def api(impatient: Database, jobs: Jobs, database_url: str, tmp_path: Path) -> Iterator[Api]:
    """Make an app on it."""
    made = make_api(impatient, jobs, tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
def other(api: Api) -> Iterator[psycopg.Connection]:
    """Return the connection of somebody else, who keeps all locks until the end."""
    with psycopg.connect(api.url) as connection:
        yield connection
        connection.rollback()


async def test_who_reads_waits_for_nobody_who_changes(
    client: httpx.AsyncClient, other: psycopg.Connection, tmp_path: Path
) -> None:
    """Objects that are being changed can be read as they were, the recording of a greeting too."""
    for path, body in (
        ("mailboxes", dict(MAILBOX)),
        ("extensions", {"number": "101", "display_name": "Alice"}),
        ("virtual-receptionists", {"number": "6000", "display_name": "Main", "fallback": "101"}),
    ):
        made = await client.post(f"{API}/{path}", json=body)
        assert 201 == made.status_code, made.text
    write_tone(tmp_path / "greeting.wav", 1)
    recorded = await client.put(
        f"{API}/virtual-receptionists/6000/greeting",
        content=(tmp_path / "greeting.wav").read_bytes(),
        headers={"Content-Type": "audio/wav"},
    )
    assert 204 == recorded.status_code, recorded.text
    tables = ("mailboxes", "extensions", "routing_objects", "recorded_greetings", "numbers", "pointers")
    for table in tables:
        other.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE").format(sql.Identifier(table)))
    read = {
        path: (await client.get(f"{API}/{path}")).status_code
        for path in (
            "mailboxes/8001",
            "extensions/101",
            "extensions/101/rules",
            "virtual-receptionists/6000",
            "virtual-receptionists/6000/greeting",
            "numbers/101",
            "numbers/101/pointers",
            "destinations",
            "lint",
            "export/mailboxes",
            "export/extensions",
        )
    }

    assert dict.fromkeys(read, 200) == read


@pytest.mark.parametrize(
    ("resource", "table"),
    [("mailboxes", "mailboxes"), ("extensions", "extensions"), ("inbound-rules", "routing_objects")],
)
async def test_an_export_that_cannot_be_made_is_a_problem(
    client: httpx.AsyncClient, other: psycopg.Connection, *, resource: str, table: str
) -> None:
    """The database is asked before the answer begins: 503 in the usual shape, and no half of a file."""
    other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
    answer = await client.get(f"{API}/export/{resource}")

    assert (503, "application/problem+json", "unavailable") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.json()["error_id"],
    )


async def test_an_export_of_no_tenant_is_a_problem(api: Api) -> None:
    """A system token that names a tenant that is not there is told so."""
    async with api.client(await api.token(None)) as system:
        answer = await system.get(f"{API}/export/mailboxes", headers={"X-Tenant": "nowhere"})

    assert (404, "no-such-tenant") == (answer.status_code, answer.json()["error_id"])
