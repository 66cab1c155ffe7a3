"""How much the database reads for the lists of a member, in a tenant with very many mailboxes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.mailbox import MailboxOrder
from controlplane.domain.message import MessageState
from controlplane.services.mailbox_lists import browse_mailboxes
from controlplane.services.mailboxes import list_mailboxes
from controlplane.services.messages import list_all_messages
from controlplane.storage.database import Database
from sqlalchemy import Connection, event, text
from tests.integration.test_messages_large import nodes
from tests.support.rows import add_mailbox, add_person

_MAILBOXES, _MESSAGES, _OWN = 3_000, 20_000, 3
_FILL = """
INSERT INTO mailboxes (id, tenant_id, number, display_name, pin_hash)
SELECT gen_random_uuid(), :tenant, (10000 + n)::text, 'Team ' || n, 'none$none'
FROM generate_series(1, :mailboxes) AS n;
INSERT INTO users (id, tenant_id, user_name, display_name, role)
SELECT gen_random_uuid(), :tenant, 'other-' || n, 'Other', 'member' FROM generate_series(1, 500) AS n;
INSERT INTO mailbox_members (id, mailbox_id, user_id, rights)
SELECT gen_random_uuid(), m.id, u.id, ARRAY['listen']
FROM (SELECT id, row_number() OVER () AS n FROM mailboxes WHERE length(number) = 5) AS m
JOIN (SELECT id, row_number() OVER () AS n FROM users WHERE user_name LIKE 'other-%') AS u
  ON u.n = m.n % 500 + 1;
INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                      duration_ms, state, state_before, reached_by)
SELECT gen_random_uuid(), m.tenant_id, m.id, 'call', '102', 'Alice', now() - n * interval '1 minute', 1000,
       CASE WHEN n % 3 = 0 THEN 'deleted' ELSE 'saved' END, CASE WHEN n % 3 = 0 THEN 'new' END, '{"path": []}'
FROM generate_series(1, :messages) AS n
JOIN (SELECT id, tenant_id, row_number() OVER (ORDER BY length(number), number) - 1 AS k FROM mailboxes) AS m
  ON m.k = CASE WHEN n % 4 < 3 THEN n % 4 ELSE n % 2000 END;
"""


@contextmanager
def plans(database: Database) -> Iterator[list[dict[str, Any]]]:
    """Yield the plan of each query that is asked meanwhile, as it ran."""
    found: list[dict[str, Any]] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        if statement.startswith("SELECT"):
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)  # type: ignore[arg-type]
            said = told.scalar_one()
            found.append((json.loads(said) if isinstance(said, str) else said)[0]["Plan"])

    engine = database._engine.sync_engine
    event.listen(engine, "after_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "after_cursor_execute", explain)


@pytest.mark.usefixtures("new_files")
async def test_lists_of_a_member_go_by_index(database: Database, default_tenant: UUID) -> None:
    """Mailboxes and messages of others are not read, however many there are."""
    boxes = [await add_mailbox(database, default_tenant, f"800{n}") for n in range(5)]
    person = await add_person(
        database, default_tenant, extension="101", mailbox=boxes[0], rights=["listen", "delete"]
    )
    async with database.transaction() as session:
        for statement in _FILL.split(";\n")[:-1]:
            given = {"tenant": default_tenant, "mailboxes": _MAILBOXES, "messages": _MESSAGES}
            wanted = {name: value for name, value in given.items() if f":{name}" in statement}
            await session.execute(text(statement), wanted)
        for box in boxes[1:_OWN]:
            await session.execute(
                text(
                    "INSERT INTO mailbox_members (id, mailbox_id, user_id, rights)"
                    " VALUES (gen_random_uuid(), :box, :person, ARRAY['listen', 'delete'])"
                ),
                {"box": box, "person": person},
            )
        for table in ("mailboxes", "messages", "mailbox_members", "users"):
            await session.execute(text(f"ANALYZE {table}"))
    with plans(database) as found:
        browsed = await browse_mailboxes(
            database,
            tenant_id=default_tenant,
            q=None,
            order=MailboxOrder.NUMBER,
            descending=False,
            limit=50,
            after=None,
            member=person,
        )
        listed = await list_mailboxes(
            database, tenant_id=default_tenant, q=None, limit=50, after=None, member=person
        )
    with plans(database) as asked_for_messages:
        pages = [
            await list_all_messages(
                database,
                default_tenant,
                mailbox_number=None,
                state=state,
                q=None,
                limit=30,
                after=None,
                member=person,
            )
            for state in (None, MessageState.DELETED)
        ]
    own = [
        node
        for plan in found
        for node in nodes(plan)
        if node.get("Relation Name") in {"mailboxes", "mailbox_members"}
    ]
    messages = [
        node for plan in asked_for_messages for node in nodes(plan) if node.get("Relation Name") == "messages"
    ]

    assert (_OWN, _OWN, [30, 30]) == (
        len(browsed.page.items),
        len(listed.items),
        [len(page.items) for page in pages],
    )
    assert {message.message.mailbox_id for page in pages for message in page.items} <= set(boxes[:_OWN])
    assert (True, True) == (bool(own), bool(messages))
    assert [] == [
        (node["Relation Name"], node["Node Type"], node["Actual Rows"])
        for node in [*own, *messages]
        if node["Node Type"] == "Seq Scan"
        or node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0) > 200
    ]
