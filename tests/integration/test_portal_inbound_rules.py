"""Inbound rules in the portal: numbers, callers, order, and the destination in and out of office hours."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import MAILBOX, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser, Shown

_LIST = "/portal/inbound-rules"
_ADD = "/portal/inbound-rules/_add"
_ONE = "/portal/inbound-rules/main"
_REST = "/api/v1/inbound-rules"
TO_8001 = {"action": "forward_to_number", "number": "8001"}


async def stored(client: httpx.AsyncClient, name: str = "main") -> dict[str, Any]:
    """Return a rule over REST."""
    return dict((await client.get(f"{_REST}/{name}")).json())


async def make(client: httpx.AsyncClient, name: str = "main", **fields: Any) -> None:
    """Make the mailbox 8001, if it is not there, and a rule that leads there."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    body = {"name": name, "destination": {"office_hours": TO_8001}, **fields}
    made = await client.post(_REST, json=body)
    assert made.status_code == 201, made.text


async def test_every_field_is_stored(
    client: httpx.AsyncClient, system: httpx.AsyncClient, bob: Browser
) -> None:
    """A number goes to the receptionist in office hours, and to the mailbox outside and on holidays."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    await client.post("/api/v1/office-hours", json={"name": "sales", "time_zone": "Europe/Berlin"})
    await system.post("/api/v1/trunks", json={"name": "provider", "addresses": ["192.0.2.1"]})
    await bob.open(_ADD)
    await bob.send(
        "/_add",
        **{
            "name": "main",
            "dids": "+4930123400, 4930123410-4930123419\r\n49301235**",
            "callers": "+4940*",
            "destination-office_hours-action": "hangup",
            "destination-outside_hours-action": "forward_to_number",
            "destination-outside_hours-number": "8001",
            "destination-holidays-number": "8001",
            "destination-holidays-action": "forward_to_number",
            "office_hours": "sales",
            "trunk": "provider",
            "priority": "7",
        },
    )
    read = await stored(client)
    listed = bob.shown.text

    assert {
        "dids": ["+4930123400", "4930123410-4930123419", "49301235**"],
        "callers": ["+4940*"],
        "trunk": "provider",
        "priority": 7,
        "enabled": True,
        "office_hours": "sales",
        "destination": {
            "office_hours": {"action": "hangup", "number": None},
            "outside_hours": TO_8001,
            "holidays": TO_8001,
        },
    }.items() <= read.items()
    assert "Inbound Rule “main” is there." in listed


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Main Number"}, "A name has a to z, 0-9 and hyphens"),
        ({"dids": "+4930, 49-4"}, "“49-4” is no number"),
        ({"callers": "anybody"}, "“anybody” is no number"),
        ({"priority": "1001"}, "Enter a whole number from 0 to 1000."),
        ({"priority": "first"}, "Enter a whole number."),
        ({"destination-office_hours-action": ""}, "Choose what happens"),
        ({"destination-office_hours-number": "4711"}, "Nothing has the number 4711."),
        ({"trunk": "gone"}, "There is no trunk of this name any more."),
        ({"office_hours": "gone"}, "There are no office hours of this name any more."),
    ],
)
async def test_faults_are_told_in_words(
    client: httpx.AsyncClient, bob: Browser, fields: dict[str, str], sentence: str
) -> None:
    """What was typed stays in the form, and nothing is stored."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    good = {
        "name": "main",
        "destination-office_hours-action": "forward_to_number",
        "destination-office_hours-number": "8001",
    }
    await bob.open(_ADD)
    await bob.send("/_add", **{**good, **fields})

    assert (422, True) == (bob.answer.status_code, sentence in bob.shown.text)
    assert [] == (await client.get(_REST)).json()["items"]


async def test_rules_are_listed_in_the_order_in_which_they_are_asked(
    client: httpx.AsyncClient, bob: Browser
) -> None:
    """By priority, then by name; the headings turn it, the search finds a part of the name."""
    for name, priority in (("fax", 100), ("all-others", 1000), ("vip", 0), ("counter", 100)):
        await make(client, name, priority=priority)
    by_priority = _order(await bob.open(_LIST))
    by_name = _order(await bob.open(f"{_LIST}?sort=name"))
    found = _order(await bob.open(f"{_LIST}?q=count"))

    assert ["vip", "counter", "fax", "all-others"] == by_priority
    assert ["all-others", "counter", "fax", "vip"] == by_name
    assert ["counter"] == found


def _order(shown: Shown) -> list[str]:
    """Return the names of the rules in the order in which they stand in a list."""
    return [one["value"] for one in shown.with_attribute("value") if one.get("name") == "key"]


async def test_hostile_masks_are_refused_and_shown_as_text(
    api: Api, client: httpx.AsyncClient, bob: Browser
) -> None:
    """All of them at once in each field: an answer in words, and nothing is stored."""
    await make(client)
    before = await stored(client)
    text = "\n".join(HOSTILE_TEXTS).encode("utf-8", "replace").decode()[:3000]
    await bob.open(_ONE)
    answers = []
    for field in ("dids", "callers", "trunk", "office_hours", "priority", "destination-office_hours-number"):
        await bob.open(_ONE)
        await bob.send("/main", **{field: text})
        answers.append((bob.answer.status_code, bob.shown.with_attribute("onerror")))

    assert [(422, [])] * 6 == answers
    assert before == await stored(client)


async def test_second_admin_is_told_who_was_first(client: httpx.AsyncClient, bob: Browser) -> None:
    """What both changed is in the form, and saving again keeps both."""
    await make(client)
    await bob.open(_ONE)
    await client.patch(f"{_REST}/main", json={"priority": 3})
    await bob.send("/main", dids="4930123")
    told = (bob.answer.status_code, "Priority: 3" in bob.shown.text)
    await bob.send("/main")
    read = await stored(client)

    assert (412, True) == told
    assert (3, ["4930123"]) == (read["priority"], read["dids"])
