"""`/extensions` over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest
from tests.support.api import Api

URL = "/api/v1/extensions"
ONE = f"{URL}/101"
ALICE = {"number": "101", "display_name": "Alice"}
PASSWORD = "correct-horse-7"


@pytest.fixture
async def alice(api: Api, client: httpx.AsyncClient) -> httpx.Response:
    """Make the extension 101; return the answer."""
    answer = await client.post(URL, json=ALICE)
    assert answer.status_code == 201, answer.text
    api.jobs()
    return answer


def _a1(password: str) -> str:
    return hashlib.md5(f"101:shared-voicemail:{password}".encode()).hexdigest()


async def test_a_password_is_made_and_shown_once(
    api: Api, client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """POST without a password answers with a new one that is stored by its digest, and never told again."""
    password = alice.json()["sip_password"]
    later = await client.get(ONE)
    (row,) = api.rows("SELECT sip_a1_hash FROM extensions")

    assert len(password) == 20
    assert row["sip_a1_hash"] == _a1(password)
    assert "sip_password" not in later.json()
    assert alice.headers["cache-control"] == "no-store"


async def test_a_given_password_is_taken(api: Api, client: httpx.AsyncClient) -> None:
    """POST with a password stores its digest."""
    answer = await client.post(URL, json={**ALICE, "sip_password": PASSWORD})
    (row,) = api.rows("SELECT sip_a1_hash FROM extensions")

    assert (answer.json()["sip_password"], row["sip_a1_hash"]) == (PASSWORD, _a1(PASSWORD))


async def test_a_new_extension_is_published(api: Api, client: httpx.AsyncClient) -> None:
    """Making an extension defers a revision and then the route of its number."""
    await client.post(URL, json=ALICE)

    assert [name for name, _ in api.jobs()] == ["configuration.publish", "configuration.routes"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"number": "1"}, "number", "wrong-pattern"),
    ({"number": 101}, "number", "wrong-type"),
    ({"display_name": ""}, "display_name", "too-short"),
    ({"display_name": "a\tb"}, "display_name", "invalid-display-name"),
    ({"sip_password": "sh0rt!"}, "sip_password", "too-short"),
    ({"sip_password": "x" * 65}, "sip_password", "too-long"),
    ({"sip_password": "with a blank"}, "sip_password", "invalid-sip-password"),
    ({"sip_password": "pässwörter"}, "sip_password", "invalid-sip-password"),
    ({"sip_password": "line\nline\nline"}, "sip_password", "invalid-sip-password"),
    ({"sip_password": "my-101-phone"}, "sip_password", "invalid-sip-password"),
    ({"sip_password": 12345678}, "sip_password", "wrong-type"),
    ({"pin": "290174"}, "pin", "unknown-field"),
]


async def test_wrong_fields_are_named_and_passwords_not_repeated(client: httpx.AsyncClient) -> None:
    """A value that breaks a rule is answered by 422 with its field; no password comes back."""
    found = []
    for change, _, _ in WRONG:
        answer = await client.post(URL, json={**ALICE, **change})
        (error,) = answer.json()["errors"]
        found.append((change, error["field"], error["error_id"]))
        assert answer.status_code == 422
        assert str(change.get("sip_password", "\0")) not in answer.text

    assert found == WRONG


async def test_a_taken_number_says_by_what(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A mailbox's number is refused with its kind and name."""
    answer = await client.post(URL, json={**ALICE, "number": "8001"})

    assert (answer.status_code, answer.json()["details"]) == (
        409,
        {"kind": "mailbox", "display_name": "Sales"},
    )


async def test_a_name_is_changed_and_published(
    api: Api, client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """PATCH of the name makes a new version and a revision, and tells no password."""
    answer = await client.patch(ONE, json={"display_name": "Alice Smith"})

    assert (answer.json()["display_name"], answer.json()["sip_password"]) == ("Alice Smith", None)
    assert [name for name, _ in api.jobs()] == ["configuration.publish"]


async def test_a_null_password_makes_a_new_one(
    api: Api, client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """PATCH with `sip_password: null` answers with another password, which is the one stored."""
    password = (await client.patch(ONE, json={"sip_password": None})).json()["sip_password"]
    (row,) = api.rows("SELECT sip_a1_hash FROM extensions")

    assert password != alice.json()["sip_password"]
    assert row["sip_a1_hash"] == _a1(password)


async def test_a_change_that_changes_nothing_is_not_published(
    api: Api, client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """A repeated PATCH is harmless."""
    before = (await client.get(ONE)).headers["etag"]
    await client.patch(ONE, json={"display_name": "Alice"})

    assert (api.jobs(), (await client.get(ONE)).headers["etag"]) == ([], before)


async def test_a_stale_etag_refuses_change_and_deletion(
    client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """With the ETag of an older version nothing is done."""
    stale = {"If-Match": alice.headers["etag"]}
    await client.patch(ONE, json={"display_name": "Bob"})
    answers = [
        await client.patch(ONE, json={"display_name": "Eve"}, headers=stale),
        await client.delete(ONE, headers=stale),
    ]

    assert [a.status_code for a in answers] == [412, 412]


async def test_a_removed_extension_frees_its_number(
    api: Api, client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """DELETE removes it, publishes, and its number can be given again."""
    deleted = await client.delete(ONE)
    jobs = [name for name, _ in api.jobs()]
    again = await client.delete(ONE)
    made = await client.post(URL, json=ALICE)

    assert [a.status_code for a in (deleted, again, made)] == [204, 404, 201]
    assert jobs == ["configuration.publish", "configuration.routes", "mwi.send"]


async def test_extensions_are_listed_without_passwords(
    client: httpx.AsyncClient, alice: httpx.Response
) -> None:
    """The list is in pages, found by number or name, and tells no password."""
    await client.post(URL, json={"number": "102", "display_name": "Bob"})
    first = (await client.get(URL, params={"limit": 1})).json()
    second = (await client.get(URL, params={"limit": 1, "after": first["next"]})).json()
    bob = (await client.get(URL, params={"q": "BOB"})).json()

    assert [i["number"] for i in (*first["items"], *second["items"], *bob["items"])] == ["101", "102", "102"]
    assert set(first["items"][0]) == {"id", "number", "display_name", "created_at", "updated_at"}


async def test_another_tenant_does_not_find_it(alice: httpx.Response, foreigner: httpx.AsyncClient) -> None:
    """To a token of another tenant the extension does not exist."""
    answers = [
        await foreigner.get(ONE),
        await foreigner.patch(ONE, json={"display_name": "Eve"}),
        await foreigner.delete(ONE),
    ]

    assert [(a.status_code, a.json()["error_id"]) for a in answers] == [(404, "no-such-extension")] * 3


async def test_a_repeated_request_does_not_tell_the_password_again(
    api: Api, client: httpx.AsyncClient
) -> None:
    """The stored answer holds no password, so that the repeated one says null."""
    key = {"Idempotency-Key": "k"}
    first = await client.post(URL, json=ALICE, headers=key)
    second = await client.post(URL, json=ALICE, headers=key)
    (row,) = api.rows("SELECT body FROM idempotency_keys")

    assert second.json() == {**first.json(), "sip_password": None}
    assert first.json()["sip_password"].encode() not in bytes(row["body"])
