"""Ring groups over REST, and what they point at."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

NEW: dict[str, Any] = {"number": "6100", "display_name": "Sales"}


@pytest.fixture
async def members(client: httpx.AsyncClient) -> list[str]:
    """Make two extensions and a mailbox 8001."""
    for number in ("101", "102"):
        made = await client.post("/api/v1/extensions", json={"number": number, "display_name": number})
        assert 201 == made.status_code, made.text
    return ["101", "102"]


async def test_a_ring_group_is_made_read_changed_and_deleted(
    client: httpx.AsyncClient, members: list[str]
) -> None:
    """What is sent is what is read; fields that are left out have their defaults."""
    made = await client.post("/api/v1/ring-groups", json={**NEW, "members": members})
    assert 201 == made.status_code, made.text
    assert "/api/v1/ring-groups/6100" == made.headers["location"]
    assert (members, "simultaneous", 20, {"action": "hangup", "number": None}) == tuple(
        made.json()[name] for name in ("members", "strategy", "ring_seconds", "no_answer")
    )

    changed = await client.patch(
        "/api/v1/ring-groups/6100",
        json={"no_answer": {"action": "forward_to_number", "number": "101"}, "strategy": "in_order"},
        headers={"If-Match": made.headers["etag"]},
    )
    assert 200 == changed.status_code, changed.text
    read = await client.get("/api/v1/ring-groups/6100")

    assert changed.json() == read.json()
    assert ("101", "in_order", members) == (
        read.json()["no_answer"]["number"],
        read.json()["strategy"],
        read.json()["members"],
    )
    assert 204 == (await client.delete("/api/v1/ring-groups/6100")).status_code
    assert 404 == (await client.get("/api/v1/ring-groups/6100")).status_code


async def test_a_member_must_be_an_extension(client: httpx.AsyncClient, members: list[str]) -> None:
    """A number that nobody has, or that is no extension's, is refused with the path of its field."""
    wrong = await client.post("/api/v1/ring-groups", json={**NEW, "members": ["101", "199"]})

    assert (422, "no-such-number", "members.1") == (
        wrong.status_code,
        wrong.json()["error_id"],
        wrong.json()["errors"][0]["field"],
    )


async def test_a_number_in_use_cannot_be_deleted(client: httpx.AsyncClient, members: list[str]) -> None:
    """The answer lists who points at it."""
    await client.post("/api/v1/ring-groups", json={**NEW, "members": members})
    refused = await client.delete("/api/v1/extensions/102")

    assert (409, "number-in-use") == (refused.status_code, refused.json()["error_id"])
    assert [{"kind": "ring-group", "number": "6100", "name": "Sales", "field": "members.1"}] == (
        refused.json()["details"]["pointers"]
    )
