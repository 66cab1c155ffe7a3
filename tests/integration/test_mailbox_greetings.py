"""What callers hear of a mailbox: recordings and texts by source, over REST and in the files of calls."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from controlplane.callflows.prompts import Greeting
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.services.hearing import forget_spoken
from controlplane.services.recorded_files import settle_recordings
from controlplane.services.speaking import speak_greeting
from controlplane.speech.recorded import greeting_from
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.greetings import humming, recording, speaking
from tests.support.speech_engines import HummingEngine

URL = "/api/v1/mailboxes/8001"
WAV = {"Content-Type": "audio/wav"}


async def put(client: httpx.AsyncClient, content: bytes, source: str = "") -> httpx.Response:
    """Upload a recording for a source."""
    return await client.put(f"{URL}/greeting", params={"source": source}, content=content, headers=WAV)


def by(number: str) -> ReachedBy:
    """Return the way through one group."""
    step = ReachedStep(
        kind="ring-group", number=number, key=None, reason=ReachedReason.NO_ANSWER, waited_seconds=3
    )
    return ReachedBy(reason=ReachedReason.NO_ANSWER, path=(step,))


async def heard(database: Database, mailbox: httpx.Response, way: ReachedBy) -> tuple[str | None, str | None]:
    """Return the recording and the text that a call hears."""
    async with database.connection() as connection:
        found = await mailboxes.called(connection, UUID(mailbox.json()["id"]), ["en", "de"])
    assert found is not None
    own = found.greeting_for(way)
    return own.recording, own.greeting


async def test_a_recording_is_kept_as_callers_hear_it(
    client: httpx.AsyncClient, mailbox: httpx.Response, api: Api
) -> None:
    """A studio's file comes back as telephone audio; the list says how long, since when and by whom."""
    content = recording(2, rate=44_100, channels=2, subtype="PCM_24")

    answer = await put(client, content)

    back = await client.get(f"{URL}/greeting")
    (own,) = (await client.get(f"{URL}/greetings")).json()["items"]
    assert (204, greeting_from(content)) == (answer.status_code, back.content)
    assert ("", None, 2.0) == (own["source"], own["greeting"], own["recording"]["seconds"])
    assert own["recording"]["recorded_by"].startswith("token ")
    assert [("speech.greeting", {"mailbox_id": mailbox.json()["id"]})] == api.jobs()
    assert mailbox.headers["etag"] != (await client.get(URL)).headers["etag"]


async def test_sources_have_recordings_of_their_own(
    client: httpx.AsyncClient, mailbox: httpx.Response, database: Database
) -> None:
    """A recording wins over a text, stays when texts are changed, and is taken away alone."""
    await client.patch(URL, json={"source_greetings": [{"source": "6100", "greeting": "Busy."}]})
    await put(client, recording(hertz=500), "6100")
    await put(client, recording(hertz=600), "+4930123")
    await client.patch(
        URL,
        json={
            "greeting": "Hello.",
            "source_greetings": [
                {"source": "6100", "greeting": "All busy."},
                {"source": "6200", "language": "de"},
                {"source": "6300"},
            ],
        },
    )
    items = (await client.get(f"{URL}/greetings")).json()["items"]
    from_group = await heard(database, mailbox, by("6100"))
    without = await client.delete(f"{URL}/greeting", params={"source": "6100"})

    assert [("", False), ("6100", True), ("6200", False), ("6300", False), ("4930123", True)] == [
        (one["source"], one["recording"] is not None) for one in items
    ]
    assert from_group[0] is not None
    assert (204, (None, "All busy.")) == (without.status_code, await heard(database, mailbox, by("6100")))
    assert (None, None) == await heard(database, mailbox, by("6200")), "the standard sentence, in German"
    assert (None, "Hello.") == await heard(database, mailbox, by("6300"))
    assert (None, "Hello.") == await heard(database, mailbox, by("6999"))
    assert 404 == (await client.delete(f"{URL}/greeting", params={"source": "6100"})).status_code


@pytest.mark.parametrize(
    ("content", "error_id"),
    [
        (b"", "greeting-empty"),
        (b"MThd\x00\x00\x00\x06", "greeting-no-audio"),
        (recording(level=0), "greeting-silent"),
        (recording(0.1, rate=4000), "greeting-wrong-format"),
        (recording(2)[:9000], "greeting-cut-off"),
        (recording(181), "greeting-too-long"),
    ],
    ids=["empty", "no audio", "silent", "wrong rate", "cut off", "too long"],
)
async def test_what_cannot_be_a_greeting_is_refused(
    client: httpx.AsyncClient, mailbox: httpx.Response, content: bytes, error_id: str
) -> None:
    """Each with its reason, and nothing is kept."""
    answer = await put(client, content)

    assert (422, error_id) == (answer.status_code, answer.json()["error_id"])
    assert 404 == (await client.get(f"{URL}/greeting")).status_code


