"""The simulator in the portal: the same answer as REST, in words, with what is heard on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.speech.cache import PromptCache
from controlplane.web.app import give
from tests.support.api import MAILBOX, Api, write_tone
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

PAGE = "/portal/simulator"
REST = "/api/v1"
GREETING = "Nobody in Sales can take your call."


def _to(number: str) -> dict[str, str]:
    return {"action": "forward_to_number", "number": number}


async def _furnish(client: httpx.AsyncClient) -> None:
    """Make a receptionist, a group and a mailbox that greets callers of the group in words of its own."""
    closed = {"office_hours": _to("6100"), "outside_hours": _to("8001")}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("office-hours", {"name": "default", "week": {"monday": [{"start": "09:00", "end": "17:00"}]}}),
        ("extensions", {"number": "101", "display_name": "Alice"}),
        (
            "mailboxes",
            {**MAILBOX, "source_greetings": [{"source": "6100", "greeting": GREETING}]},
        ),
        (
            "ring-groups",
            {"number": "6100", "display_name": "Sales", "members": ["101"], "no_answer": _to("8001")},
        ),
        (
            "virtual-receptionists",
            {
                "number": "6000",
                "display_name": "Main number",
                "greeting": "Welcome. For Sales, press 1.",
                "keys": [{"keys": "1", "destination": closed}],
                "timeout": _to("8001"),
            },
        ),
        (
            "inbound-rules",
            {"name": "main", "dids": ["+493012345"], "destination": {"office_hours": _to("6000")}},
        ),
    ]
    for kind, body in bodies:
        made = await client.post(f"{REST}/{kind}", json=body)
        assert 201 == made.status_code, made.text


@pytest.fixture
async def office(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Make the office."""
    await _furnish(client)
    return client


async def test_call_step_by_step(office: httpx.AsyncClient, bob: Browser) -> None:
    """What a caller from outside meets on a Monday who presses 1 where nobody answers."""
    shown = await bob.open(
        f"{PAGE}?number=%2B493012345&from=outside&date=2026-03-02&time=10:00&others=unanswered&keys=1"
    )
    links = [one["href"] for one in shown.with_attribute("href")]

    assert "Inbound Rule main" in shown.text
    assert "Virtual Receptionist Main number 6000 open “ Welcome. For Sales, press 1. ”" in shown.text
    assert "The caller presses 1" in shown.text
    assert "Ring Group Sales 6100 open It rings at: 101 nobody answered · after 20 seconds" in shown.text
    assert f"Shared Voicemail Sales 8001 “ {GREETING} ”" in shown.text
    assert "The caller leaves a message in the mailbox 8001." in shown.text
    assert {"/portal/ring-groups/6100", "/portal/mailboxes/8001", "/portal/extensions/101"} <= set(links)


async def test_answer_is_that_of_rest(office: httpx.AsyncClient, bob: Browser) -> None:
    """Outside hours the same key leads elsewhere; a phone that is named does something else."""
    sunday = f"{PAGE}?number=6000&date=2026-03-01&time=15:00&others=unanswered&keys=1"
    answered = f"{PAGE}?number=6100&date=2026-03-02&time=10:00&others=busy&phone-101=answered"
    first, second = (await bob.open(sunday)).text, (await bob.open(answered)).text
    rest = await office.get(
        f"{REST}/simulate", params={"to": "6000", "keys": "1", "at": "2026-03-01T15:00:00Z"}
    )

    assert "mailbox" == rest.json()["result"]
    assert "The caller leaves a message in the mailbox 8001." in first
    assert "Ring Group Sales" not in first
    assert "101 takes the call." in second
    assert "answered" == bob.shown.form("/simulator#way").fields["phone-101"]


async def test_keys_at_a_mailbox_lead_on(office: httpx.AsyncClient, bob: Browser) -> None:
    """The operator of a mailbox is met after its greeting, which is by the way so far; * asks for the PIN."""
    desk = {"number": "8002", "display_name": "Desk", "pin": "508213", "log_in_from_greeting": True}
    await office.post(f"{REST}/mailboxes", json=desk)
    await office.patch(f"{REST}/mailboxes/8001", json={"operator_number": "8002"})
    busy = [{"kind": "busy", "greeting": "All lines are busy."}]
    await office.patch(f"{REST}/mailboxes/8001", json={"kind_greetings": busy, "source_greetings": []})
    when = "date=2026-03-02&time=10:00&others=busy"
    shown = (await bob.open(f"{PAGE}?number=6100&{when}&keys=0+*")).text
    greeted = (await bob.open(f"{PAGE}?number=6100&{when}&keys=0")).text

    assert "Shared Voicemail Sales 8001 “ All lines are busy. ”" in shown
    assert "The caller presses 0 · left by a key · on to 8002" in shown
    assert "Shared Voicemail Desk 8002 “ You have reached Desk." in shown
    assert "The caller presses *" in shown
    assert "The caller enters the PIN of the mailbox 8002 and hears its messages." in shown
    assert "The caller leaves a message in the mailbox 8002." in greeted


