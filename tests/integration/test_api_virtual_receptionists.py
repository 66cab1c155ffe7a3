"""Virtual receptionists over REST, and the recordings of what they say."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from controlplane.speech.recorded import MAX_GREETING_BYTES
from tests.support.api import Api

URL = "/api/v1/virtual-receptionists"
GREETING = f"{URL}/6000/greeting"
NEW: dict[str, Any] = {"number": "6000", "display_name": "Main number"}
TO_EXTENSION: dict[str, Any] = {"action": "forward_to_number", "number": "101"}
WAV = {"Content-Type": "audio/wav"}


def recording(seconds: float = 1.0, *, level: float = 0.3, rate: int = 16000) -> bytes:
    """Return a WAV file with a tone."""
    at = np.arange(int(rate * seconds)) / rate
    content = io.BytesIO()
    soundfile.write(content, level * np.sin(2 * np.pi * 440 * at), rate, subtype="PCM_16", format="WAV")
    return content.getvalue()


def rule(keys: str, **destination: Any) -> dict[str, Any]:
    """Return a rule in JSON."""
    return {"keys": keys, "destination": {"office_hours": TO_EXTENSION, **destination}}


@pytest.fixture
async def extension(client: httpx.AsyncClient) -> None:
    """Make an extension 101."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})


@pytest.fixture
async def made(api: Api, client: httpx.AsyncClient, extension: None) -> dict[str, Any]:
    """Make a receptionist, and forget the jobs of that."""
    answer = await client.post(URL, json=NEW)
    assert 201 == answer.status_code, answer.text
    api.jobs()
    return dict(answer.json())


async def test_one_is_made_read_changed_and_deleted(client: httpx.AsyncClient, extension: None) -> None:
    """What is sent is what is read; fields that are left out have their defaults."""
    answer = await client.post(URL, json={**NEW, "keys": [rule("1"), rule("12")]})
    assert 201 == answer.status_code, answer.text
    shown = answer.json()
    assert (None, True, 2, 30, 3, "hangup", "repeat", None, None) == (
        shown["greeting"],
        shown["dial_extensions"],
        shown["digit_gap_seconds"],
        shown["timeout_seconds"],
        shown["timeout_repeats"],
        shown["timeout"]["action"],
        shown["call_failed"]["action"],
        shown["fallback"],
        shown["closed"],
    )
    assert [("1", "101"), ("12", "101")] == [
        (one["keys"], one["destination"]["office_hours"]["number"]) for one in shown["keys"]
    ]

    changed = await client.patch(
        f"{URL}/6000",
        json={"greeting": "Welcome.", "fallback": "101", "keys": [rule("5", holidays={"action": "repeat"})]},
        headers={"If-Match": answer.headers["etag"]},
    )
    assert 200 == changed.status_code, changed.text
    read = await client.get(f"{URL}/6000")

    assert changed.json() == read.json()
    assert ("Welcome.", "101", "repeat") == (
        read.json()["greeting"],
        read.json()["fallback"],
        read.json()["keys"][0]["destination"]["holidays"]["action"],
    )
    assert 204 == (await client.delete(f"{URL}/6000")).status_code
    assert 404 == (await client.get(f"{URL}/6000")).status_code


async def test_each_change_has_its_words_made_and_its_number_published(
    api: Api, client: httpx.AsyncClient, extension: None
) -> None:
    """Made, changed, deleted: the greeting is spoken or taken away, and the route file follows."""
    made = await client.post(URL, json=NEW)
    spoken = ("speech.receptionist", {"receptionist_id": made.json()["id"]})
    after_making = api.jobs()
    await client.patch(f"{URL}/6000", json={"greeting": "Welcome."})
    after_changing = api.jobs()
    await client.delete(f"{URL}/6000")
    after_deleting = api.jobs()

    for jobs in (after_making, after_changing, after_deleting):
        assert spoken in jobs
        assert ["6000"] in [args.get("numbers") for _, args in jobs]


