"""The list of Shared Voicemail in the portal: order, search, pages, and opening a mailbox."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import event
from tests.support.api import PIN, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_URL = "/portal/mailboxes"
_REST = "/api/v1/mailboxes"


async def make(client: httpx.AsyncClient, number: str, name: str = "Sales") -> None:
    """Make a mailbox over REST."""
    made = await client.post(_REST, json={"number": number, "display_name": name, "pin": PIN})
    assert made.status_code == 201, made.text


def numbers(browser: Browser) -> list[str]:
    """Return the numbers of the shown rows, in order."""
    return [
        attributes["value"]
        for tag, attributes in browser.shown.tags
        if tag == "input" and attributes.get("type") == "radio"
    ]


async def test_list_shows_what_a_mailbox_holds(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Number, name, unread and read messages, and when the last one came, in the tenant's time."""
    await make(client, "8001")
    await api.message(received_at=datetime(2024, 3, 2, 10, 15, tzinfo=UTC))
    saved = await api.message(received_at=datetime(2023, 5, 6, 7, 8, tzinfo=UTC))
    trash = await api.message(received_at=datetime(2025, 9, 9, 9, 9, tzinfo=UTC))
    await client.patch(f"/api/v1/messages/{saved}", json={"state": "saved"})
    await client.patch(f"/api/v1/messages/{trash}", json={"state": "deleted"})
    shown = await bob.open(_URL)

    assert (
        "Sales 8001 · Mar 2, 2024 Sales: 1 Unread Sales: 1 Read"
        " Sales, Members: Everybody with the PIN Mar 2, 2024" in shown.text
    )


async def test_empty_list_says_what_to_do(bob: Browser) -> None:
    """Who has no mailbox is offered to make one."""
    shown = await bob.open(_URL)

    assert "No Shared Voicemail yet" in shown.text
    assert ["/portal/mailboxes/add"] * 2 == [
        each["href"] for each in shown.with_attribute("href") if each["href"].endswith("/add")
    ]


@pytest.mark.parametrize(
    "order",
    [
        ("", ["8001", "8002", "8003"]),
        ("-number", ["8003", "8002", "8001"]),
        ("name", ["8002", "8003", "8001"]),
        ("-name", ["8001", "8003", "8002"]),
        ("-new", ["8003", "8001", "8002"]),
        ("new", ["8001", "8002", "8003"]),
        ("-last", ["8001", "8003", "8002"]),
        ("last", ["8002", "8003", "8001"]),
        ("nonsense", ["8001", "8002", "8003"]),
    ],
)
async def test_list_is_sorted(
    api: Api,
    client: httpx.AsyncClient,
    bob: Browser,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, list[str]],
) -> None:
    """By each column, both ways; equal ones by number; page by page it is the same order."""
    sort, expected = order
    for number, name in (("8001", "workshop"), ("8002", "answers"), ("8003", "Sales")):
        await make(client, number, name)
    for day in (1, 2):
        await api.message("8003", received_at=datetime(2026, 1, day, tzinfo=UTC))
    last = await api.message("8001", received_at=datetime(2026, 2, 1, tzinfo=UTC))
    await client.patch(f"/api/v1/messages/{last}", json={"state": "saved"})
    if sort == "-new":
        await api.message("8001", received_at=datetime(2026, 1, 30, tzinfo=UTC))
    await bob.open(f"{_URL}?sort={sort}")
    whole = numbers(bob)
    monkeypatch.setattr("controlplane.web.portal.mailboxes_page._SHOWN", 1)
    await bob.open(f"{_URL}?sort={sort}")
    paged = numbers(bob)
    while following := [
        each["href"] for each in bob.shown.with_attribute("href") if "after=" in each["href"]
    ]:
        await bob.open(following[0])
        paged += numbers(bob)

    assert (expected, expected) == (whole, paged)


async def test_search_finds_parts_of_number_and_name(client: httpx.AsyncClient, bob: Browser) -> None:
    """In any case, and wildcards are plain text; what is not found is said."""
    await make(client, "8001", "Sales")
    await make(client, "8102", "100% Support")
    found = {}
    for q in ("sAl", "810", "%", "%25", "nothing"):
        await bob.open(f"{_URL}?q={q}")
        found[q] = numbers(bob)

    assert {"sAl": ["8001"], "810": ["8102"], "%": ["8102"], "%25": ["8102"], "nothing": []} == found
    assert "No mailbox has “nothing” in its number or name." in bob.shown.text


