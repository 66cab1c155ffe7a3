"""Every error is a problem document of one shape, and tells nothing it should not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from controlplane.domain.errors import Unavailable
from tests.support.api import MAILBOX, MAX_BODY, Api

URL = "/api/v1/mailboxes"
JSON = {"Content-Type": "application/json"}


async def _large() -> AsyncIterator[bytes]:
    """Send more than is taken, in parts, without saying how much."""
    for _ in range(MAX_BODY // 1000 + 2):
        yield b" " * 1000


async def _problem(api: Api, client: httpx.AsyncClient, status: int) -> httpx.Response:
    match status:
        case 400:
            return await client.post(URL, content=b'{"number": ', headers=JSON)
        case 401:
            return await api.client().get(URL)
        case 403:
            return await client.get("/api/v1/tenants")
        case 404:
            return await client.get("/api/v2/nothing")
        case 405:
            return await client.put(URL, json={})
        case 409:
            await client.post(URL, json=dict(MAILBOX))
            return await client.post(URL, json=dict(MAILBOX))
        case 412:
            await client.post(URL, json=dict(MAILBOX))
            return await client.delete(f"{URL}/8001", headers={"If-Match": '"9-0123456789abcdef"'})
        case 413:
            return await client.post(URL, content=_large(), headers=JSON)
        case 415:
            return await client.post(URL, content=b"number=8001", headers={"Content-Type": "text/plain"})
        case 422:
            return await client.post(URL, json={})
    raise AssertionError(status)


@pytest.mark.parametrize(
    ("status", "error_id"),
    [
        (400, "malformed-json"),
        (401, "unauthorized"),
        (403, "system-token-needed"),
        (404, "no-such-page"),
        (405, "method-not-allowed"),
        (409, "number-taken"),
        (412, "stale-etag"),
        (413, "body-too-large"),
        (415, "unsupported-media-type"),
        (422, "invalid-values"),
    ],
)
async def test_every_error_has_one_shape(
    api: Api, client: httpx.AsyncClient, status: int, error_id: str
) -> None:
    """Each kind of error is a problem document with the same members, and names its request."""
    answer = await _problem(api, client, status)
    body: dict[str, Any] = answer.json()

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert {key: type(value) for key, value in body.items()} == {
        "type": str,
        "title": str,
        "status": int,
        "detail": str,
        "error_id": str,
        "errors": list,
        "details": dict,
        "instance": str,
    }
    assert (body["status"], body["error_id"]) == (status, error_id)
    assert body["type"] == f"urn:shared-voicemail:problem:{error_id}"
    assert UUID(body["instance"].removeprefix("urn:uuid:")) == UUID(answer.headers["x-request-id"])


async def test_an_unreachable_database_is_worth_a_retry(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 in the same shape says when to ask again."""

    def away(_: object) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(type(api.deps.db), "transaction", away)
    answer = await client.get(URL)

    assert (answer.status_code, answer.json()["error_id"], answer.headers["retry-after"]) == (
        503,
        "unavailable",
        "5",
    )


async def test_an_unforeseen_error_is_logged_once_and_told_by_its_id(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 in the same shape says nothing of the error; the log has it, under the same id."""

    def broken(_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(api.deps.db), "transaction", broken)
    with structlog.testing.capture_logs() as logs:
        answer = await client.get(URL)
    entries = [entry for entry in logs if entry["event"] == "http.failed"]

    assert (answer.status_code, answer.json()["error_id"]) == (500, "internal-error")
    assert "secret" not in answer.text
    assert [entry["request_id"] for entry in entries] == [answer.headers["x-request-id"]]


async def test_a_large_body_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    """A Content-Length beyond the limit is answered at once, with the limit itself taken."""
    refused = await client.post(URL, content=b" " * (MAX_BODY + 1), headers=JSON)
    taken = await client.post(URL, content=b" " * MAX_BODY, headers=JSON)

    assert [refused.status_code, taken.status_code] == [413, 400]


async def test_odd_bodies_are_refused_in_words(client: httpx.AsyncClient) -> None:
    """Bodies that are no object, no UTF-8, too deep or not there are answered by 400 or 422."""
    bodies = [
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"{" * 5000,
        b"[" * 15000,
        b"",
        b"NaN",
        b'{"number": 1e999}',
    ]
    found = [(await client.post(URL, content=body, headers=JSON)).status_code for body in bodies]

    assert set(found) <= {400, 422}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "mailboxes", "GET, HEAD, POST"),
        ("PUT", "mailboxes/8001", "DELETE, GET, HEAD, PATCH"),
        ("POST", "mailboxes/8001", "DELETE, GET, HEAD, PATCH"),
        ("DELETE", "messages", "GET, HEAD"),
        ("PUT", "messages/bulk", "POST"),
        ("POST", "messages/0b2f9a52-0c3f-4f0f-8a55-6f1f3c9a7e10", "DELETE, GET, HEAD, PATCH"),
        ("POST", "numbers", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_there_names_those_that_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    """405 has an Allow header with every method of the address, whichever route has it."""
    answer = await client.request(method, f"/api/v1/{path}", json={})

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_several_etags_are_refused(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """If-Match takes one ETag; several are answered by 400 rather than guessed."""
    answer = await client.delete(f"{URL}/8001", headers={"If-Match": '"1-0123456789abcdef", "2-0"'})

    assert (answer.status_code, answer.json()["error_id"]) == (400, "several-etags")


async def test_every_answer_has_the_headers_of_security(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Answers of all kinds forbid sniffing, framing, scripts and storing."""
    answers = [
        await client.get(f"{URL}/8001"),
        await client.get("/nothing"),
        await client.get("/healthz"),
        await client.get("/api/v1/docs"),
        await client.get("/m/x"),
    ]
    names = ("x-content-type-options", "x-frame-options", "referrer-policy", "x-robots-tag")

    assert {tuple(a.headers[name] for name in names) for a in answers} == {
        ("nosniff", "DENY", "no-referrer", "noindex, nofollow")
    }
    assert all("default-src 'none'" in a.headers["content-security-policy"] for a in answers)
    assert [a.headers["cache-control"] for a in answers] == ["private, no-cache", *["no-store"] * 4]


async def test_the_log_names_routes_and_no_secrets(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """An entry has the route's template: no query, no number, no token of a link, no header."""
    link = api.deps.links.make(await api.message())
    with structlog.testing.capture_logs() as logs:
        await client.get(f"{URL}/8001?secret=1")
        await client.get(f"/m/{link}")
        await client.patch(f"{URL}/8001", json={"pin": "603815"})
    entries = [entry for entry in logs if entry["event"] == "http.request"]
    text = json.dumps(logs, default=str)

    assert [entry["route"] for entry in entries] == [f"{URL}/{{number}}", "/m/{token}", f"{URL}/{{number}}"]
    assert [word for word in ("secret", link, "603815", "svm_", "Bearer") if word in text] == []