@pytest.mark.parametrize(
    ("wrong", "error_id", "path"),
    [
        ({"keys": [rule("5"), rule("5")]}, "named-twice", "keys.1.keys"),
        ({"keys": [rule("a")]}, "wrong-pattern", "keys[0].keys"),
        ({"keys": [rule("123456")]}, "wrong-pattern", "keys[0].keys"),
        (
            {"keys": [rule("5", outside_hours={"action": "forward_to_number", "number": "199"})]},
            "no-such-number",
            "keys.0.destination.outside_hours.number",
        ),
        ({"keys": [rule("5", holidays={"action": "ring"})]}, "invalid-destination", None),
        ({"timeout": {"action": "repeat"}}, "invalid-destination", "timeout.action"),
        ({"closed": {"action": "repeat"}}, "invalid-destination", "closed.action"),
        ({"fallback": "199"}, "no-such-number", "fallback"),
        ({"digit_gap_seconds": 0}, "out-of-range", "digit_gap_seconds"),
        ({"timeout_seconds": 121}, "out-of-range", "timeout_seconds"),
        ({"timeout_repeats": 11}, "out-of-range", "timeout_repeats"),
        ({"greeting": "x" * 2001}, "too-long", "greeting"),
        ({"greeting": "  "}, "invalid-text", "greeting"),
        ({"language": "xx"}, "language-without-prompts", "language"),
        ({"office_hours": "none-such"}, "no-such-office-hours", "office_hours"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, made: dict[str, Any], wrong: dict[str, Any], error_id: str, path: str | None
) -> None:
    """The answer names the field, when it is made and when it is changed; nothing is half done."""
    for answer in (
        await client.post(URL, json={**NEW, "number": "6001", **wrong}),
        await client.patch(f"{URL}/6000", json=wrong),
    ):
        assert (422, error_id) == (answer.status_code, answer.json()["error_id"]), answer.text
        assert path in {None, answer.json()["errors"][0]["field"]}
    assert made == (await client.get(f"{URL}/6000")).json()
    assert 404 == (await client.get(f"{URL}/6001")).status_code


async def test_what_it_points_at_cannot_be_deleted(client: httpx.AsyncClient, extension: None) -> None:
    """The answer lists the key and the field."""
    await client.post(URL, json={**NEW, "keys": [rule("5")], "fallback": "101"})
    refused = await client.delete("/api/v1/extensions/101")

    assert 409 == refused.status_code
    assert ["fallback", "keys.0.destination.office_hours.number"] == sorted(
        one["field"] for one in refused.json()["details"]["pointers"]
    )


async def test_a_recording_is_taken_heard_and_removed(
    api: Api, client: httpx.AsyncClient, made: dict[str, Any]
) -> None:
    """It is kept as telephone audio; each change of it has the greeting made anew."""
    taken = await client.put(GREETING, content=recording(), headers=WAV)
    assert 204 == taken.status_code, taken.text
    after_taking = api.jobs()
    heard = await client.get(GREETING)
    removed = await client.delete(GREETING)
    after_removing = api.jobs()

    with soundfile.SoundFile(io.BytesIO(heard.content)) as file:
        assert (8000, 1, "PCM_16") == (file.samplerate, file.channels, file.subtype)
    assert ("audio/wav", 204) == (heard.headers["content-type"], removed.status_code)
    spoken = [("speech.receptionist", {"receptionist_id": made["id"]})]
    assert (spoken, spoken) == (after_taking, after_removing)
    again = await client.delete(GREETING)
    assert (404, "no-greeting-recorded") == (again.status_code, again.json()["error_id"])
    assert 404 == (await client.get(GREETING)).status_code


async def test_a_second_recording_replaces_the_first(client: httpx.AsyncClient, made: dict[str, Any]) -> None:
    """The same request twice is as good as once."""
    await client.put(GREETING, content=recording(1), headers=WAV)
    await client.put(GREETING, content=recording(2), headers=WAV)
    heard = await client.get(GREETING)

    assert abs(soundfile.info(io.BytesIO(heard.content)).duration - 2) < 0.3


@pytest.mark.parametrize(
    ("content", "error_id"),
    [
        (b"", "greeting-empty"),
        (b"no audio at all", "greeting-no-audio"),
        (recording(level=0), "greeting-silent"),
        (recording(181, rate=8000), "greeting-too-long"),
    ],
    # Never the bytes themselves: the last ones are some megabytes.
    ids=["empty", "no audio", "silent", "too long"],
)
async def test_what_is_no_greeting_is_refused(
    api: Api, client: httpx.AsyncClient, made: dict[str, Any], content: bytes, error_id: str
) -> None:
    """The answer says what is wrong, and nothing is kept or deferred."""
    answer = await client.put(GREETING, content=content, headers=WAV)

    assert (422, error_id, "greeting") == (
        answer.status_code,
        answer.json()["error_id"],
        answer.json()["errors"][0]["field"],
    )
    assert (404, []) == ((await client.get(GREETING)).status_code, api.jobs())


async def test_a_recording_may_be_larger_than_other_bodies(
    client: httpx.AsyncClient, made: dict[str, Any]
) -> None:
    """Three minutes fit; beyond the limit it is refused, said beforehand or not."""

    async def endless() -> Any:
        for _ in range(MAX_GREETING_BYTES // 2**20 + 1):
            yield b"\0" * 2**20

    said = await client.put(GREETING, content=b"\0" * (MAX_GREETING_BYTES + 1), headers=WAV)
    unsaid = await client.put(GREETING, content=endless(), headers=WAV)
    elsewhere = await client.post(URL, json={**NEW, "greeting": "x" * 30_000})

    assert [(413, "body-too-large")] * 3 == [
        (answer.status_code, answer.json()["error_id"]) for answer in (said, unsaid, elsewhere)
    ]
    assert 204 == (await client.put(GREETING, content=recording(175, rate=48000), headers=WAV)).status_code


async def test_another_type_is_refused(client: httpx.AsyncClient, made: dict[str, Any]) -> None:
    """JSON is no recording."""
    answer = await client.put(GREETING, json={"greeting": "Welcome."})

    assert (415, "unsupported-media-type") == (answer.status_code, answer.json()["error_id"])


async def test_a_stranger_finds_no_receptionist(
    api: Api, client: httpx.AsyncClient, made: dict[str, Any]
) -> None:
    """Another tenant neither hears, records nor removes; without a token nobody does."""
    await client.put(GREETING, content=recording(), headers=WAV)
    async with await api.tenant("north") as stranger, api.client() as nobody:
        for method in ("GET", "PUT", "DELETE"):
            content = recording() if method == "PUT" else None
            refused = await stranger.request(method, GREETING, content=content, headers=WAV)
            assert (404, "no-such-virtual-receptionist") == (refused.status_code, refused.json()["error_id"])
            assert 401 == (await nobody.request(method, GREETING, content=content, headers=WAV)).status_code

    assert 200 == (await client.get(GREETING)).status_code


async def test_a_recording_goes_with_its_receptionist(
    client: httpx.AsyncClient, made: dict[str, Any]
) -> None:
    """A new one with the same number says nothing of the old one's."""
    await client.put(GREETING, content=recording(), headers=WAV)
    await client.delete(f"{URL}/6000")
    await client.post(URL, json=NEW)

    assert 404 == (await client.get(GREETING)).status_code
