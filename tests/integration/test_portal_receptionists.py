"""Virtual receptionists in the portal: the key map, each key on a page of its own, all other settings."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import MAILBOX
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_ADD = "/portal/virtual-receptionists/add"
_ONE = "/portal/virtual-receptionists/6000"
_REST = "/api/v1/virtual-receptionists"
TO_8001 = {"action": "forward_to_number", "number": "8001"}


async def make(client: httpx.AsyncClient, **fields: Any) -> None:
    """Make the mailbox 8001 and the receptionist 6000."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    made = await client.post(_REST, json={"number": "6000", "display_name": "Main number", **fields})
    assert made.status_code == 201, made.text


async def stored(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the receptionist over REST."""
    return dict((await client.get(f"{_REST}/6000")).json())


def rule(keys: str, **others: Any) -> dict[str, Any]:
    """Return the rule of keys that lead to the mailbox."""
    destination = {"office_hours": TO_8001, "outside_hours": None, "holidays": None, **others}
    return {"keys": keys, "destination": destination}


async def test_key_two_leads_to_the_mailbox(client: httpx.AsyncClient, bob: Browser) -> None:
    """Add the receptionist, choose key 2 on the map, enter 8001, save: the map says so."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    await bob.open(_ADD)
    await bob.send("/add", number="6000", display_name="Main number", greeting="Press 2.")
    opened = bob.path
    await bob.open(f"{_ONE}/keys/2")
    fields = {"destination-office_hours-action": "forward_to_number"}
    await bob.send("/keys/2", **fields, **{"destination-office_hours-number": "8001"})
    text = bob.shown.text

    assert (_ONE, _ONE) == (opened, bob.path)
    assert [rule("2")] == (await stored(client))["keys"]
    assert "Key 2 of Main number is saved." in text
    assert "Key 2: Sales 8001" in text
    assert "Key 3: not in use" in text


async def test_every_key_of_a_telephone_has_its_page(client: httpx.AsyncClient, bob: Browser) -> None:
    """Those with # and * too, by the links of the map; several keys in a row by a form."""
    await make(client)
    await bob.open(_ONE)
    links = [one["href"] for one in bob.shown.with_attribute("href") if "/keys/" in one["href"]]
    for link in links:
        await bob.open(link)
        await bob.send(bob.shown.forms[-1].action, **{"destination-office_hours-action": "repeat"})
    await bob.open(f"{_ONE}/keys")
    await bob.open(f"{_ONE}/keys?keys=9%23")
    await bob.send(bob.shown.forms[-1].action, **{"destination-office_hours-action": "hangup"})
    keys = [one["keys"] for one in (await stored(client))["keys"]]

    assert 12 == len(links)
    assert [*"123456789*0#", "9#"] == keys
    assert "Key 9#: Hang up" in bob.shown.text


async def test_key_has_other_ways_outside_office_hours(client: httpx.AsyncClient, bob: Browser) -> None:
    """They are on the page of the key and on the map; the rules of other keys stay as they were."""
    hangup = {"action": "hangup", "number": None}
    await make(client, keys=[rule("1"), rule("2"), rule("21", holidays=hangup)])
    await bob.open(f"{_ONE}/keys/2")
    await bob.send("/keys/2", **{"destination-outside_hours-action": "hangup"})
    changed = (await stored(client))["keys"]
    text = bob.shown.text
    await bob.open(f"{_ONE}/keys/1")
    await bob.send("/keys/1", do="remove")

    assert [rule("1"), rule("2", outside_hours=hangup), rule("21", holidays=hangup)] == changed
    assert "When closed: Hang up" in text
    assert "Holidays: Hang up" in text
    assert ["2", "21"] == [one["keys"] for one in (await stored(client))["keys"]]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"office_hours-action": "forward_to_number"}, "Enter the number that calls are to go to"),
        (
            {"office_hours-action": "forward_to_number", "office_hours-number": "4711"},
            "Nothing has the number 4711.",
        ),
        (
            {"office_hours-action": "forward_to_number", "office_hours-number": "80x"},
            "A number has 3 to 64 digits",
        ),
        ({"office_hours-action": "fly"}, "Choose one from the list."),
        ({"outside_hours-action": "hangup"}, "Choose what happens."),
    ],
)
async def test_key_that_leads_nowhere_is_refused(
    client: httpx.AsyncClient, bob: Browser, fields: dict[str, str], sentence: str
) -> None:
    """It is said in words, and the other keys stay."""
    await make(client, keys=[rule("1")])
    await bob.open(f"{_ONE}/keys/2")
    await bob.send("/keys/2", **{f"destination-{name}": value for name, value in fields.items()})

    assert (422, True) == (bob.answer.status_code, sentence in bob.shown.text)
    assert [rule("1")] == (await stored(client))["keys"]


