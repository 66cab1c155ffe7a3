"""The exceptions of an extension: a light list however long, and a page on which one is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.web.portal import static_files
from tests.support.api import PIN
from tests.support.portal import Browser

_RULES = "/api/v1/extensions/101/rules"
_PAGE = "/portal/extensions/101/exceptions"
_SALES = {"action": "forward_to_number", "number": "8001"}
_MOST = 50


@pytest.fixture
async def office(client: httpx.AsyncClient) -> None:
    """Make a mailbox with a hostile name, and an extension."""
    box = {"number": "8001", "display_name": "<script>alert(1)</script>", "pin": PIN}
    for path, body in (
        ("mailboxes", box),
        ("extensions", {"number": "101", "display_name": "Alice"}),
    ):
        answer = await client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text


async def store(client: httpx.AsyncClient, *callers: str, **more: Any) -> None:
    """Set rules with these exceptions."""
    each = [{"caller": caller, "destination": _SALES, "when": "always"} for caller in callers]
    answer = await client.put(_RULES, json={"exceptions": each, **more})
    assert answer.status_code == 200, answer.text


async def stored(client: httpx.AsyncClient) -> list[str]:
    """Return the callers of the exceptions, in their order."""
    return [one["caller"] for one in (await client.get(_RULES)).json()["exceptions"]]


async def test_exceptions_are_added_changed_moved_and_removed(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """By links and forms alone; the rules of the form stay as they are, and so do the exceptions there."""
    await bob.open(f"{_PAGE}/add")
    ring = {"destination-action": "ring", "when": "office_hours"}
    shown = await bob.send("/add", do="save", caller="49301234*", **ring)
    assert "The exception for 49301234* is there." in shown.text
    await bob.open(f"{_PAGE}/add")
    to_sales = {"destination-action": "forward_to_number", "destination-number": "8001"}
    await bob.send("/add", do="save", caller="200", place="1", **to_sales)
    await bob.send("/exceptions", do="up 1")
    assert ["49301234*", "200"] == await stored(client)
    await bob.open(f"{_PAGE}/2")
    shown = await bob.send("/2", do="save", caller="201")
    assert "The exception for 201 is saved." in shown.text
    await bob.open("/portal/extensions/101")
    await bob.send("/101", do="save", display_name="Alice A.", no_answer_seconds="20")
    rules = (await client.get(_RULES)).json()
    first = {"caller": "49301234*", "destination": {"action": "ring", "number": None}, "when": "office_hours"}
    assert (20, first, "201") == (
        rules["no_answer_seconds"],
        rules["exceptions"][0],
        rules["exceptions"][1]["caller"],
    )
    await bob.open(f"{_PAGE}/1")
    await bob.send("/1", do="remove")
    await bob.send("/exceptions", do="drop 0")

    assert [] == await stored(client)
    assert "No exceptions" in bob.shown.text


async def test_pages_are_light_however_many_there_are(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """With as many as an extension can have; style and scripts are part of the 150 kB."""
    await store(client, *(f"4930123{place:03}-4930124{place:03}" for place in range(_MOST)))
    folder = Path(static_files.__file__).parent / "static"
    names = ("portal.css", "portal.js", "htmx.min.js", "mailboxes.js", "picker.js", "icon.svg")
    files = sum((folder / name).stat().st_size for name in names)
    weights = {}
    for path in (_PAGE, f"{_PAGE}/7", "/portal/extensions/101"):
        await bob.open(path)
        weights[path] = files + len(bob.answer.content)

    assert dict.fromkeys(weights, True) == {path: weight < 150_000 for path, weight in weights.items()}


async def test_what_is_wrong_is_told_beside_its_field(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """Nothing is saved, and all that was typed is still there."""
    await bob.open(f"{_PAGE}/add")
    to_nobody = {"destination-action": "forward_to_number", "destination-number": "999"}
    shown = await bob.send("/add", do="save", caller="<b>", place="3", **to_nobody)

    assert 422 == bob.answer.status_code
    assert all(
        words in shown.text
        for words in ("a range such as", "Nothing has the number 999.", "a whole number from 1 to 1.")
    )
    assert ("<b>", "999") == (
        shown.form("/add").fields["caller"],
        shown.form("/add").fields["destination-number"],
    )
    assert [] == await stored(client)


async def test_rules_as_a_whole_may_refuse_one(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """One too many; and its own voicemail, where it owns no mailbox."""
    await bob.open(f"{_PAGE}/add")
    shown = await bob.send("/add", do="save", caller="300", **{"destination-action": "forward_to_voicemail"})
    assert "This extension has no mailbox yet" in shown.text
    await store(client, *(f"49301{place:04}" for place in range(_MOST)))
    await bob.open(f"{_PAGE}/add")
    shown = await bob.send("/add", do="save", caller="300", **{"destination-action": "hangup"})

    assert "These are too many exceptions" in shown.text
    assert _MOST == len(await stored(client))


async def test_two_people_change_exceptions_at_once(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """Who changes another one is in nobody's way; the same one is told, and nothing typed is lost."""
    await store(client, "100", "200")
    await bob.open(f"{_PAGE}/1")
    await store(client, "300", "100", "200")
    await bob.send("/1", do="save", caller="101", place="2")
    assert ["300", "101", "200"] == await stored(client)
    await bob.open(f"{_PAGE}/2")
    await store(client, "300", "200")
    shown = await bob.send("/2", do="save", caller="102")
    assert (412, True) == (bob.answer.status_code, "This exception is not there any more" in shown.text)
    await bob.send("/add", do="save")
    assert ["300", "102", "200"] == await stored(client)
    await bob.open(_PAGE)
    await store(client, "200")
    shown = await bob.send("/exceptions", do="drop 0")

    assert (412, True) == (bob.answer.status_code, "Nothing was moved" in shown.text)
    assert ["200"] == await stored(client)


async def test_there_is_no_page_for_none(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """A place that no exception has is no page."""
    await store(client, "100", "200")
    statuses = {}
    for place in ("0", "3", "-1", "99999", "²", "x"):
        await bob.open(f"{_PAGE}/{place}")
        statuses[place] = bob.answer.status_code

    assert dict.fromkeys(statuses, 404) == statuses


async def test_destination_is_chosen_without_script(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """The picker's page keeps what was typed, and comes back to the same exception."""
    await store(client, "100", "200")
    await bob.open(f"{_PAGE}/2")
    await bob.send("/2", do="pick destination", caller="201")
    shown = await bob.send("/2", do="ok destination", picked="8001")
    assert "8001" == shown.form("/2").fields["destination-number"]
    await bob.send("/2", do="save")

    assert ["100", "201"] == await stored(client)
