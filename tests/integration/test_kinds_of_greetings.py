"""Greetings of kinds over REST: their texts and recordings, and which one a caller hears."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.callflows.prompts import Greeting
from controlplane.domain.greeting import CallMoment, heard_greeting
from controlplane.domain.message import ReachedBy
from controlplane.services.recorded_files import settle_recordings
from controlplane.services.speaking import speak_greeting
from controlplane.speech.recorded import greeting_from
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.greetings import humming, recording

URL = "/api/v1/mailboxes/8001"
EFFECTIVE = f"{URL}/greetings/effective"
WAV = {"Content-Type": "audio/wav"}
FRIDAY = "2026-12-04T12:00:00Z"
CHRISTMAS = "2026-12-25T12:00:00Z"
SUNDAY = "2026-12-06T12:00:00Z"
WEEK = {day: [{"start": "08:00", "end": "18:00"}] for day in ("monday", "friday")}
HOURS = {
    "name": "default",
    "time_zone": "Europe/Berlin",
    "week": WEEK,
    "holidays": [{"name": "Christmas", "first_day": "2026-12-25", "last_day": "2026-12-26"}],
}


def text(kind: str, words: str, **values: str) -> dict[str, str | None]:
    """Return a greeting of a kind as it is sent and comes back."""
    return {"kind": kind, "source": "", "language": None, "greeting": words, "last_day": None, **values}


KINDS = [
    text("temporary", "We are at the fair.", last_day="2026-12-04"),
    text("holiday", "Merry Christmas."),
    text("holiday", "Frohe Weihnachten.", language="de"),
    text("closed", "We are closed."),
    text("busy", "All lines are busy.", source="6100"),
]


def field_of(problem: dict[str, Any]) -> str:
    """Return the field that a refusal names."""
    return str(problem["errors"][0]["field"])


async def effective(client: httpx.AsyncClient, **query: str) -> tuple[str | None, str, str]:
    """Return words, kind and reason of what is heard."""
    answer = await client.get(EFFECTIVE, params=query)
    assert 200 == answer.status_code, answer.text
    body = answer.json()
    return body["heard"]["greeting"], body["heard"]["kind"], body["reason"]


async def test_texts_of_kinds_are_set_and_come_back(
    client: httpx.AsyncClient, mailbox: httpx.Response, api: Api
) -> None:
    """As they were sent, in a list of their own, and among all greetings; they are spoken."""
    answer = await client.patch(URL, json={"kind_greetings": KINDS})
    listed = (await client.get(f"{URL}/greetings")).json()["items"]

    assert (200, KINDS) == (answer.status_code, answer.json()["kind_greetings"])
    assert KINDS == (await client.get(URL)).json()["kind_greetings"]
    assert [
        ("standard", None, None),
        ("temporary", "We are at the fair.", "2026-12-04"),
        ("holiday", "Merry Christmas.", None),
        ("holiday", "Frohe Weihnachten.", None),
        ("closed", "We are closed.", None),
        ("busy", "All lines are busy.", None),
    ] == [(one["kind"], one["greeting"], one["last_day"]) for one in listed]
    assert ("speech.greeting", {"mailbox_id": mailbox.json()["id"]}) in api.jobs()


@pytest.mark.parametrize(
    ("greeting", "error_id", "field"),
    [
        (text("temporary", "Hello."), "last-day-missing", "kind_greetings.0.last_day"),
        (text("busy", "Hello.", last_day="2026-12-04"), "last-day-of-temporary", "kind_greetings.0.last_day"),
        (text("standard", "Hello."), "standard-elsewhere", "kind_greetings.0.kind"),
        (
            text("standard", "Hello.", source="6100", language="de"),
            "standard-elsewhere",
            "kind_greetings.0.kind",
        ),
        (text("busy", "Hello.", language="xx"), "language-without-prompts", "kind_greetings.0.language"),
        (text("busy", "   "), "invalid-text", "kind_greetings.0.greeting"),
    ],
    ids=["no end", "an end too much", "standard", "standard of a source", "no such language", "no words"],
)
async def test_what_is_no_greeting_is_refused(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    greeting: dict[str, str | None],
    error_id: str,
    field: str,
) -> None:
    """Each names its field, and nothing is changed."""
    answer = await client.patch(URL, json={"kind_greetings": [greeting]})
    twice = await client.patch(URL, json={"kind_greetings": [KINDS[1], KINDS[1]]})

    body = answer.json()
    assert (422, error_id, field) == (answer.status_code, body["error_id"], field_of(body))
    assert (422, "named-twice") == (twice.status_code, twice.json()["error_id"])
    assert [] == (await client.get(URL)).json()["kind_greetings"]


async def test_it_says_which_one_a_caller_hears(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """By day, office hours, way and language; and why the others are not heard."""
    await client.post("/api/v1/office-hours", json=HOURS)
    sources = [{"source": "+4930123", "language": "de"}]
    await client.patch(URL, json={"kind_greetings": KINDS, "source_greetings": sources, "greeting": "Hello."})

    assert ("We are at the fair.", "temporary", "temporary") == await effective(client, at=FRIDAY)
    assert ("Merry Christmas.", "holiday", "holiday") == await effective(client, at=CHRISTMAS)
    german = await effective(client, at=CHRISTMAS, **{"from": "+4930123,6100"})
    assert ("Frohe Weihnachten.", "holiday", "holiday") == german
    assert ("We are closed.", "closed", "closed") == await effective(client, at=SUNDAY)
    monday = "2026-12-07T12:00:00Z"
    assert ("Hello.", "standard", "own") == await effective(client, at=monday)
    busy = {"at": monday, "from": "6100", "reason": "busy"}
    assert ("All lines are busy.", "busy", "busy") == await effective(client, **busy)
    sent_on = {"at": monday, "from": "6100", "reason": "closed"}
    assert ("We are closed.", "closed", "sent-on-closed") == await effective(client, **sent_on)
    assert (None, "standard", "standard") == await effective(client, at=monday, **{"from": "+4930123"})

    body = (await client.get(EFFECTIVE, params={"at": SUNDAY})).json()
    assert ("closed", ["We are closed."]) == (body["hours"], body["heard"]["said"])
    assert ["ended", "no-holiday", "no-holiday", "not-busy"] == [one["reason"] for one in body["passed_over"]]
    assert all(one["why"] for one in [body, *body["passed_over"]])


async def test_the_nearest_object_says_which_office_hours(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A group that has its own is open while the tenant is closed; another goes by the tenant's."""
    await client.post("/api/v1/office-hours", json=HOURS)
    await client.post("/api/v1/office-hours", json={"name": "hotline", "time_zone": "UTC"})
    for number, hours in (("6100", "hotline"), ("6200", None)):
        made = await client.post(
            "/api/v1/ring-groups",
            json={"number": number, "display_name": f"Group {number}", "office_hours": hours},
        )
        assert 201 == made.status_code, made.text
    await client.patch(URL, json={"kind_greetings": [KINDS[3]]})

    heard = [
        (await effective(client, at=SUNDAY, **{"from": way, "reason": "no_answer"}))[1]
        for way in ("6100", "6200", "6200,6100", "6100,6200")
    ]

    assert ["standard", "closed", "standard", "closed"] == heard