async def test_form_begins_with_now(office: httpx.AsyncClient, bob: Browser) -> None:
    """Without a number nothing is simulated; an object's page leads here with its own."""
    shown = await bob.open(PAGE)
    fields = shown.form("/simulator#way").fields
    await bob.open("/portal/mailboxes/8001")

    assert "A call to" not in shown.text
    assert all(fields[name] for name in ("date", "time"))
    assert "/portal/simulator?number=8001" in {one["href"] for one in bob.shown.with_attribute("href")}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("number=1", "A number has 3 digits at least"),
        ("number=6000&date=2026-02-30&time=10:00", "Enter a day and a time"),
        ("number=6000&date=9999-12-31&time=10:00", "Enter a day and a time"),
        ("number=6000&date=0001-01-01&time=00:00", "Enter a day and a time"),
        ("number=6000&others=asleep", "Choose one of these."),
        ("number=6000&keys=abc", "Keys are 0 to 9"),
        ("number=6000&caller=Bob", "A caller's number has digits"),
        ("number=6000&trunk=%21", "A trunk's name has"),
        ("number=6000&phone-x=answered", "Choose one of these."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(bob: Browser, query: str, said: str) -> None:
    """In words, and what was entered stays."""
    text = (await bob.open(f"{PAGE}?{query}")).text

    assert (422, True) == (bob.answer.status_code, said in text)


async def test_hostile_values_stay_text(office: httpx.AsyncClient, bob: Browser) -> None:
    """In every field of the address, and in the names of objects."""
    await office.patch(f"{REST}/ring-groups/6100", json={"display_name": '"><script>alert(1)</script>'})
    named = await bob.open(f"{PAGE}?number=6100&date=2026-03-02&time=10:00")
    hostile = " ".join(HOSTILE_TEXTS)[:150]
    fields = ("number", "caller", "trunk", "date", "time", "others", "keys", "phone-101", f"full-{hostile}")
    answer = await bob.client.get(PAGE, params=dict.fromkeys(fields, hostile))

    assert '"><script>alert(1)</script>' in named.text
    assert all("src" in attributes for tag, attributes in named.tags if tag == "script")
    assert 422 == answer.status_code
    assert "<script>alert" not in answer.text


async def test_recording_is_heard(office: httpx.AsyncClient, bob: Browser, tmp_path: Path) -> None:
    """A receptionist's recording plays in place, in parts too; a stranger's number has none."""
    write_tone(tmp_path / "tone.wav", 1.0)
    url = f"{REST}/virtual-receptionists/6000/greeting"
    sent = await office.put(
        url, content=(tmp_path / "tone.wav").read_bytes(), headers={"Content-Type": "audio/wav"}
    )
    assert 204 == sent.status_code, sent.text
    shown = await bob.open(f"{PAGE}?number=6000&date=2026-03-02&time=10:00")
    (audio,) = [one["src"] for tag, one in shown.tags if tag == "audio"]
    whole = await bob.client.get(audio)
    part = await bob.client.get(audio, headers={"Range": "bytes=0-3"})
    missing = await bob.client.get(f"{PAGE}/audio?number=7777")
    unknown = await bob.client.get(f"{PAGE}/audio?prompt=../../etc/passwd")

    assert "A recording" in shown.text
    assert (200, "audio/wav", b"RIFF") == (whole.status_code, whole.headers["Content-Type"], part.content)
    assert (await office.get(url)).content == whole.content
    assert (206, 404, 404) == (part.status_code, missing.status_code, unknown.status_code)


async def test_recording_of_a_mailbox_is_heard(
    office: httpx.AsyncClient, bob: Browser, tmp_path: Path
) -> None:
    """That of the source by which the call came plays before that of all others, and before any text."""
    wavs = []
    for seconds, source in ((1.0, ""), (0.5, "6100")):
        write_tone(tmp_path / "tone.wav", seconds)
        url = f"{REST}/mailboxes/8001/greeting?source={source}"
        content = (tmp_path / "tone.wav").read_bytes()
        sent = await office.put(url, content=content, headers={"Content-Type": "audio/wav"})
        assert 204 == sent.status_code, sent.text
        wavs.append((await office.get(url)).content)
    heard = []
    for number in ("8001", "6100"):
        shown = await bob.open(f"{PAGE}?number={number}&date=2026-03-02&time=10:00&others=unanswered")
        audio = [one["src"] for tag, one in shown.tags if tag == "audio"]
        heard.append((await bob.client.get(audio[-1])).content)

    assert wavs == heard
    assert "A recording This is the greeting for callers who come by 6100." in bob.shown.text
    assert "You have reached Sales" not in bob.shown.text


async def test_spoken_words_are_heard(
    api: Api, office: httpx.AsyncClient, bob: Browser, tmp_path: Path
) -> None:
    """What was spoken for callers plays; what was not is said to be unheard."""
    cache = PromptCache(tmp_path / "prompts", voices=lambda _: ("voice",))
    path = cache.path(GREETING, "en", "voice")
    path.parent.mkdir(parents=True)
    write_tone(path, 0.5)
    publisher = api.deps.publisher
    give(
        api.app,
        replace(
            api.deps, publisher=replace(publisher, rendering=replace(publisher.rendering, prompts=cache))
        ),
    )
    shown = await bob.open(f"{PAGE}?number=6100&date=2026-03-02&time=10:00&others=unanswered")
    (audio,) = [one["src"] for tag, one in shown.tags if tag == "audio"]
    heard = await bob.client.get(audio)
    direct = (await bob.open(f"{PAGE}?number=8001&date=2026-03-02&time=10:00")).text

    assert "6100" in audio
    assert (200, b"RIFF") == (heard.status_code, heard.content[:4])
    assert "You have reached Sales. Please leave a message after the tone." in direct
    assert "This is not spoken yet" in direct
