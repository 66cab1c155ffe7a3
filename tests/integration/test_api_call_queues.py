"""Call queues over REST, and who is logged in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import Api

NEW: dict[str, Any] = {"number": "6200", "display_name": "IT support", "agents": ["101", "102"]}


@pytest.fixture
async def queue(client: httpx.AsyncClient) -> str:
    """Make the extensions 101 to 103 and a queue of the first two; return its path."""
    for number in ("101", "102", "103"):
        made = await client.post(
            "/api/v1/extensions", json={"number": number, "display_name": f"No. {number}"}
        )
        assert 201 == made.status_code, made.text
    made = await client.post("/api/v1/call-queues", json=NEW)
    assert 201 == made.status_code, made.text
    return "/api/v1/call-queues/6200"


async def test_a_queue_is_made_read_changed_and_deleted(client: httpx.AsyncClient, queue: str) -> None:
    """What is sent is what is read; fields that are left out have their defaults."""
    read = await client.get(queue)
    assert (["101", "102"], "ring_all", 20, 300, False, 0, None) == tuple(
        read.json()[name]
        for name in (
            "agents",
            "strategy",
            "ring_seconds",
            "max_wait_seconds",
            "wait_without_agents",
            "max_callers",
            "exit_key",
        )
    )
    changed = await client.patch(
        queue,
        json={
            "strategy": "in_order",
            "full": {"action": "forward_to_number", "number": "103"},
            "exit_key": "8",
            "exit": {"action": "hangup"},
        },
        headers={"If-Match": read.headers["etag"]},
    )
    assert 200 == changed.status_code, changed.text
    again = await client.get(queue)

    assert changed.json() == again.json()
    assert ("in_order", "103", "8", ["101", "102"]) == (
        again.json()["strategy"],
        again.json()["full"]["number"],
        again.json()["exit_key"],
        again.json()["agents"],
    )
    assert ["6200"] == [item["number"] for item in (await client.get("/api/v1/call-queues")).json()["items"]]
    assert 204 == (await client.delete(queue)).status_code
    assert 404 == (await client.get(queue)).status_code


@pytest.mark.parametrize(
    ("wrong", "error_id", "field"),
    [
        ({"agents": ["101", "199"]}, "no-such-number", "agents.1"),
        ({"agents": ["101", "101"]}, "named-twice", "agents.1"),
        ({"exit_key": "8"}, "missing-field", "exit"),
        ({"no_agents": {"action": "repeat"}}, "invalid-destination", "no_agents.action"),
        ({"full": {"action": "forward_to_number"}}, "invalid-destination", "full.number"),
        ({"office_hours": "nights"}, "no-such-office-hours", "office_hours"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, queue: str, wrong: dict[str, Any], error_id: str, field: str
) -> None:
    """The answer names the field and the rule, and nothing is changed."""
    before = (await client.get(queue)).json()
    refused = await client.patch(queue, json=wrong)

    assert (422, error_id, field) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["errors"][0]["field"],
    )
    assert before == (await client.get(queue)).json()


async def test_an_agent_cannot_be_deleted(client: httpx.AsyncClient, queue: str) -> None:
    """The answer names the queue that needs him."""
    refused = await client.delete("/api/v1/extensions/102")

    assert (409, "number-in-use") == (refused.status_code, refused.json()["error_id"])
    assert [("call-queue", "6200", "agents.1")] == [
        (one["kind"], one["number"], one["field"]) for one in refused.json()["details"]["pointers"]
    ]


async def test_agents_are_logged_in_until_they_log_out(client: httpx.AsyncClient, queue: str) -> None:
    """They are listed in their order; who never chose is logged in."""
    changed = await client.put(f"{queue}/agents/102", json={"logged_in": False})
    assert 200 == changed.status_code, changed.text
    listed = (await client.get(f"{queue}/agents")).json()["items"]

    assert [("101", "No. 101", True), ("102", "No. 102", False)] == [
        (item["number"], item["display_name"], item["logged_in"]) for item in listed
    ]
    assert listed[0]["changed_at"] is None
    assert changed.json() == listed[1]


async def test_logging_out_twice_is_once(client: httpx.AsyncClient, queue: str, api: Api) -> None:
    """The second time nothing changes, and nothing is published."""
    first = await client.put(f"{queue}/agents/101", json={"logged_in": False})
    api.jobs()
    second = await client.put(f"{queue}/agents/101", json={"logged_in": False})

    assert first.json() == second.json()
    assert [] == api.jobs()


async def test_a_log_in_is_published_by_the_route_file(
    client: httpx.AsyncClient, queue: str, api: Api
) -> None:
    """No revision is needed, so that it is at once in both modes."""
    api.jobs()
    await client.put(f"{queue}/agents/101", json={"logged_in": False})

    assert [("configuration.routes", ["6200"])] == [(name, args["numbers"]) for name, args in api.jobs()]


@pytest.mark.parametrize(
    ("path", "error_id"),
    [("6200/agents/103", "no-such-agent"), ("6201/agents/101", "no-such-call-queue")],
)
async def test_nobody_else_is_logged_in(
    client: httpx.AsyncClient, queue: str, path: str, error_id: str
) -> None:
    """Only the agents of a queue that there is."""
    refused = await client.put(f"/api/v1/call-queues/{path}", json={"logged_in": True})

    assert (404, error_id) == (refused.status_code, refused.json()["error_id"])
