"""`/numbers` over HTTP."""

from __future__ import annotations

import httpx
from tests.support.api import MAILBOX

URL = "/api/v1/numbers"


async def test_a_number_says_what_has_it(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """GET of a number in use tells kind, name and id of its object."""
    answer = await client.get(f"{URL}/8001")

    assert (answer.status_code, answer.json()) == (
        200,
        {"number": "8001", "kind": "mailbox", "display_name": "Sales", "object_id": mailbox.json()["id"]},
    )


async def test_a_free_number_is_not_found(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A number that nothing has, and what is no number, are answered by 404."""
    answers = [await client.get(f"{URL}/{text}") for text in ("8002", "abc", "8" * 300, "%00")]

    assert [(a.status_code, a.json()["error_id"]) for a in answers] == [
        *[(404, "number-free")] * 3,
        (404, "no-such-page"),
    ]


async def test_numbers_of_all_kinds_are_listed_and_found(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """The list holds mailboxes and extensions in the order of their digits, in pages, by number or name."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "80"})
    all_of_them = (await client.get(URL)).json()
    first = (await client.get(URL, params={"limit": 1})).json()
    second = (await client.get(URL, params={"limit": 1, "after": first["next"]})).json()
    alice = (await client.get(URL, params={"q": "ali"})).json()

    assert [(i["number"], i["kind"]) for i in all_of_them["items"]] == [
        ("101", "extension"),
        ("8001", "mailbox"),
    ]
    assert [i["number"] for i in (*first["items"], *second["items"])] == ["101", "8001"]
    assert [i["number"] for i in alice["items"]] == ["101"]


async def test_another_tenant_sees_none_of_them(
    mailbox: httpx.Response, foreigner: httpx.AsyncClient
) -> None:
    """To a token of another tenant the number is free."""
    one = await foreigner.get(f"{URL}/8001")
    listed = await foreigner.get(URL)

    assert (one.status_code, listed.json()["items"]) == (404, [])
