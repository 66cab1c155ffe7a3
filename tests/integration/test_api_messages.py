"""`/messages` over HTTP, without their audio."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.support.api import Api

LIST = "/api/v1/mailboxes/8001/messages"
BULK = "/api/v1/messages/bulk"


def _url(message_id: UUID) -> str:
    return f"/api/v1/messages/{message_id}"


@pytest.fixture
async def message(api: Api, mailbox: httpx.Response) -> UUID:
    """Leave a message in 8001."""
    return await api.message()


async def test_a_message_is_told_in_full(
    client: httpx.AsyncClient, mailbox: httpx.Response, message: UUID
) -> None:
    """GET tells who called, when, how long, and how the call got there."""
    body = (await client.get(_url(message))).json()
    assert body.pop("state_changed_at")

    assert body == {
        "id": str(message),
        "mailbox": "8001",
        "mailbox_id": mailbox.json()["id"],
        "mailbox_deleted": False,
        "caller_number": "102",
        "caller_name": "Alice",
        "received_at": "2026-03-02T10:15:00Z",
        "duration_ms": 4000,
        "state": "new",
        "state_changed_by": None,
        "urgent": False,
        "reached_by": {"did": None, "reason": "direct", "path": []},
        "mails": [],
    }


async def test_a_refused_mail_is_seen_on_its_message(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """How each mail fared is told with the message, and changes its ETag."""
    before = await client.get(_url(message))
    api.rows(
        "INSERT INTO message_mails (message_id, recipient, status, attempts, error)"
        " VALUES (%s, 'a@example.com', 'failed', 1, 'mailbox unavailable') RETURNING 1",
        message,
    )
    after = await client.get(_url(message), headers={"If-None-Match": before.headers["etag"]})
    (mail,) = after.json()["mails"]

    assert (mail["recipient"], mail["status"], mail["error"]) == (
        "a@example.com",
        "failed",
        "mailbox unavailable",
    )


async def test_messages_are_listed_newest_first_in_pages(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Pages follow each other from the newest to the oldest, also where two came at the same time."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    ids = [await api.message(received_at=at + timedelta(seconds=n // 2)) for n in range(5)]
    seen: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": "2", **({"after": after} if after else {})}
        page = (await client.get(LIST, params=query)).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert sorted(seen) == sorted(map(str, ids))
    assert seen[0] == str(ids[4])


@pytest.mark.parametrize("address", [LIST, "/api/v1/messages"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "7 6 5 4 3 2 1 0"),
        ({"urgent": "true"}, "6 3 0"),
        ({"urgent": "false"}, "7 5 4 2 1"),
        ({"order": "urgent"}, "6 3 0 7 5 4 2 1"),
        ({"order": "urgent", "urgent": "true"}, "6 3 0"),
        ({"order": "urgent", "urgent": "false"}, "7 5 4 2 1"),
    ],
)
async def test_urgent_messages_are_found_and_listed_first(
    *,
    api: Api,
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    address: str,
    query: dict[str, str],
    found: str,
) -> None:
    """By what their callers said; each kind is newest first, over all pages."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    ids = [str(await api.message(received_at=at + timedelta(seconds=n), urgent=n % 3 == 0)) for n in range(8)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await client.get(address, params={"limit": "2", **query, **after})).json()
        seen += [str(ids.index(item["id"])) for item in page["items"]]
        assert all(item["urgent"] == (ids.index(item["id"]) % 3 == 0) for item in page["items"])
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert " ".join(seen) == found