async def test_keys_that_no_telephone_has_are_refused(client: httpx.AsyncClient, bob: Browser) -> None:
    """In the form in words; in an address there is no such page."""
    await make(client)
    answers = []
    for text in ("a", "123456", "", "<script>"):
        answer = await bob.client.get(f"{_ONE}/keys", params={"keys": text})
        answers.append((answer.status_code, "Keys are 1 to 5" in answer.text, "<script>" in answer.text))
    await bob.open(f"{_ONE}/keys/abc")

    assert [(422, True, False)] * 4 == answers
    assert 404 == bob.answer.status_code


async def test_second_admin_is_told_on_the_page_of_a_key(client: httpx.AsyncClient, bob: Browser) -> None:
    """What was entered stays, and saving again keeps the keys of the first one."""
    await make(client)
    await bob.open(f"{_ONE}/keys/2")
    await client.patch(f"{_REST}/6000", json={"keys": [rule("1")]})
    fields = {"destination-office_hours-action": "forward_to_number"}
    await bob.send("/keys/2", **fields, **{"destination-office_hours-number": "8001"})
    told = (bob.answer.status_code, "A program with the token “tests” was first Changed at" in bob.shown.text)
    await bob.send("/keys/2")

    assert (412, True) == told
    assert [rule("1"), rule("2")] == (await stored(client))["keys"]


async def test_every_field_is_stored(client: httpx.AsyncClient, bob: Browser) -> None:
    """What is entered is what REST reads; the keys stay as they were."""
    await make(client, keys=[rule("1")])
    await client.post("/api/v1/office-hours", json={"name": "sales", "time_zone": "Europe/Berlin"})
    await bob.open(_ONE)
    fields = {
        "display_name": "Reception",
        "greeting": "Welcome.\r\nPress 1.",
        "language": "de",
        "timeout_seconds": "20",
        "timeout_repeats": "0",
        "timeout-action": "forward_to_number",
        "timeout-number": "8001",
        "call_failed-action": "hangup",
        "digit_gap_seconds": "4",
        "fallback": "8001",
        "office_hours": "sales",
        "closed-action": "forward_to_number",
        "closed-number": "8001",
    }
    form = bob.shown.form("/6000").fields
    form.pop("dial_extensions")
    await bob.post(_ONE, {**form, **fields, "do": "save"})
    read = await stored(client)

    assert {
        "display_name": "Reception",
        "greeting": "Welcome.\nPress 1.",
        "language": "de",
        "keys": [rule("1")],
        "dial_extensions": False,
        "digit_gap_seconds": 4,
        "timeout_seconds": 20,
        "timeout_repeats": 0,
        "timeout": TO_8001,
        "call_failed": {"action": "hangup", "number": None},
        "fallback": "8001",
        "office_hours": "sales",
        "closed": TO_8001,
    }.items() <= read.items()


async def test_hostile_texts_are_text(client: httpx.AsyncClient, bob: Browser) -> None:
    """What REST takes as a name or a greeting is shown as it is, on every page of a receptionist."""
    name = max((t for t in HOSTILE_TEXTS if "<" in t and len(t) <= 64 and t.isprintable()), key=len)
    greeting = " ".join(text for text in HOSTILE_TEXTS if text.isprintable() and len(text) < 40)[:1990]
    await make(client, display_name=name, greeting=greeting, keys=[rule("1")])
    pages = []
    for path in ("", "/keys/1", "/keys", "/delete"):
        await bob.open(f"{_ONE}{path}")
        pages.append((bob.answer.status_code, name in bob.shown.text))
    await bob.open(_ONE)

    assert [(200, True)] * 4 == pages
    assert greeting.strip() == bob.shown.form("/6000").fields["greeting"].strip()


async def test_deleting_points_calls_elsewhere(client: httpx.AsyncClient, bob: Browser) -> None:
    """The rule that leads there leads to the mailbox afterwards."""
    await make(client)
    rule_in = {
        "name": "main",
        "destination": {"office_hours": {"action": "forward_to_number", "number": "6000"}},
    }
    await client.post("/api/v1/inbound-rules", json=rule_in)
    listed = (await bob.open(f"{_ONE}/delete")).text
    await bob.send("/6000/delete", instead="number", to="8001")

    assert ("main" in listed, 404) == (True, (await client.get(f"{_REST}/6000")).status_code)
    assert TO_8001 == (await client.get("/api/v1/inbound-rules/main")).json()["destination"]["office_hours"]
