"""`GET /messages`: the messages of all mailboxes of a tenant, those of deleted ones too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy
from controlplane.domain.message import MessageState
from controlplane.storage.message_views import newest_of_tenant
from tests.support.api import MAILBOX, Api

URL = "/api/v1/messages"
MAILBOXES = "/api/v1/mailboxes"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
async def second(client: httpx.AsyncClient, mailbox: httpx.Response) -> httpx.Response:
    """Make the mailbox 8002 beside 8001."""
    return await client.post(MAILBOXES, json={**MAILBOX, "number": "8002"})


async def _listed(client: httpx.AsyncClient, **query: str | int) -> list[str]:
    answer = await client.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_all_mailboxes_are_in_one_list(
    api: Api, client: httpx.AsyncClient, second: httpx.Response
) -> None:
    """Messages of several mailboxes are in one list, newest first, each as it is told by itself."""
    old = await api.message("8001", received_at=AT)
    new = await api.message("8002", received_at=AT + timedelta(hours=1))
    answer = (await client.get(URL)).json()

    assert [(item["id"], item["mailbox"]) for item in answer["items"]] == [
        (str(new), "8002"),
        (str(old), "8001"),
    ]
    assert answer["items"][0] == (await client.get(f"{URL}/{new}")).json()
    assert answer["next"] is None


async def test_pages_follow_each_other(api: Api, client: httpx.AsyncClient, second: httpx.Response) -> None:
    """`next` leads through every message once, also where two came at the same time."""
    ids = [
        await api.message(number, received_at=AT + timedelta(seconds=second_of // 2))
        for second_of, number in enumerate(["8001", "8002", "8002", "8001", "8001"])
    ]
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await client.get(URL, params={"limit": 2, **after})).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert len(seen) == 5
    assert set(seen) == set(map(str, ids))
    assert seen[0] == str(ids[4])


async def test_a_deleted_mailbox_shows_its_messages(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Messages of a deleted mailbox are listed in the trash, and say that their mailbox is deleted."""
    message = await api.message()
    await client.delete(f"{MAILBOXES}/8001")
    (item,) = (await client.get(URL, params={"state": "deleted"})).json()["items"]

    assert (item["id"], item["mailbox"], item["mailbox_deleted"], item["mailbox_id"]) == (
        str(message),
        "8001",
        True,
        mailbox.json()["id"],
    )
    assert await _listed(client) == []


async def test_the_list_takes_the_filters_of_a_mailbox(
    api: Api, client: httpx.AsyncClient, second: httpx.Response
) -> None:
    """`state`, `q` and `mailbox` each leave out what does not fit, and together too."""
    fresh = await api.message("8001", name="Alice")
    saved = await api.message("8002", name="Bob")
    trash = await api.message("8002", caller="+4930123", name="Alice")
    await client.patch(f"{URL}/{saved}", json={"state": "saved"})
    await client.delete(f"{URL}/{trash}")

    def ids(*wanted: UUID) -> list[str]:
        return sorted(map(str, wanted))

    assert sorted(await _listed(client)) == ids(fresh, saved)
    assert await _listed(client, state="new") == ids(fresh)
    assert await _listed(client, state="saved") == ids(saved)
    assert await _listed(client, state="deleted") == ids(trash)
    assert await _listed(client, q="ALI") == ids(fresh)
    assert await _listed(client, state="deleted", q="4930", mailbox="8002") == ids(trash)
    assert await _listed(client, mailbox="8002") == ids(saved)
    assert await _listed(client, mailbox="8003") == []


async def test_a_number_stands_for_every_mailbox_that_had_it(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """`mailbox` finds the messages of the deleted mailbox and of the one that has its number now."""
    before = await api.message()
    await client.delete(f"{MAILBOXES}/8001")
    await client.post(MAILBOXES, json=dict(MAILBOX))
    now = await api.message()
    await client.delete(f"{URL}/{now}")
    items = (await client.get(URL, params={"mailbox": "8001", "state": "deleted"})).json()["items"]

    assert {item["id"]: item["mailbox_deleted"] for item in items} == {str(before): True, str(now): False}


@pytest.mark.parametrize(
    ("query", "field", "error_id"),
    [
        ({"state": "read"}, "state", "not-one-of"),
        ({"limit": "0"}, "limit", "out-of-range"),
        ({"limit": "201"}, "limit", "out-of-range"),
        ({"q": "x" * 65}, "q", "too-long"),
        ({"after": "x"}, "after", "invalid-cursor"),
        ({"mailbox": "sales"}, "mailbox", "wrong-pattern"),
        ({"mailbox": ""}, "mailbox", "wrong-pattern"),
        ({"mailbox": "8" * 65}, "mailbox", "too-long"),
        ({"display": "8001"}, "display", "unknown-field"),
    ],
)
async def test_wrong_parameters_are_named(
    client: httpx.AsyncClient, query: dict[str, str], field: str, error_id: str
) -> None:
    """Each parameter that breaks a rule is answered by 422 with its name."""
    answer = await client.get(URL, params=query)
    (error,) = answer.json()["errors"]

    assert (answer.status_code, error["field"], error["error_id"]) == (422, field, error_id)


async def test_the_stranger_is_refused(stranger: httpx.AsyncClient) -> None:
    """Without a token there is no list."""
    answer = await stranger.get(URL)

    assert (answer.status_code, answer.json()["error_id"]) == (401, "unauthorized")


async def test_another_tenant_sees_nothing(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, foreigner: httpx.AsyncClient
) -> None:
    """The list holds the messages of one tenant, whatever is asked for."""
    await api.message()
    trash = await api.message()
    await client.delete(f"{URL}/{trash}")
    queries = [{}, {"mailbox": "8001"}, {"state": "deleted"}, {"q": "Alice"}]

    assert [await _listed(foreigner, **query) for query in queries] == [[], [], [], []]


async def test_a_page_costs_two_queries(api: Api, client: httpx.AsyncClient, second: httpx.Response) -> None:
    """One query for the messages with their mailboxes and one for their mails, however many there are."""
    found = []
    (tenant,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")
    asked = partial(newest_of_tenant, mailbox_number=None, states=[MessageState.NEW], q=None, after=None)
    for _ in range(2):
        for number in ("8001", "8002"):
            await api.message(number)
        statements: list[str] = []

        def note(*args: Any, into: list[str] = statements) -> None:
            into.append(args[2])

        async with api.deps.db.transaction() as session:
            connection = (await session.connection()).sync_connection
            sqlalchemy.event.listen(connection, "before_cursor_execute", note)
            await asked(session, tenant["id"], limit=50)
        found.append(len(statements))

    assert found == [2, 2]
