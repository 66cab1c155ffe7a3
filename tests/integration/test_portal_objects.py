"""The pages of objects that route calls: a list, adding, changing, deleting, and choosing a destination."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import PIN
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_ADD = "/portal/ring-groups/add"


async def put(client: httpx.AsyncClient, path: str, **body: Any) -> None:
    """Make an object over REST."""
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def office(client: httpx.AsyncClient) -> None:
    """Make two mailboxes and three extensions."""
    for number, name in (("8001", "Sales"), ("8002", "Support")):
        await put(client, "mailboxes", number=number, display_name=name, pin=PIN)
    for number, name in (("101", "Alice"), ("102", "Bob"), ("103", "Carol")):
        await put(client, "extensions", number=number, display_name=name)


async def group(client: httpx.AsyncClient, number: str = "6100") -> dict[str, Any]:
    """Return a ring group as REST shows it."""
    answer = await client.get(f"/api/v1/ring-groups/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def press(browser: Browser, do: str, **fields: str) -> str:
    """Press a button of the form that is shown; return the page's words."""
    return (await browser.send(browser.path.partition("?")[0], do=do, **fields)).text


async def test_ring_group_is_added(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """By typing alone; the list tells of it."""
    await bob.open(_ADD)
    shown = await bob.send(
        "/add",
        number="6100",
        display_name="Counter",
        **{
            "members-0": "101, 102",
            "strategy": "in_order",
            "no_answer-action": "forward_to_number",
            "no_answer-number": "8001",
        },
    )
    made = await group(client)

    assert "Ring Group 6100 “Counter” is there." in shown.text
    assert "2 members Sales (8001)" in shown.text
    assert (["101", "102"], "in_order", {"action": "forward_to_number", "number": "8001"}) == (
        made["members"],
        made["strategy"],
        made["no_answer"],
    )


async def test_destination_is_chosen(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """The picker is a page of its own; all that was typed comes back with the number."""
    await bob.open(_ADD)
    words = await press(bob, "pick no_answer", number="6100", display_name="Counter")
    assert "Select extension number" in words
    words = await press(bob, "find no_answer", **{"pick-kind": "mailbox", "pick-q": "supp"})
    assert ("8002" in words, "8001" in words, "101" in words) == (True, False, False)
    words = await press(bob, "ok no_answer")
    assert "Select a number first." in words
    await press(bob, "ok no_answer", picked="8002")
    form = bob.shown.form("/add").fields
    assert ("6100", "Counter", "forward_to_number", "8002") == tuple(
        form[name] for name in ("number", "display_name", "no_answer-action", "no_answer-number")
    )
    assert "Shared Voicemail “Support”" in bob.shown.text
    await press(bob, "save")

    assert {"action": "forward_to_number", "number": "8002"} == (await group(client))["no_answer"]


async def test_hostile_names_break_no_page(client: httpx.AsyncClient, bob: Browser) -> None:
    """They stand in lists, forms, the picker and the page that deletes as they are, and are never run."""
    made = {}
    for place, text in enumerate(HOSTILE_TEXTS):
        clean = text.encode("utf-8", "replace").decode()[:64]
        body = {"number": str(200 + place), "display_name": clean}
        answer = await client.post("/api/v1/extensions", json=body)
        if answer.status_code == 201:
            made[body["number"]] = answer.json()["display_name"]
    members = list(made)[:45]
    await put(client, "ring-groups", number="6100", display_name=list(made.values())[3], members=members)
    await bob.open("/portal/ring-groups/6100")
    pages = [bob.shown.text]
    tags = {tag for tag, _ in bob.shown.tags}
    for path in ("/portal/extensions", "/portal/destinations", f"/portal/extensions/{members[0]}/delete"):
        pages.append((await bob.open(path)).text)
        assert bob.answer.status_code == 200
        tags |= {tag for tag, _ in bob.shown.tags}

    assert len(made) > 50
    assert all(" ".join(made[number].split()) in pages[0] for number in members)
    assert tags.isdisjoint({"img", "iframe", "b", "marquee", "object", "style"})
