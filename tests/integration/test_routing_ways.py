"""How much the database reads to find all that a call may meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import Destination, DestinationAction
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.storage.database import Database
from controlplane.storage.routing import ways
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import NumberRow, PointerRow, RoutingObjectRow
from sqlalchemy import Connection, event, insert
from sqlalchemy.ext.asyncio import AsyncSession

GROUPS = 100
FIRST = 6000
MEMBERS = 20


async def make_chain(session: AsyncSession, tenant_id: UUID) -> None:
    """Make groups of which each forwards to the next, and rings others besides."""
    numbers = [str(FIRST + place) for place in range(GROUPS)]
    rows = [
        {
            "id": UUID(int=place + 1),
            "tenant_id": tenant_id,
            "kind": RoutingKind.RING_GROUP.value,
            "number": number,
            "name": f"Group {number}",
            "settings": to_document(RingGroup(no_answer=Destination(action=DestinationAction.HANGUP))),
        }
        for place, number in enumerate(numbers)
    ]
    pointers = [
        {"object_id": row["id"], "slot": slot, "tenant_id": tenant_id, "number": number}
        for row, following in zip(rows, [*numbers[1:], None], strict=True)
        for slot, number in [
            *((f"members.{place}", numbers[0]) for place in range(MEMBERS)),
            *([("no_answer", following)] if following else []),
        ]
    ]
    await session.execute(
        insert(NumberRow),
        [
            {
                "tenant_id": tenant_id,
                "number": row["number"],
                "kind": NumberKind.RING_GROUP,
                "object_id": row["id"],
            }
            for row in rows
        ],
    )
    await session.execute(insert(RoutingObjectRow), rows)
    await session.execute(insert(PointerRow), pointers)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(node: dict[str, Any]) -> float:
    """Say how many rows a scan looked at, in all of its loops."""
    return (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


@pytest.mark.usefixtures("new_files")
@pytest.mark.parametrize("by_itself", [True, False])
async def test_a_chain_that_is_new_is_walked_by_indexes(
    database: Database, default_tenant: UUID, *, by_itself: bool
) -> None:
    """In the transaction that makes it no statistics help: each step reads its own pointers all the same."""
    plans: list[dict[str, Any]] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        """Have the same query explained, once it ran."""
        if statement.startswith("WITH RECURSIVE"):
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)  # type: ignore[arg-type]
            said = told.scalar_one()
            plans.append((json.loads(said) if isinstance(said, str) else said)[0]["Plan"])

    engine = database._engine.sync_engine
    event.listen(engine, "after_cursor_execute", explain)
    try:
        async with database.transaction() as session:
            await make_chain(session, default_tenant)
            found = await ways.reached_from(session, default_tenant, [str(FIRST)], by_itself=by_itself)
            await session.rollback()
    finally:
        event.remove(engine, "after_cursor_execute", explain)
    (walk,) = [one for one in nodes(plans[0]) if one["Node Type"] == "Recursive Union"]
    scans = [one for one in nodes(walk) if one.get("Relation Name") in {"pointers", "numbers"}]

    assert GROUPS == len(found)
    assert {"pointers", "numbers"} == {one["Relation Name"] for one in scans}
    # One in its turn reads its own pointers, and the numbers that they name.
    most = GROUPS * (MEMBERS + 1)
    assert [] == [(one["Relation Name"], rows_read(one)) for one in scans if rows_read(one) > most]