@pytest.mark.parametrize(
    ("query", "status"),
    [({"from": "x"}, 422), ({"reason": "moon"}, 422), ({"at": "2026-02-30T12:00:00Z"}, 422), ({}, 200)],
    ids=["no source", "no reason", "no day", "now"],
)
async def test_questions_that_make_no_sense(
    client: httpx.AsyncClient,
    foreigner: httpx.AsyncClient,
    mailbox: httpx.Response,
    query: dict[str, str],
    status: int,
) -> None:
    """They are refused; a foreign tenant finds no mailbox."""
    assert status == (await client.get(EFFECTIVE, params=query)).status_code
    assert 404 == (await foreigner.get(EFFECTIVE)).status_code


async def test_a_kind_is_recorded(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    database: Database,
    jobs: Jobs,
    tmp_path: Path,
) -> None:
    """A recording wins over the text, is where calls find it, and is left alone when texts change."""
    await client.patch(URL, json={"kind_greetings": [KINDS[0]]})
    which = {"kind": "temporary", "last_day": "2026-12-24"}
    busy = {"kind": "busy", "source": "6100", "language": "de"}
    for query, hertz in ((which, 500), (busy, 600)):
        answer = await client.put(
            f"{URL}/greeting", params=query, content=recording(hertz=hertz), headers=WAV
        )
        assert 204 == answer.status_code, answer.text
    await client.patch(URL, json={"kind_greetings": []})
    body = (await client.get(EFFECTIVE, params={"at": CHRISTMAS})).json()
    before = (await client.get(EFFECTIVE, params={"at": SUNDAY})).json()
    listed = (await client.get(f"{URL}/greetings")).json()["items"]
    speech, mailbox_id = humming(tmp_path / "prompts"), UUID(mailbox.json()["id"])
    await speak_greeting(database, speech, mailbox_id, tmp_path / "greetings")
    await settle_recordings(database, jobs, speech.cache, older_than=2e9)
    async with database.connection() as connection:
        found = await mailboxes.called(connection, mailbox_id, ["en", "de"])
    assert found is not None
    heard = heard_greeting(found, CallMoment(way=ReachedBy(), at=found.created_at))

    assert (True, "temporary", []) == (
        before["heard"]["is_recording"],
        before["reason"],
        before["heard"]["said"],
    )
    assert (False, "standard") == (body["heard"]["is_recording"], body["reason"])
    assert [("standard", False), ("temporary", True), ("busy", True)] == [
        (one["kind"], one["recording"] is not None) for one in listed
    ]
    (played,) = speech.cache.files(Greeting(display_name="Sales", recording=heard.recording), "en")
    assert greeting_from(recording(hertz=500)) == played.read_bytes()
    back = await client.get(f"{URL}/greeting", params=busy)
    assert greeting_from(recording(hertz=600)) == back.content
    gone = await client.delete(f"{URL}/greeting", params={"kind": "temporary"})
    assert (204, 404) == (
        gone.status_code,
        (await client.delete(f"{URL}/greeting", params={"kind": "temporary"})).status_code,
    )


async def test_a_recording_that_would_never_be_heard_is_refused(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A temporary one without its last day, and a last day that no calendar has or no other kind needs."""
    errors = []
    for query in (
        {"kind": "temporary"},
        {"kind": "temporary", "last_day": "2026-02-30"},
        {"last_day": "2026-12-04"},
    ):
        answer = await client.put(f"{URL}/greeting", params=query, content=recording(), headers=WAV)
        errors.append((answer.status_code, field_of(answer.json())))

    assert [(422, "last_day")] * 3 == errors
