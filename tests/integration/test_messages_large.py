"""How much the database reads for a page of a mailbox with very many messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.errors import Unavailable
from controlplane.services.messages import Position
from controlplane.services.voicemail_page import COUNTED, Received, Wanted, read_mailbox_page
from controlplane.storage.database import Database
from controlplane.web.portal.voicemail_query import SHOWN
from sqlalchemy import Connection, event, text
from tests.support.rows import NOON, add_mailbox

MANY = 100_000
PAGE = 30
_AT_ONCE = 10_000
_FILL = """
INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                      duration_ms, state, state_before, reached_by)
SELECT gen_random_uuid(), :tenant, :mailbox, 'call', (1000 + n % 500)::text, 'Caller ' || n % 500,
       CAST(:noon AS timestamptz) - n * interval '1 minute', 1000,
       CASE WHEN n % 10 = 0 THEN 'new' WHEN n % 3 = 0 THEN 'deleted' ELSE 'saved' END,
       CASE WHEN n % 10 <> 0 AND n % 3 = 0 THEN 'saved' END,
       CASE WHEN n % 500 = 0 THEN '{"path": [{"kind": "ring-group", "number": "6100"}]}'::jsonb
            ELSE '{"did": "+4930123", "path": [{"kind": "call-queue", "number": "6500"}]}' END
FROM generate_series(CAST(:first AS int), :last) AS n
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def fill(database: Database, tenant: UUID, mailbox: UUID, many: int) -> None:
    """Put messages into a mailbox; the first ones are counted before others come, which makes plans good."""
    for first in range(1, many + 1, _AT_ONCE):
        values = {"tenant": tenant, "mailbox": mailbox, "noon": NOON}
        span = {"first": first, "last": min(many, first + _AT_ONCE - 1)}
        async with database.transaction(seconds=60) as session:
            await session.execute(text(_FILL), values | span)
            await session.execute(text("ANALYZE messages, message_ways"))


@pytest.mark.usefixtures("new_files")
async def test_a_page_reads_what_it_shows(database: Database, default_tenant: UUID) -> None:
    """In each list, on the first page and deep inside, by days and by way too: by index, and hardly more."""
    mailbox = await add_mailbox(database, default_tenant)
    await fill(database, default_tenant, mailbox, MANY)
    scans: list[dict[str, Any]] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        """Have the same query explained, once it ran."""
        if statement.startswith("SELECT") and "FROM messages" in statement:
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)  # type: ignore[arg-type]
            said = told.scalar_one()
            plan = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
            scans.extend(
                node for node in nodes(plan) if node.get("Relation Name") in {"messages", "message_ways"}
            )

    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        """Keep which query was asked last, for who must find out why it did not end."""
        asked.append(statement)

    week = NOON - timedelta(days=40)
    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "after_cursor_execute", explain)
    try:
        for states in SHOWN.values():
            for received in (Received(), Received(since=week, before=week + timedelta(days=7))):
                for after in (None, Position(received_at=week + timedelta(days=3), id=UUID(int=0))):
                    found = await read_mailbox_page(
                        database,
                        default_tenant,
                        "8001",
                        wanted=Wanted(states=states, received=received),
                        limit=PAGE,
                        after=after,
                    )
                    assert (PAGE, COUNTED) == (len(found.page.items), found.unread)
                    for way in ("6500", "4930123", "6100", "6999"):
                        await read_mailbox_page(
                            database,
                            default_tenant,
                            "8001",
                            wanted=Wanted(states=states, received=received, way=way),
                            limit=PAGE,
                            after=after,
                        )
    except Unavailable:
        pytest.fail(f"After {len(scans)} scans no end of: {asked[-1]}")
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "after_cursor_execute", explain)

    by_index = {"Index Scan", "Index Only Scan"}
    assert by_index >= {scan["Node Type"] for scan in scans if scan["Relation Name"] == "messages"}
    # Of few messages that came by one way, all may be read and sorted.
    ways = {scan["Node Type"] for scan in scans if scan["Relation Name"] == "message_ways"}
    assert {*by_index, "Bitmap Heap Scan"} >= ways
    assert scans
    assert [] == [
        scan
        for scan in scans
        if scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) > max(COUNTED, 2 * PAGE)
    ]


@pytest.mark.usefixtures("new_files")
@pytest.mark.parametrize("q", ["caller 77", "nobody at all"])
async def test_searching_reads_this_mailbox_alone(database: Database, default_tenant: UUID, q: str) -> None:
    """A part of a name is looked for from the newest on, until a page is full."""
    mailbox = await add_mailbox(database, default_tenant)
    other = await add_mailbox(database, default_tenant, "8002")
    await fill(database, default_tenant, mailbox, 2000)
    await fill(database, default_tenant, other, 20_000)
    found = await read_mailbox_page(
        database, default_tenant, "8001", wanted=Wanted(q=q), limit=PAGE, after=None
    )

    assert {mailbox} >= {view.message.mailbox_id for view in found.page.items}
    assert bool(found.page.items) is (q == "caller 77")
