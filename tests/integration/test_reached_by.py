"""How a message got into its mailbox: with the names of now, to the phone, the mail and the page."""

from __future__ import annotations

import json
from uuid import UUID

import httpx
import pytest
from controlplane.callflows.prompts import SentOnBy
from controlplane.domain.message import ReachedBy
from controlplane.domain.routing.way import read_way
from controlplane.services.reached import names_on_the_way, sent_on_by
from tests.support.api import Api

WAY = "did.4930123/virtual-receptionist.6000.1.direct.3/ring-group.6100..no_answer.30"


@pytest.fixture
async def message(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> UUID:
    """Leave a message that came by a receptionist that is gone and a ring group that is named Sales team."""
    made = await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales team"})
    assert 201 == made.status_code, made.text
    left = await api.message()
    way = read_way(WAY)
    assert way is not None
    api.rows(f"UPDATE messages SET reached_by = '{json.dumps(way.to_json())}' RETURNING 1")
    return left


async def test_names_are_those_of_now(api: Api, message: UUID) -> None:
    """One query names what still exists; the spoken part is about the last object."""
    way = read_way(WAY)
    assert way is not None
    ((tenant_id,),) = [row.values() for row in api.rows("SELECT tenant_id FROM messages")]
    async with api.deps.db.transaction() as session:
        names = await names_on_the_way(session, tenant_id, [way, ReachedBy()])

    assert {"6100": "Sales team"} == names
    assert SentOnBy(kind="ring-group", name="Sales team", seconds=30) == sent_on_by(way, names)


async def test_the_page_of_a_message_says_its_way(
    api: Api, stranger: httpx.AsyncClient, message: UUID
) -> None:
    """Each part of the way is on the page behind the link."""
    page = await stranger.get(f"/m/{api.deps.links.make(message)}")

    assert (
        "call to 4930123; virtual receptionist 6000, key 1; "
        "ring group Sales team (6100), no answer, after 30 sec"
    ) in page.text


async def test_the_api_gives_the_way_as_data(client: httpx.AsyncClient, message: UUID) -> None:
    """REST clients get every step."""
    read = (await client.get(f"/api/v1/messages/{message}")).json()["reached_by"]

    assert ("4930123", "no_answer", ["6000", "6100"]) == (
        read["did"],
        read["reason"],
        [step["number"] for step in read["path"]],
    )


async def test_greetings_per_source_are_provisioned(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """What is sent is what is read; a source that is there twice, or an unknown language, is refused."""
    own = [{"source": "6100", "greeting": "Sales is busy.", "language": "de-AT"}]
    changed = await client.patch("/api/v1/mailboxes/8001", json={"source_greetings": own})
    twice = await client.patch("/api/v1/mailboxes/8001", json={"source_greetings": own * 2})
    unknown = [{**own[0], "language": "xx"}]
    refused = await client.patch("/api/v1/mailboxes/8001", json={"source_greetings": unknown})

    assert (200, own) == (changed.status_code, changed.json()["source_greetings"])
    assert own == (await client.get("/api/v1/mailboxes/8001")).json()["source_greetings"]
    assert (422, "named-twice", "source_greetings.1.source") == (
        twice.status_code,
        twice.json()["error_id"],
        twice.json()["errors"][0]["field"],
    )
    assert 422 == refused.status_code
