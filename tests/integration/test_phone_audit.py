"""What is done by phone beside the messages' states stands in the audit log: over REST, and on its page."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from tests.support.api import Api
from tests.support.phone_side import voicemail_of
from tests.support.portal import Browser

MIA = "extension 101 (user mia)"


@pytest.fixture
async def done(api: Api, mailbox: httpx.Response) -> UUID:
    """Have Mia log in, call back and go elsewhere, and others be refused; return the message's id."""
    voicemail, box = voicemail_of(api), UUID(mailbox.json()["id"])
    message = await api.message()
    await voicemail.note_refused(box, by="caller +49301234")
    await voicemail.note_refused(None, by="extension 102")
    await voicemail.note_logged_in(box, by=MIA)
    await voicemail.note_called_back(message, to="102", by=MIA)
    await voicemail.note_left_elsewhere(box, to="8002", by=MIA)
    return message


async def _found(client: httpx.AsyncClient, **query: str) -> list[tuple[str, str, str, str, str | None]]:
    answer = await client.get("/api/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [
        (each["author"], each["action"], each["kind"], each["subject"], each["after"].get("to"))
        for each in reversed(answer.json()["items"])
    ]


async def test_each_deed_has_its_author_and_its_way(client: httpx.AsyncClient, done: UUID) -> None:
    """By extension and member, or the number that a caller shows; nothing of a mailbox that is not there."""
    everything = await _found(client, way="phone")
    (call_back,) = (await client.get("/api/v1/audit", params={"action": "called_back"})).json()["items"]

    assert [
        ("caller +49301234", "refused", "mailbox", "8001", None),
        (MIA, "logged_in", "mailbox", "8001", None),
        (MIA, "called_back", "message", "8001", "102"),
        (MIA, "left_elsewhere", "mailbox", "8001", "8002"),
    ] == everything
    assert (str(done), "102") == (call_back["object"], call_back["caller"])


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"way": "phone", "action": "refused"}, ["refused"]),
        ({"way": "phone", "author": MIA}, ["logged_in", "called_back", "left_elsewhere"]),
        ({"subject": "8001", "kind": "message"}, ["called_back"]),
        ({"way": "web"}, []),
    ],
)
async def test_entries_are_found(
    client: httpx.AsyncClient, done: UUID, query: dict[str, str], actions: list[str]
) -> None:
    """By way, action, author, mailbox and kind."""
    assert actions == [action for _, action, *_ in await _found(client, **query)]


async def test_page_of_the_log_shows_them(done: UUID, bob: Browser) -> None:
    """In words, with whom they were about, by their way alone too; and as CSV."""
    shown = await bob.open("/portal/audit?way=phone")
    refused = await bob.open("/portal/audit?way=phone&action=refused")
    nothing = await bob.open("/portal/audit?way=web&what=8001")
    nonsense = await bob.open("/portal/audit?way=by-pigeon&what=8001")
    table = (await bob.client.get("/portal/audit.csv?way=phone")).text

    for said in (
        "Extension 101 (user mia)",
        "by phone",
        "Logged in Shared Voicemail 8001",
        "Called back Voicemail in 8001",
        "Went on to another mailbox",
        "To now: 8002",
    ):
        assert said in shown.text
    assert "Refused Shared Voicemail 8001" in refused.text
    assert "Logged in Shared Voicemail" not in refused.text
    assert "Nothing" in nothing.text
    assert "Logged in Shared Voicemail" in nonsense.text
    assert "102; To:  → 102" in table
