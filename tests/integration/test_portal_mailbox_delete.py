"""Deleting a mailbox in the portal: what points at it, where that goes, and what becomes of messages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import PIN, Api
from tests.support.portal import Browser

_DELETE = "/portal/mailboxes/8001/delete"


@pytest.fixture
async def office(client: httpx.AsyncClient) -> None:
    """Make two mailboxes, an extension that owns the first, and a group that ends in it."""
    to_mailbox = {"action": "forward_to_number", "number": "8001"}
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("mailboxes", {"number": "8001", "display_name": "Sales", "pin": PIN}),
        ("mailboxes", {"number": "8002", "display_name": "Support", "pin": PIN}),
        ("extensions", {"number": "101", "display_name": "Alice"}),
        (
            "ring-groups",
            {"number": "6100", "display_name": "Counter <b>", "members": ["101"], "no_answer": to_mailbox},
        ),
    )
    for path, body in bodies:
        answer = await client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text
    answer = await client.put("/api/v1/extensions/101/rules", json={"mailbox": "8001"})
    assert answer.status_code == 200, answer.text


async def numbers(client: httpx.AsyncClient) -> list[str]:
    """Return the numbers of the mailboxes that are there."""
    return [one["number"] for one in (await client.get("/api/v1/mailboxes")).json()["items"]]


async def group(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return where the group goes on to."""
    return dict((await client.get("/api/v1/ring-groups/6100")).json()["no_answer"])


async def test_page_explains_and_changes_nothing(
    api: Api, client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """It names what points here and by which setting, and what becomes of the messages."""
    await api.message()
    shown = await bob.open(_DELETE)

    assert all(
        words in shown.text
        for words in (
            "Delete Sales (8001)?",
            "1 message goes to the trash and cannot be taken out of it",
            "Extension Alice (101) · Mailbox of the extension",
            "Ring Group Counter <b> (6100) · Destination if no answer",
        )
    )
    assert ["8001", "8002"] == await numbers(client)


@pytest.mark.parametrize(
    "choice",
    [
        ({"instead": "number", "to": " 8002 "}, {"action": "forward_to_number", "number": "8002"}),
        ({"instead": "hangup", "to": "8002"}, {"action": "hangup", "number": None}),
    ],
)
async def test_what_points_here_is_pointed_elsewhere_first(
    api: Api,
    client: httpx.AsyncClient,
    bob: Browser,
    office: None,
    choice: tuple[dict[str, str], dict[str, Any]],
) -> None:
    """To another number, or nowhere; then the mailbox is gone, and its message is in the trash."""
    fields, destination = choice
    await api.message()
    await bob.open(_DELETE)
    shown = await bob.send("/delete", **fields)
    (message,) = api.rows("SELECT state, state_changed_by FROM messages")

    assert (["8002"], destination) == (await numbers(client), await group(client))
    assert {"state": "deleted", "state_changed_by": "user bob"} == message
    assert ("/portal/mailboxes", True) == (bob.path, "The mailbox 8001 “Sales” is deleted." in shown.text)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose what is to happen with the calls that come to 8001."),
        ({"instead": "else"}, "Choose what is to happen with the calls that come to 8001."),
        ({"instead": "number"}, "Enter the number that calls are to go to."),
        ({"instead": "number", "to": "x<y"}, "A number has 3 to 64 digits and nothing else."),
        ({"instead": "number", "to": "999"}, "Nothing has this number."),
        ({"instead": "number", "to": "8001"}, "This is the number of the mailbox itself; enter another one."),
        ({"instead": "number", "to": "6100"}, "Not everything can point there: Extension 101."),
    ],
)
async def test_refusal_says_what_to_do(
    client: httpx.AsyncClient, bob: Browser, office: None, fields: dict[str, str], sentence: str
) -> None:
    """Nothing is changed, and what was entered is still there."""
    await bob.open(_DELETE)
    shown = await bob.send("/delete", **fields)

    assert (True, True) == (bob.answer.status_code in {409, 422}, sentence in shown.text)
    assert fields.get("to", "") == shown.form("/delete").fields["to"]
    assert (["8001", "8002"], "8001") == (await numbers(client), (await group(client))["number"])


async def test_mailbox_that_nothing_points_at_needs_one_button(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """Nothing is asked that need not be."""
    shown = await bob.open("/portal/mailboxes/8002/delete")
    asked = "to" in shown.form("/delete").fields
    await bob.send("/delete")

    assert (False, ["8001"]) == (asked, await numbers(client))