@pytest.mark.parametrize("after", ["x", "WyI4MDAxIl0", "W10", "WyJcdTAwMDAiLCAiIl0", "WyJuYW4iLCAiODAwMSJd"])
@pytest.mark.parametrize("sort", ["number", "name", "new", "-last"])
async def test_position_that_is_none_is_refused(bob: Browser, after: str, sort: str) -> None:
    """An address that no page of ours leads to is answered by a page, and by no error of ours."""
    await bob.open(f"{_URL}?sort={sort}&after={after}")

    assert bob.answer.status_code in {200, 422}


async def test_selected_mailbox_is_opened(client: httpx.AsyncClient, bob: Browser) -> None:
    """Edit opens the settings, Delete the question; without a selection the list says what is missing."""
    await make(client, "8001")
    await bob.open(f"{_URL}/selected?number=8001&open=settings")
    settings = bob.path
    await bob.open(f"{_URL}/selected?number=8001&open=delete")
    delete = bob.path
    shown = await bob.open(f"{_URL}/selected?q=80&open=settings")

    assert ("/portal/mailboxes/8001", "/portal/mailboxes/8001/delete") == (settings, delete)
    assert ("/portal/mailboxes?q=80", True) == (bob.path, "Select a mailbox in the list first." in shown.text)


async def test_longer_list_asks_the_database_no_more_often(
    api: Api, client: httpx.AsyncClient, bob: Browser
) -> None:
    """The number of statements of a list does not grow with its mailboxes and messages."""
    statements: list[int] = []
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(api.deps.db._engine.sync_engine, "before_cursor_execute", count)
    for number in ("8001", "8002", "8003"):
        await make(client, number)
        await api.message(number)
        counted = 0
        await bob.open(f"{_URL}?sort=-new")
        statements.append(counted)

    assert len(set(statements)) == 1


async def test_other_tenants_mailboxes_are_not_there(foreigner: httpx.AsyncClient, bob: Browser) -> None:
    """Neither in the list nor by their address, whatever is done there."""
    await make(foreigner, "8001", "Northern sales")
    shown = await bob.open(_URL)
    csrf = shown.form("/sign-out").fields["csrf"]
    listed = numbers(bob)
    answers = []
    for path in ("/8001", "/8001/delete"):
        answers.append((await bob.client.get(f"{_URL}{path}")).status_code)
        await bob.post(f"{_URL}{path}", {"csrf": csrf, "display_name": "Mine"})
        answers.append(bob.answer.status_code)
    theirs = (await foreigner.get(f"{_REST}/8001")).json()

    assert ([], [404] * 4, "Northern sales") == (listed, answers, theirs["display_name"])


async def test_hostile_names_and_searches_are_text(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Whatever a name or a search holds, it is shown as text: on the list, in the form, on the question."""
    made, number = {}, 8000
    for text in HOSTILE_TEXTS:
        number += 1
        clean = text.encode("utf-8", "replace").decode()[:64]
        answer = await client.post(_REST, json={"number": str(number), "display_name": clean, "pin": PIN})
        if answer.status_code == 201:
            made[str(number)] = answer.json()["display_name"]
    tags: set[tuple[str, ...]] = set()
    for one, name in made.items():
        for path in (f"/{one}", f"/{one}/delete"):
            shown = await bob.open(f"{_URL}{path}")
            assert (200, True) == (bob.answer.status_code, " ".join(name.split()) in shown.text), name
            tags.add(
                tuple(
                    tag
                    for tag, attributes in shown.tags
                    if tag in {"script", "img"} or "onerror" in attributes
                )
            )
    for text in HOSTILE_TEXTS:
        shown = await bob.open(
            str(httpx.URL(_URL, params={"q": text.encode("utf-8", "replace").decode()[:200]}))
        )
        assert bob.answer.status_code == 200, text

    assert len(made) > 60
    assert {("script",) * 2, ("script",) * 3} == tags
