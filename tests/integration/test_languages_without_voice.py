"""A language that nothing speaks here: refused with words wherever one is chosen; nothing is half done."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from controlplane.speech import engines
from tests.support.api import MAILBOX
from tests.support.portal import Browser

BOX = "/api/v1/mailboxes/8001"
RECEPTIONISTS = "/api/v1/virtual-receptionists"
CLOSED = {"kind": "closed", "source": "", "greeting": "Closed.", "last_day": None}


@pytest.fixture(autouse=True)
def only_english_and_german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave one voice to espeak-ng; English has its own."""
    monkeypatch.setattr(engines, "_espeak_voices", lambda _loader: frozenset({"de"}))


@pytest.mark.parametrize(
    ("method", "url", "body", "field"),
    [
        ("PATCH", BOX, {"language": "ru"}, "language"),
        (
            "PATCH",
            BOX,
            {"source_greetings": [{"source": "6100", "language": "ru"}]},
            "source_greetings.0.language",
        ),
        ("PATCH", BOX, {"kind_greetings": [{**CLOSED, "language": "ru"}]}, "kind_greetings.0.language"),
        ("POST", RECEPTIONISTS, {"number": "6000", "display_name": "Main", "language": "ru"}, "language"),
        ("POST", "/api/v1/speech", {"text": "Hello.", "language": "ru"}, "language"),
    ],
    ids=["mailbox", "source", "kind", "receptionist", "text"],
)
async def test_a_language_without_voice_is_refused(
    client: httpx.AsyncClient, method: str, url: str, body: dict[str, Any], field: str
) -> None:
    """The answer names the field, what may be chosen, and what to do; German along its tag is taken."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    before = (await client.get(BOX)).json()
    answer = await client.request(method, url, json=body)
    (error,) = answer.json()["errors"]

    assert (422, "language-without-voice", field) == (answer.status_code, error["error_id"], error["field"])
    assert (
        "No voice for ru is installed. Put a piper voice into the folder voices, or choose one of: de, en."
        in answer.text
    )
    assert before == (await client.get(BOX)).json()


async def test_a_tenant_is_refused_it_too(system: httpx.AsyncClient) -> None:
    """It is of every mailbox that names none, and of what is said before a mailbox is known."""
    answer = await system.patch("/api/v1/tenants/default", json={"language": "ru"})

    assert (422, "language-without-voice") == (answer.status_code, answer.json()["error_id"])
    assert "en" == (await system.get("/api/v1/tenants/default")).json()["language"]


async def test_a_language_that_is_spoken_is_taken_along_its_tag(client: httpx.AsyncClient) -> None:
    """Austrian German is spoken by the German voice; the list has what may be chosen."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    taken = await client.patch(BOX, json={"language": "de-AT"})
    offered = (await client.get("/api/v1/languages")).json()["items"]

    assert (200, "de-AT") == (taken.status_code, taken.json()["language"])
    assert ["de", "en"] == [one["tag"] for one in offered]


async def test_the_portal_says_it_in_its_own_language(client: httpx.AsyncClient, bob: Browser) -> None:
    """A page that was open before the voice was taken away sends the language all the same."""
    await client.post(RECEPTIONISTS, json={"number": "6000", "display_name": "Main"})
    await bob.open("/portal/account")
    await bob.send("/account", language="de")
    await bob.open("/portal/virtual-receptionists/6000")
    fields = bob.shown.form("/6000").fields
    await bob.post("/portal/virtual-receptionists/6000", {**fields, "language": "ru", "do": "save"})

    assert "Für diese Sprache ist keine Stimme installiert." in bob.shown.text
    assert (await client.get(f"{RECEPTIONISTS}/6000")).json()["language"] is None
