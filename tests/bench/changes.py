"""How long a message that was left takes to be on the pages that are open, and what that costs."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
from controlplane.services.user_sessions import digest_of
from controlplane.supervisor.instance import Instance
from tests.bench.figures import Figures, table
from tests.bench.usage import Moment, usage

PAGES, SPREAD = 200, 50
_ALONE_TIMES, _TIMES = 20, 10
_APART_SECONDS = 0.5
_LINE_BYTES = 1 << 20
_STAGES = {
    "told": "until the page is told",
    "answered": "until its answer begins",
    "shown": "until it is there",
}

# Everybody is somebody else, with a browser of their own, and has their rights by a team.
_PEOPLE: LiteralString = """
    WITH team AS (
        INSERT INTO teams (id, tenant_id, name)
        SELECT gen_random_uuid(), tenant_id, 'Bench' FROM mailboxes WHERE number = '8101'
        RETURNING id, tenant_id
    ), people AS (
        INSERT INTO users (id, tenant_id, user_name, display_name, role)
        SELECT gen_random_uuid(), tenant_id, 'person' || n, 'Person ' || n, 'member'
        FROM team, generate_series(1, %s) AS n RETURNING id, user_name
    ), joined AS (
        INSERT INTO team_people (team_id, user_id) SELECT team.id, people.id FROM team, people
        RETURNING user_id
    ), given AS (
        INSERT INTO mailbox_members (id, mailbox_id, team_id, rights)
        SELECT gen_random_uuid(), mailboxes.id, team.id, '{listen,download,delete}' FROM mailboxes, team
        WHERE mailboxes.deleted_at IS NULL RETURNING id
    )
    SELECT id, user_name FROM people
"""
_SESSION: LiteralString = """
    INSERT INTO user_sessions (id, user_id, token_sha256, created_at, last_seen_at)
    VALUES (gen_random_uuid(), %s, %s, now(), now())
"""
_LEAVE: LiteralString = """
    INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                          duration_ms, reached_by)
    SELECT gen_random_uuid(), tenant_id, id, 'bench', '0815', %s, now(), 4000, '{"path": []}'
    FROM mailboxes WHERE number = ANY(%s) AND deleted_at IS NULL
"""


async def time_changes(instance: Instance, database: str, numbers: Sequence[str]) -> None:
    """Time a message on one open page, on those of one mailbox, and on those of many.

    `numbers` are of mailboxes; the first is the one that all look at.
    """
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        found = await connection.execute(_PEOPLE, (PAGES,))
        secrets = []
        for user_id, user_name in await found.fetchall():
            secrets.append(f"bench-{user_name}")
            await connection.execute(_SESSION, (user_id, digest_of(secrets[-1])))
        await connection.execute("ANALYZE")
        alone = await _timed(instance, connection, numbers[:1], secrets[:1], _ALONE_TIMES)
        same = await _timed(instance, connection, numbers[:1], secrets, _TIMES)
        same.tell(f"A message that is left, on each of {PAGES} open pages of one mailbox", alone)
        spread = await _timed(instance, connection, numbers[:SPREAD], secrets, _TIMES)
        spread.tell(f"A message in each of {SPREAD} mailboxes at once, on {PAGES} open pages of these", alone)


class _Timed:
    """The figures of each stage, and the processor seconds of parts of the product and of browsers."""

    def __init__(self, name: str) -> None:
        self.figures = {stage: Figures(name) for stage in _STAGES}
        self._cpu: dict[str, float] = {}
        self._changes = 0
        self.state = ""

    def note(self, left: float, moments: Sequence[Mapping[str, float]], cpu: Mapping[str, float]) -> None:
        """Add what a change took."""
        for each in moments:
            for stage, figures in self.figures.items():
                # An event that brings the page along is its answer.
                figures.seconds.append(each.get(stage, each["shown"]) - left)
        for name, seconds in cpu.items():
            self._cpu[name] = self._cpu.get(name, 0.0) + seconds
        self._changes += 1

    def tell(self, title: str, alone: _Timed) -> None:
        """Print all, beside one page that is open alone."""
        print(f"\n{title}; beside it one page that is open alone")
        for stage, words in _STAGES.items():
            print(table(f"  {words}", self.figures[stage], alone.figures[stage]))
        print(f"  processor time of a change: {self._costs()}")
        print(f"  of one on a page alone: {alone._costs()}")
        print(f"  {self.state}; of the page alone: {alone.state}", flush=True)

    def _costs(self) -> str:
        """Return what a change costs in words."""
        each = {name: 1000 * seconds / self._changes for name, seconds in self._cpu.items()}
        return ", ".join(f"{name} {ms:.0f} ms" for name, ms in each.items())


async def _timed(
    instance: Instance,
    connection: psycopg.AsyncConnection[Any],
    numbers: Sequence[str],
    secrets: Sequence[str],
    times: int,
) -> _Timed:
    """Leave messages one after the other, once the page of each secret is open, the mailboxes by turns."""
    address = urlsplit(instance.ready["portal_url"])
    pages = [
        {
            "host": address.hostname,
            "port": address.port,
            "path": f"/portal/mailboxes/{numbers[place % len(numbers)]}/voicemail",
            "cookie": f"shared-voicemail-{address.port}={secret}",
        }
        for place, secret in enumerate(secrets)
    ]
    began = Moment.now()
    timed = _Timed(f"{len(pages)} pages, {len(numbers)} mailboxes")
    async with _crowd() as crowd:
        await crowd({"do": "open", "pages": pages})
        # One that is not counted.
        for turn in range(times + 1):
            name = f"Bench Caller {turn} of {len(pages)}-{len(numbers)}"
            await crowd({"do": "expect", "text": name})
            await asyncio.sleep(_APART_SECONDS)
            before = usage(instance.pid, instance.ready["pids"]).cpu
            left = time.perf_counter()
            await connection.execute(_LEAVE, (name, list(numbers)))
            answer = await crowd({"do": "wait"})
            after = usage(instance.pid, instance.ready["pids"]).cpu
            if turn:
                cpu = {part: after[part] - before[part] for part in ("web", "PostgreSQL")}
                timed.note(left, answer["moments"], {**cpu, "browsers": answer["cpu"]})
    timed.state = Moment.now().since(began)
    return timed


@asynccontextmanager
async def _crowd() -> AsyncIterator[Any]:
    """Start the process of the browsers, and give what has it do something."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.open_pages"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    reading, writing = running.stdout, running.stdin

    async def ask(what: Mapping[str, Any]) -> Any:
        writing.write(json.dumps(what).encode() + b"\n")
        return json.loads(await reading.readline())

    try:
        yield ask
    finally:
        writing.close()
        await running.wait()
