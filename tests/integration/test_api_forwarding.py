"""Forwarding a message over HTTP: a copy in another mailbox, or mails to the recipients of its own."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.support.api import MAILBOX, Api
from tests.support.members import client_of, make_member

MAILBOXES = "/api/v1/mailboxes"
OTHER = {**MAILBOX, "number": "8002", "display_name": "Support"}


def _url(message_id: UUID, what: str) -> str:
    return f"/api/v1/messages/{message_id}/{what}"


@pytest.fixture
async def message(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> UUID:
    """Leave an urgent message in 8001, which a queue sent there, and have the mailbox 8002."""
    assert (await client.post(MAILBOXES, json=OTHER)).status_code == 201
    step = {"kind": "call_queue", "number": "6200", "key": None, "reason": "no_agents", "waited_seconds": 9}
    way = {"did": "493012345", "reason": "no_agents", "path": [step]}
    found = await api.message(seconds=1.5, urgent=True, reached_by=way)
    api.jobs()
    return found


def _forwarded(api: Api) -> list[tuple[str, str, str]]:
    """Return what the audit log says of messages that were passed on."""
    found = api.rows(
        "SELECT author, subject, details->'after'->>'to' AS too FROM audit_entries"
        " WHERE action = 'forwarded' ORDER BY id"
    )
    return [(row["author"], row["subject"], row["too"]) for row in found]


async def test_a_copy_is_a_new_message_of_the_other_mailbox(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """With its caller, as urgent, by which way it came; lamp and mails follow, and the original stays."""
    before = (await client.get(f"/api/v1/messages/{message}")).json()
    await client.patch(f"{MAILBOXES}/8002", json={"email_recipients": ["b@example.com"]})
    await client.patch(f"{MAILBOXES}/8002", json={"email_notification": True})
    api.jobs()
    answer = await client.post(_url(message, "forward"), json={"to": "8002"})
    (copy,) = (await client.get(f"{MAILBOXES}/8002/messages")).json()["items"]

    assert (201, {"id": copy["id"], "mailbox": "8002"}) == (answer.status_code, answer.json())
    assert ("102", "Alice", 1500, "new", True) == tuple(
        copy[name] for name in ("caller_number", "caller_name", "duration_ms", "state", "urgent")
    )
    assert ["call_queue 6200", "mailbox 8001"] == [
        f"{step['kind']} {step['number']}" for step in copy["reached_by"]["path"]
    ]
    assert "493012345" == copy["reached_by"]["did"]
    assert before == (await client.get(f"/api/v1/messages/{message}")).json()
    heard = [(await client.get(_url(UUID(each), "audio"))).content for each in (copy["id"], str(message))]
    assert heard[0][-24000:] == heard[1][-24000:]
    assert [("token tests", "8001", "8002")] == _forwarded(api)
    assert {"speech.envelope", "mail.send", "mwi.send"} <= {name for name, _ in api.jobs()}


async def test_refusals_name_the_field_and_what_to_do(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """Nothing is half done: no copy, no job, nothing in the log."""
    await client.post(MAILBOXES, json={**OTHER, "number": "8003", "enabled": False})
    await client.post(MAILBOXES, json={**OTHER, "number": "8004", "max_messages": 1})
    await api.message("8004")
    api.jobs()
    found = {}
    for to in ("8001", "8003", "8004", "8999", "no number"):
        answer = (await client.post(_url(message, "forward"), json={"to": to})).json()
        (error,) = answer["errors"]
        assert ("to", answer["error_id"]) == (error["field"], error["error_id"])
        found[to] = (answer["status"], answer["error_id"])

    assert {
        "8001": (422, "same-mailbox"),
        "8003": (409, "other-mailbox-disabled"),
        "8004": (409, "other-mailbox-full"),
        "8999": (422, "no-mailbox-there"),
        "no number": (422, "wrong-pattern"),
    } == found
    assert [] == _forwarded(api) == api.jobs()
    assert 2 == len(api.rows("SELECT id FROM messages"))
    assert [message] == await api.store.older_than(-10)


async def test_number_of_a_deleted_mailbox_is_no_mailbox(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """Nor is the number of an extension, or a mailbox of another tenant."""
    await client.delete(f"{MAILBOXES}/8002")
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    foreign = await api.tenant("north")
    await foreign.post(MAILBOXES, json={**OTHER, "number": "8005"})
    answers = [await client.post(_url(message, "forward"), json={"to": to}) for to in ("8002", "101", "8005")]

    assert ["no-mailbox-there"] * 3 == [answer.json()["error_id"] for answer in answers]
    await foreign.aclose()


@pytest.mark.parametrize(
    ("broken", "error"), [("missing", "recording-missing"), ("no audio", "recording-damaged")]
)
async def test_without_its_recording_nothing_is_forwarded(
    api: Api, client: httpx.AsyncClient, message: UUID, broken: str, error: str
) -> None:
    """It is said, and there is no message without audio."""
    path = api.store.path(message)
    if broken == "missing":
        path.unlink()
    else:
        path.write_bytes(b"no audio at all, but long enough to be looked at as a header" * 2)
    answer = await client.post(_url(message, "forward"), json={"to": "8002"})

    assert (404, error) == (answer.status_code, answer.json()["error_id"])
    assert 1 == len(api.rows("SELECT id FROM messages"))


async def test_a_repeated_request_makes_one_copy(api: Api, client: httpx.AsyncClient, message: UUID) -> None:
    """Also after a process that died before it could keep its answer, and where the mailbox is full now."""
    await client.patch(f"{MAILBOXES}/8002", json={"max_messages": 1})
    asked: dict[str, Any] = {"json": {"to": "8002"}, "headers": {"Idempotency-Key": "k"}}
    first = await client.post(_url(message, "forward"), **asked)
    again = await client.post(_url(message, "forward"), **asked)
    api.rows("DELETE FROM idempotency_keys RETURNING 1")
    after_a_crash = await client.post(_url(message, "forward"), **asked)
    other = await client.post(_url(message, "forward"), json={"to": "8002"})

    assert "true" == again.headers["idempotent-replayed"]
    assert first.json() == again.json() == after_a_crash.json()
    assert "other-mailbox-full" == other.json()["error_id"]
    assert 2 == len(api.rows("SELECT id FROM messages"))
    assert 1 == len(_forwarded(api))


async def test_of_many_at_once_as_many_are_taken_as_fit(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """What a mailbox may hold is kept, whoever forwards at the same moment."""
    await client.patch(f"{MAILBOXES}/8002", json={"max_messages": 2})
    answers = await asyncio.gather(
        *(client.post(_url(message, "forward"), json={"to": "8002"}) for _ in range(6))
    )

    assert [201] * 2 + [409] * 4 == sorted(answer.status_code for answer in answers)
    assert 3 == len(api.rows("SELECT id FROM messages"))


async def test_it_takes_the_right_to_download(api: Api, client: httpx.AsyncClient, message: UUID) -> None:
    """And none at the other mailbox, as by phone; who may not see the message finds none."""
    found = {}
    for name, rights in (("listens", ["listen"]), ("keeps", ["download"]), ("nobody", [])):
        await make_member(api, name, rights)
        async with await client_of(api, name) as theirs:
            answers = [
                await theirs.post(_url(message, what), json=body)
                for what, body in (("forward", {"to": "8002"}), ("mail", None))
            ]
        found[name] = [answer.json().get("error_id", answer.status_code) for answer in answers]

    assert {
        "listens": ["right-needed"] * 2,
        "keeps": [201, "no-recipients"],
        "nobody": ["no-such-message"] * 2,
    } == found
    assert [("token tests (user keeps)", "8001", "8002")] == _forwarded(api)


async def test_mails_go_to_all_recipients_again(api: Api, client: httpx.AsyncClient, message: UUID) -> None:
    """Whether or not new messages are mailed; the answer is the message, whose mails are queued."""
    to = ["a@example.com", "b@example.com"]
    await client.patch(f"{MAILBOXES}/8001", json={"email_recipients": to, "email_notification": False})
    api.jobs()
    key = {"Idempotency-Key": "k"}
    answer = await client.post(_url(message, "mail"), headers=key)
    again = await client.post(_url(message, "mail"), headers=key)

    assert {(one, "queued") for one in to} == {
        (mail["recipient"], mail["status"]) for mail in answer.json()["mails"]
    }
    assert answer.content == again.content
    assert answer.headers["etag"] == (await client.get(f"/api/v1/messages/{message}")).headers["etag"]
    assert ["mail.send"] * 2 == [name for name, _ in api.jobs()]
    assert [("token tests", "8001", "a@example.com, b@example.com")] == _forwarded(api)


async def test_mails_that_cannot_go_are_refused(api: Api, client: httpx.AsyncClient, message: UUID) -> None:
    """No recipients; a deleted mailbox, whose messages still go to another one; no such message."""
    nobody = await client.post(_url(message, "mail"))
    await client.delete(f"{MAILBOXES}/8001")
    deleted = await client.post(_url(message, "mail"))
    forwarded = await client.post(_url(message, "forward"), json={"to": "8002"})
    unknown = await client.post(_url(uuid4(), "mail"))

    assert [(409, "no-recipients"), (409, "mailbox-deleted"), (404, "no-such-message")] == [
        (answer.status_code, answer.json()["error_id"]) for answer in (nobody, deleted, unknown)
    ]
    assert "email_recipients" == nobody.json()["errors"][0]["field"]
    assert 201 == forwarded.status_code
