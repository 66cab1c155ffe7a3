"""`Idempotency-Key`: repeated, concurrent, reused and forgotten."""

from __future__ import annotations

import asyncio

import httpx
from tests.support.api import MAILBOX, Api

URL = "/api/v1/mailboxes"
KEY = {"Idempotency-Key": "k"}


async def test_another_body_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    """A key that was used for another request is answered by 422."""
    await client.post(URL, json=dict(MAILBOX), headers=KEY)
    answer = await client.post(URL, json={**MAILBOX, "number": "8002"}, headers=KEY)

    assert (answer.status_code, answer.json()["error_id"]) == (422, "idempotency-key-reused")


async def test_another_path_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    """A key belongs to one call of the API."""
    body = {"number": "101", "display_name": "Alice"}
    await client.post("/api/v1/extensions", json=body, headers=KEY)
    answer = await client.post(URL, json=body | {"pin": "290174"}, headers=KEY)

    assert (answer.status_code, answer.json()["error_id"]) == (422, "idempotency-key-reused")


async def test_keys_of_different_tokens_do_not_meet(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    """Two clients may choose the same key."""
    answers = [await who.post(URL, json=dict(MAILBOX), headers=KEY) for who in (client, foreigner)]

    assert [a.status_code for a in answers] == [201, 201]
    assert "idempotent-replayed" not in answers[1].headers


async def test_of_the_same_request_at_once_one_is_done(api: Api, client: httpx.AsyncClient) -> None:
    """Repeated while it is answered, a request is told to wait, or is given the same answer."""
    answers = await asyncio.gather(*(client.post(URL, json=dict(MAILBOX), headers=KEY) for _ in range(5)))
    waiting = [a for a in answers if a.status_code == 409]

    assert {a.json()["error_id"] for a in waiting} <= {"request-in-progress"}
    assert {a.headers["retry-after"] for a in waiting} <= {"1"}
    assert len({a.content for a in answers if a.status_code == 201}) == 1
    assert len(api.rows("SELECT id FROM mailboxes")) == 1


async def test_a_refused_request_may_be_mended(client: httpx.AsyncClient) -> None:
    """What was refused is not kept: the same key takes the mended request."""
    refused = await client.post(URL, json={**MAILBOX, "pin": "1234"}, headers=KEY)
    mended = await client.post(URL, json=dict(MAILBOX), headers=KEY)

    assert [refused.status_code, mended.status_code] == [422, 201]


async def test_a_claim_left_by_a_crash_is_taken_over(api: Api, client: httpx.AsyncClient) -> None:
    """A claim without an answer is respected for a minute, and then the work is done again."""
    await client.post(URL, json=dict(MAILBOX), headers=KEY)
    api.rows("DELETE FROM numbers RETURNING 1")
    api.rows("DELETE FROM mailboxes RETURNING 1")
    api.rows("UPDATE idempotency_keys SET status = NULL, body = NULL RETURNING 1")
    waiting = await client.post(URL, json=dict(MAILBOX), headers=KEY)
    api.rows("UPDATE idempotency_keys SET created_at = now() - interval '2 minutes' RETURNING 1")
    done = await client.post(URL, json=dict(MAILBOX), headers=KEY)

    assert [waiting.status_code, done.status_code] == [409, 201]
    assert waiting.json()["error_id"] == "request-in-progress"


async def test_a_key_is_forgotten_after_a_day(api: Api, client: httpx.AsyncClient) -> None:
    """After a day the key is free for any request."""
    await client.post(URL, json=dict(MAILBOX), headers=KEY)
    api.rows("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' RETURNING 1")
    answer = await client.post(URL, json={**MAILBOX, "number": "8002"}, headers=KEY)

    assert answer.status_code == 201


async def test_a_key_that_is_none_is_named(client: httpx.AsyncClient) -> None:
    """Empty, overlong and unprintable keys are answered by 422."""
    found = []
    for key in ("", "x" * 256, "a\tb"):
        answer = await client.post(URL, json=dict(MAILBOX), headers={"Idempotency-Key": key})
        found.append((answer.status_code, answer.json()["errors"][0]["field"]))

    assert found == [(422, "Idempotency-Key")] * 3


async def test_the_pin_is_not_kept_with_the_key(api: Api, client: httpx.AsyncClient) -> None:
    """Of the request only a digest is stored."""
    await client.post(URL, json=dict(MAILBOX), headers=KEY)

    assert str(MAILBOX["pin"]) not in str(api.rows("SELECT * FROM idempotency_keys"))