async def test_a_cursor_of_another_order_is_refused(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """It says nothing about where this list goes on."""
    for _ in range(2):
        await api.message()
    following = (await client.get(LIST, params={"limit": "1"})).json()["next"]
    answer = await client.get(LIST, params={"after": following, "order": "urgent"})

    assert (answer.status_code, answer.json()["error_id"]) == (422, "invalid-cursor")


async def test_a_list_without_a_state_leaves_the_trash_out(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """Without `state` new and saved messages are listed, with it those of the state."""
    saved, deleted = await api.message(), await api.message()
    await client.patch(_url(saved), json={"state": "saved"})
    await client.delete(_url(deleted))
    listed = {
        state: {item["id"] for item in (await client.get(LIST, params=query)).json()["items"]}
        for state, query in {
            "": {},
            "new": {"state": "new"},
            "saved": {"state": "saved"},
            "deleted": {"state": "deleted"},
        }.items()
    }

    assert listed == {
        "": {str(message), str(saved)},
        "new": {str(message)},
        "saved": {str(saved)},
        "deleted": {str(deleted)},
    }


async def test_messages_are_found_by_their_caller(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """`q` is looked for in the caller's name and number."""
    await api.message(caller="+4930123", name="Bob")
    await api.message(caller="102", name="Alice")
    found = {
        q: [item["caller_name"] for item in (await client.get(LIST, params={"q": q})).json()["items"]]
        for q in ("bob", "4930", "10", "%")
    }

    assert found == {"bob": ["Bob"], "4930": ["Bob"], "10": ["Alice"], "%": []}


async def test_wrong_queries_of_the_list_are_named(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A state, a limit or a cursor that does not exist is answered by 422 with its name."""
    found = []
    for query in ({"state": "read"}, {"limit": "0"}, {"after": "WyI4MDAxIl0"}, {"stat": "new"}):
        answer = await client.get(LIST, params=query)
        found.append((answer.status_code, answer.json()["errors"][0]["field"]))

    assert found == [(422, "state"), (422, "limit"), (422, "after"), (422, "stat")]


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["saved"], "saved"),
        (["saved", "new"], "new"),
        (["saved", "deleted", "restored"], "saved"),
        (["deleted", "restored"], "new"),
        (["restored"], "new"),
        (["deleted", "deleted", "restored"], "new"),
    ],
)
async def test_a_message_takes_the_state_it_is_given(
    client: httpx.AsyncClient, message: UUID, states: list[str], state: str
) -> None:
    """PATCH sets the state; `restored` is the one before the trash, and harmless elsewhere."""
    for wanted in states:
        answer = await client.patch(_url(message), json={"state": wanted})

    assert (answer.status_code, answer.json()["state"]) == (200, state)


async def test_a_change_names_its_token(client: httpx.AsyncClient, message: UUID) -> None:
    """The message says who changed its state."""
    answer = await client.patch(_url(message), json={"state": "saved"})

    assert answer.json()["state_changed_by"] == "token tests"


async def test_wrong_changes_are_named(client: httpx.AsyncClient, message: UUID) -> None:
    """What is no state, or no field, is answered by 422."""
    bodies: list[dict[str, Any]] = [
        {"state": "read"},
        {"state": None},
        {},
        {"caller_name": "x", "state": "new"},
    ]
    found = []
    for body in bodies:
        answer = await client.patch(_url(message), json=body)
        (error,) = answer.json()["errors"]
        found.append((answer.status_code, error["field"], error["error_id"]))

    assert found == [
        (422, "state", "not-one-of"),
        (422, "state", "not-one-of"),
        (422, "state", "missing-field"),
        (422, "caller_name", "unknown-field"),
    ]


async def test_deleting_goes_by_the_trash(client: httpx.AsyncClient, message: UUID) -> None:
    """The first DELETE moves to the trash, the second purges, the third finds nothing."""
    first = await client.delete(_url(message))
    second = await client.delete(_url(message))
    third = await client.delete(_url(message))

    assert [a.status_code for a in (first, second, third)] == [200, 204, 404]
    assert first.json()["state"] == "deleted"


async def test_a_purged_message_takes_its_recording_with_it(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """After the second DELETE the file is gone."""
    message = await api.message(seconds=1)
    await client.delete(_url(message))
    assert api.store.path(message).exists()
    await client.delete(_url(message))

    assert not api.store.path(message).exists()


async def test_a_stale_etag_refuses_change_and_deletion(client: httpx.AsyncClient, message: UUID) -> None:
    """With the ETag of an older version PATCH and DELETE are answered by 412; with the present one done."""
    stale = {"If-Match": (await client.get(_url(message))).headers["etag"]}
    changed = await client.patch(_url(message), json={"state": "saved"})
    refused = [
        await client.patch(_url(message), json={"state": "new"}, headers=stale),
        await client.delete(_url(message), headers=stale),
    ]
    done = await client.delete(_url(message), headers={"If-Match": changed.headers["etag"]})

    assert [a.status_code for a in (*refused, done)] == [412, 412, 200]


async def test_another_tenant_does_not_find_the_message(
    client: httpx.AsyncClient, message: UUID, foreigner: httpx.AsyncClient
) -> None:
    """To a token of another tenant the message does not exist, and nothing happens to it."""
    bulk = await foreigner.post(BULK, json={"ids": [str(message)], "action": "delete"})
    answers = [
        await foreigner.get(_url(message)),
        await foreigner.patch(_url(message), json={"state": "saved"}),
        await foreigner.delete(_url(message)),
        await foreigner.get(f"{_url(message)}/audio"),
    ]

    assert [a.status_code for a in answers] == [404] * 4
    assert bulk.json()["results"][0]["outcome"] == "not-found"
    assert (await client.get(_url(message))).json()["state"] == "new"


async def test_an_id_that_is_none_is_named(client: httpx.AsyncClient) -> None:
    """A path that holds no UUID is answered by 422, an unknown UUID by 404."""
    none = await client.get("/api/v1/messages/8001")
    unknown = await client.get(_url(uuid4()))

    assert (none.status_code, none.json()["errors"][0]["field"]) == (422, "message_id")
    assert (unknown.status_code, unknown.json()["error_id"]) == (404, "no-such-message")


async def test_many_messages_are_changed_at_once(api: Api, client: httpx.AsyncClient, message: UUID) -> None:
    """Each id has an outcome of its own, in the order asked for; one that is wrong stops no other."""
    saved, unknown = await api.message(), uuid4()
    await client.patch(_url(saved), json={"state": "saved"})
    answer = await client.post(
        BULK, json={"ids": [str(saved), str(unknown), str(message), str(message)], "action": "mark_read"}
    )

    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"id": str(saved), "outcome": "unchanged", "state": "saved"},
        {"id": str(unknown), "outcome": "not-found", "state": None},
        {"id": str(message), "outcome": "done", "state": "saved"},
    ]


async def test_many_messages_go_to_the_trash_and_back(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """`delete` and `restore` are each other's opposite."""
    ids = [str(message), str(await api.message())]
    await client.post(BULK, json={"ids": ids, "action": "delete"})
    counts = (await client.get("/api/v1/mailboxes/8001")).json()["counts"]
    await client.post(BULK, json={"ids": ids, "action": "restore"})
    back = (await client.get("/api/v1/mailboxes/8001")).json()["counts"]

    assert (counts, back) == ({"new": 0, "saved": 0, "deleted": 2}, {"new": 2, "saved": 0, "deleted": 0})


async def test_a_message_of_a_deleted_mailbox_stays_in_the_trash(
    client: httpx.AsyncClient, message: UUID
) -> None:
    """Restoring a message whose mailbox is gone is refused, one by one and in bulk."""
    await client.delete("/api/v1/mailboxes/8001")
    one = await client.patch(_url(message), json={"state": "restored"})
    many = await client.post(BULK, json={"ids": [str(message)], "action": "restore"})

    assert (one.status_code, one.json()["error_id"]) == (409, "mailbox-deleted")
    assert many.json()["results"][0]["outcome"] == "mailbox-deleted"


async def test_wrong_bulk_requests_are_named(client: httpx.AsyncClient, message: UUID) -> None:
    """Ids that are none, too many or none at all, and unknown actions, are answered by 422."""
    ids = [str(message)]
    found = []
    bodies: list[dict[str, Any]] = [
        {"ids": [], "action": "delete"},
        {"ids": [*ids, "x"], "action": "delete"},
        {"ids": ids, "action": "burn"},
        {"ids": ids},
        {"ids": [str(uuid4()) for _ in range(1001)], "action": "delete"},
    ]
    for body in bodies[:4]:
        answer = await client.post(BULK, json=body)
        found.append((answer.status_code, answer.json()["errors"][0]["field"]))
    too_large = await client.post(BULK, json=bodies[4])

    assert found == [(422, "ids"), (422, "ids[1]"), (422, "action"), (422, "action")]
    assert too_large.status_code == 413  # beyond the limit that these tests set


async def test_a_repeated_bulk_request_is_answered_the_same(client: httpx.AsyncClient, message: UUID) -> None:
    """With an Idempotency-Key the outcome of the first time is told again."""
    key = {"Idempotency-Key": "k"}
    body = {"ids": [str(message)], "action": "delete"}
    answers = [(await client.post(BULK, json=body, headers=key)).json() for _ in range(2)]

    assert answers[0]["results"][0]["outcome"] == "done"
    assert answers[1] == answers[0]


async def test_reading_changes_no_state(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """GET of message, list and audio leave it new."""
    message = await api.message(seconds=0.5)
    await client.get(_url(message))
    await client.get(LIST)
    await client.get(f"{_url(message)}/audio")

    assert api.rows("SELECT state, version FROM messages") == [{"state": "new", "version": 1}]


async def test_hostile_callers_are_told_as_they_are_stored(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A caller's name with markup is JSON text like any other."""
    message = await api.message(name='</script><b>"&')

    assert (await client.get(_url(message))).json()["caller_name"] == '</script><b>"&'
