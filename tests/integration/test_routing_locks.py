"""Two who change what forwards into voicemails at the same moment: one waits for the other, never both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from tests.support.api import MAILBOX, Api
from tests.support.product import until

API = "/api/v1"
WAITING = (
    "SELECT count(*) AS waiting FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture(autouse=True)
async def owners(client: httpx.AsyncClient) -> None:
    """Make the extensions 101 and 102, who own the mailbox 8001."""
    made = [await client.post(f"{API}/mailboxes", json=dict(MAILBOX))]
    for number in ("101", "102"):
        made.append(await client.post(f"{API}/extensions", json={"number": number, "display_name": number}))
        made.append(await _put(client, number, {"mailbox": "8001"}))
    assert [201, 201, 200, 201, 200] == [one.status_code for one in made]


@pytest.fixture
def other(api: Api) -> Iterator[psycopg.Connection]:
    """Return the connection of somebody else."""
    with psycopg.connect(api.url) as connection:
        yield connection


async def _put(client: httpx.AsyncClient, number: str, rules: dict[str, Any]) -> httpx.Response:
    return await client.put(f"{API}/extensions/{number}/rules", json=rules)


async def _wait_for(api: Api, count: int) -> None:
    await until(lambda: count <= api.rows(WAITING)[0]["waiting"], f"{count} who wait for a lock")


def _into_voicemail(number: str) -> dict[str, Any]:
    return {"action": "forward_to_voicemail", "number": number}


async def test_two_extensions_may_forward_to_each_other_at_once(
    api: Api, client: httpx.AsyncClient, other: psycopg.Connection
) -> None:
    """Each locks itself and the other one, in the order of their numbers; both are set."""
    # Both are held up after their first lock: where each had itself by then, neither would get the other.
    other.execute("SELECT 1 FROM numbers FOR UPDATE")
    changing = [
        asyncio.create_task(
            _put(
                client,
                number,
                {"mailbox": "8001", "busy": {"office_hours": _into_voicemail(owner)}},
            )
        )
        for number, owner in (("101", "102"), ("102", "101"))
    ]
    await _wait_for(api, 2)
    other.rollback()

    assert [200, 200] == [one.status_code for one in await asyncio.gather(*changing)]


async def test_the_order_in_which_voicemails_are_named_does_not_matter(
    api: Api, client: httpx.AsyncClient, other: psycopg.Connection
) -> None:
    """Two ring groups name two voicemails in opposite orders; both are made."""
    other.execute("SELECT 1 FROM extensions WHERE number = '102' FOR UPDATE")
    making = []
    for number, first, second in (("6100", "102", "101"), ("6200", "101", "102")):
        body = {
            "number": number,
            "display_name": f"Group {number}",
            "no_answer": _into_voicemail(first),
            "closed": _into_voicemail(second),
        }
        making.append(asyncio.create_task(client.post(f"{API}/ring-groups", json=body)))
        await _wait_for(api, len(making))
    other.rollback()

    assert [201, 201] == [one.status_code for one in await asyncio.gather(*making)]


async def test_re_pointing_waits_for_a_change_of_what_it_points_elsewhere(
    api: Api, client: httpx.AsyncClient, other: psycopg.Connection
) -> None:
    """Objects are locked before extensions by both; both are done."""
    made = await client.post(
        f"{API}/mailboxes", json={**MAILBOX, "number": "8002", "display_name": "Support"}
    )
    group = await client.post(
        f"{API}/ring-groups",
        json={
            "number": "6100",
            "display_name": "Group",
            "no_answer": {"action": "forward_to_number", "number": "8001"},
        },
    )
    assert [201, 201] == [made.status_code, group.status_code]
    other.execute("SELECT 1 FROM routing_objects FOR UPDATE")
    change = {"no_answer": _into_voicemail("101")}
    changing = [asyncio.create_task(client.patch(f"{API}/ring-groups/6100", json=change))]
    await _wait_for(api, 1)
    changing.append(asyncio.create_task(client.post(f"{API}/numbers/8001/re-point", json={"to": "8002"})))
    await _wait_for(api, 2)
    other.rollback()

    assert [200, 200] == [one.status_code for one in await asyncio.gather(*changing)]