async def test_strangers_and_wrong_addresses_are_refused(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    foreigner: httpx.AsyncClient,
    mailbox: httpx.Response,
) -> None:
    """Another tenant's token finds no mailbox; a source is a number; a body is audio and not without end."""
    wav = recording()
    await put(client, wav)

    assert [401, 404, 404, 404] == [
        (await put(stranger, wav)).status_code,
        (await put(foreigner, wav)).status_code,
        (await foreigner.get(f"{URL}/greeting")).status_code,
        (await foreigner.get(f"{URL}/greetings")).status_code,
    ]
    assert 422 == (await put(client, wav, "../../etc")).status_code
    html = await client.put(f"{URL}/greeting", content=wav, headers={"Content-Type": "text/html"})
    huge = await client.put(
        f"{URL}/greeting", content=b"x", headers={**WAV, "Content-Length": str(36 * 2**20 + 1)}
    )
    assert (415, 413) == (html.status_code, huge.status_code)


async def test_the_next_call_finds_it(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    database: Database,
    tmp_path: Path,
) -> None:
    """The job puts recordings where flows and dialplan play from, and then the text in their place."""
    speech, folder = humming(tmp_path / "prompts"), tmp_path / "greetings"
    mailbox_id, content = UUID(mailbox.json()["id"]), recording()
    await put(client, content)
    await speak_greeting(database, speech, mailbox_id, folder)
    recorded = (folder / f"{mailbox_id}.wav").read_bytes()
    digest, _ = await heard(database, mailbox, ReachedBy(reason=ReachedReason.DIRECT))
    (played,) = speech.cache.files(Greeting(display_name="Sales", recording=digest), "en")
    await client.delete(f"{URL}/greeting")
    await client.patch(URL, json={"greeting": "Hello. Speak now."})
    await speak_greeting(database, speech, mailbox_id, folder)

    assert (greeting_from(content),) * 2 == (recorded, played.read_bytes())
    written = (folder / f"{mailbox_id}.wav").read_bytes()
    assert written not in {recorded, b""}
    assert 2 == len(speech.cache.files(Greeting(display_name="Sales", text="Hello. Speak now."), "en"))


async def test_lost_files_come_back_and_old_ones_go(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    api: Api,
    jobs: Jobs,
    tmp_path: Path,
) -> None:
    """An empty prompts folder is filled again; a recording that nobody has any more is removed."""
    database, speech = api.deps.db, humming(tmp_path / "prompts")
    await put(client, recording())
    api.jobs()
    stray = speech.cache.recording("a" * 64)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    await settle_recordings(database, jobs, speech.cache, older_than=0)
    kept = stray.exists()
    await settle_recordings(database, jobs, speech.cache, older_than=time.time() + 60)

    assert (True, False) == (kept, stray.exists())
    assert [("speech.greeting", {"mailbox_id": mailbox.json()["id"]})] * 2 == api.jobs()


async def test_a_text_is_heard_without_being_kept(
    client: httpx.AsyncClient, database: Database, api: Api, tmp_path: Path
) -> None:
    """`/speech` answers with telephone audio; the second time nothing is spoken."""
    engine = HummingEngine()
    async with speaking(database, humming(tmp_path, engine)):
        first = await client.post("/api/v1/speech", json={"text": "Hello. Speak now.", "language": "en"})
        again = await client.post("/api/v1/speech", json={"text": "Hello. Speak now.", "language": "en-GB"})
        unknown = await client.post("/api/v1/speech", json={"text": "Hello.", "language": "xx"})
        nothing = await client.post("/api/v1/speech", json={"text": "[[{}]]", "language": "en"})

    assert (200, "audio/wav", b"RIFF") == (
        first.status_code,
        first.headers["content-type"],
        first.content[:4],
    )
    assert first.content == again.content
    assert [["Hello.", "Speak now."]] == engine.runs
    assert ["language-without-prompts", "text-unspeakable"] == [
        unknown.json()["error_id"],
        nothing.json()["error_id"],
    ]
    await forget_spoken(database, now=api.clock.now())


async def test_speech_that_fails_is_told(
    client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """The engine's failure is an answer at once, and the next request tries again."""
    engine = HummingEngine(broken=frozenset({"Hello."}))
    async with speaking(database, humming(tmp_path, engine)):
        answers = [
            await client.post("/api/v1/speech", json={"text": "Hello.", "language": "en"}) for _ in range(2)
        ]

    assert [503, 503] == [answer.status_code for answer in answers]
    assert 2 == len(engine.runs)
