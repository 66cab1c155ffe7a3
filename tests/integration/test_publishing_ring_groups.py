"""A change of a ring group, or of a member's rules, is in the file that the next call reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.services.routes import reconcile_routes, route_path
from controlplane.storage.database import Database
from tests.support.api import Api

Changed = Callable[[dict[str, Any]], Awaitable[tuple[list[str], list[str]]]]


@pytest.fixture
async def plan(
    api: Api, client: httpx.AsyncClient, database: Database, default_tenant: UUID, tmp_path: Path
) -> Changed:
    """Return what changes a ring group, and returns its lines and the names of the deferred jobs."""
    for number in ("101", "102"):
        made = await client.post("/api/v1/extensions", json={"number": number, "display_name": number})
        assert 201 == made.status_code, made.text
    made = await client.post(
        "/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales", "members": ["101", "102"]}
    )
    assert 201 == made.status_code, made.text
    api.jobs()

    async def changed(change: dict[str, Any]) -> tuple[list[str], list[str]]:
        answer = await client.patch("/api/v1/ring-groups/6100", json=change)
        assert 200 == answer.status_code, answer.text
        jobs = api.jobs()
        for name, arguments in jobs:
            if name == "configuration.routes":
                await reconcile_routes(
                    database, tmp_path, tenant_id=default_tenant, numbers=arguments["numbers"]
                )
        lines = route_path(tmp_path, default_tenant, "6100").read_text().splitlines()[2:]
        return lines, [name for name, _ in jobs]

    return changed


@pytest.mark.parametrize(
    ("change", "line", "expected"),
    [
        ({"members": ["102"]}, 3, "102"),
        ({"strategy": "random"}, 2, "random"),
        ({"ring_seconds": 30}, 4, "30"),
        ({"total_seconds": 90}, 5, "90"),
        ({"skip_busy": False}, 6, ""),
        ({"no_answer": {"action": "repeat"}}, 7, "repeat"),
        ({"no_answer": {"action": "forward_to_number", "number": "102"}}, 7, "102"),
        ({"closed": {"action": "hangup"}}, 1, "hangup"),
    ],
)
async def test_a_change_is_in_the_file_that_the_next_call_reads(
    plan: Changed, change: dict[str, Any], line: int, expected: str
) -> None:
    """The job that a change defers writes the group's file, and no revision is needed for it."""
    lines, jobs = await plan(change)

    assert expected == lines[line]
    assert "configuration.publish" not in jobs
