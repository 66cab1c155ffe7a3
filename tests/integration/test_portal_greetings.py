"""The pages of greetings: written, uploaded, heard first, used, taken away; without script."""

from __future__ import annotations

import hashlib
import io
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.services.receptionist_greetings import record_greeting
from controlplane.services.speaking import speak_greeting
from controlplane.speech.audio import joined
from controlplane.speech.recorded import greeting_from
from controlplane.web.app import give
from tests.support.api import Api
from tests.support.greetings import humming, recording, speaking
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import ORIGIN, Browser, Shown

HERE = "/portal/mailboxes/8001/greetings"
THERE = "/portal/virtual-receptionists/6000/greetings"
NAME = "/api/v1/mailboxes/8001/spoken-name"


async def upload(browser: Browser, content: bytes, *, name: str = "hello.wav", **fields: str) -> Shown:
    """Choose a file on the page that is shown, and send its form."""
    form = next(form for form in browser.shown.forms if form.action.endswith("/try"))
    sent = {"csrf": form.fields["csrf"], "source": form.fields.get("source", ""), "do": "file", **fields}
    answer = await browser.client.post(
        form.action,
        data=sent,
        files={"greeting": (name, content, "audio/wav")},
        headers={"Origin": ORIGIN},
    )
    while answer.has_redirect_location:
        answer = await browser.client.get(answer.headers["Location"])
    return await browser._show(answer)


def playing(shown: Shown) -> str:
    """Return where the player of a page gets its sound."""
    return next(attributes["src"] for tag, attributes in shown.tags if tag == "audio")


@pytest.fixture
async def receptionist(client: httpx.AsyncClient) -> dict[str, Any]:
    """Make the virtual receptionist 6000."""
    wanted = {"number": "6000", "display_name": "Main <b>", "greeting": "Welcome."}
    answer = await client.post("/api/v1/virtual-receptionists", json=wanted)
    assert 201 == answer.status_code, answer.text
    return dict(answer.json())


async def test_an_upload_is_heard_before_it_is_used(bob: Browser, mailbox: httpx.Response, api: Api) -> None:
    """The draft plays what callers will hear; using it says so, and its author is noted."""
    await bob.open(HERE + "/change")
    content = recording(3, rate=44_100, channels=2, subtype="PCM_24")
    shown = await upload(bob, content)
    draft = await bob.client.get(playing(shown), headers={"Range": "bytes=0-43"})
    used = await bob.send(bob.path, do="use")
    after = await bob.client.get(f"{HERE}/audio?save=true")

    wav = greeting_from(content)
    assert (206, wav[:44]) == (draft.status_code, draft.content)
    assert (wav, 'attachment; filename="greeting-8001.wav"') == (
        after.content,
        after.headers["content-disposition"],
    )
    assert "Callers hear the new greeting within a moment." in used.text
    assert "0:03 long" in used.text
    assert "bob" in used.text
    assert "Recording" in used.text
    assert [] == api.rows("SELECT id FROM greeting_drafts")
    with wave.open(io.BytesIO(after.content)) as file:
        assert (8000, 2, 1) == (file.getframerate(), file.getsampwidth(), file.getnchannels())


async def test_a_text_for_a_source_is_heard_and_used(
    bob: Browser, mailbox: httpx.Response, api: Api, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """It is spoken as calls speak it; going back to it keeps the words; a source may only have a language."""
    await client.post("/api/v1/call-queues", json={"number": "6500", "display_name": "Help"})
    listed = await bob.open(HERE)
    change = await bob.open(f"{HERE}/change?source=6500")
    tried = await bob.send("/try", do="text", text="Alle sprechen.\r\nBitte warten.", language="de")
    async with speaking(api.deps.db, humming(tmp_path)):
        sound = await bob.client.get(playing(tried))
    again = next(a["href"] for tag, a in tried.tags if tag == "a" and "draft=" in a.get("href", ""))
    kept = (await bob.open(again)).form("/try").fields
    await bob.send("/try", do="text", **{**kept, "text": "Alle sprechen."})
    used = await bob.send(bob.path, do="use")
    await bob.open(f"{HERE}/change?source=6200")
    await bob.send("/try", do="text", text=" ", language="de")
    await bob.send(bob.path, do="use")

    assert "6500" in {attributes.get("value") for _, attributes in listed.tags}
    assert "Help" in change.text
    assert (200, b"RIFF") == (sound.status_code, sound.content[:4])
    assert "Alle sprechen. Bitte warten." in tried.text
    assert ("Alle sprechen.\nBitte warten.", "de") == (kept["text"].replace("\r\n", "\n"), kept["language"])
    assert "Call Queue" in used.text
    assert [
        {"source": "6500", "greeting": "Alle sprechen.", "language": "de"},
        {"source": "6200", "greeting": None, "language": "de"},
    ] == (await client.get("/api/v1/mailboxes/8001")).json()["source_greetings"]


async def test_what_is_wrong_is_said_beside_the_field(bob: Browser, mailbox: httpx.Response) -> None:
    """In words of the person, for each way; what was written stays."""
    await bob.open(HERE + "/change")
    texts = [(await upload(bob, content)).text for content in (b"", b"GIF89a", recording(2)[:9000])]
    nothing = await bob.send("/try", do="text", text="")
    odd = await bob.send("/try", do="text", text="[[{}]]")
    draft = await upload(bob, recording(level=0), name="../../etc/passwd\r\nX: y")
    far = await bob.open(f"{HERE}/change?source=../etc")

    for text, said in zip(
        texts,
        ("No file was chosen", "no sound file that can be read", "The end of this file is missing"),
        strict=True,
    ):
        assert said in text
    assert "1 to 1000 characters" in nothing.text
    assert ("[[{}]]", True) == (odd.form("/try").fields["text"], "Write words." in odd.text)
    assert "number of at least 3 digits" in far.text
    assert "silent" in draft.text


async def test_a_file_that_is_too_large_is_refused_in_words(bob: Browser, mailbox: httpx.Response) -> None:
    """Its length is enough to refuse it."""
    shown = await bob.open(HERE + "/change")
    answer = await bob.client.post(
        HERE + "/try",
        content=b"x",
        headers={
            "Origin": ORIGIN,
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(40 * 2**20),
            "X-CSRF-Token": shown.form("/try").fields["csrf"],
        },
    )

    assert (413, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert "What was sent is larger than allowed." in Shown(answer.text).text


async def test_removing_a_recording_asks_first(
    bob: Browser, mailbox: httpx.Response, client: httpx.AsyncClient
) -> None:
    """A recording is gone for good, a text is not worth a question; the standard is back."""
    await client.put(
        "/api/v1/mailboxes/8001/greeting", content=recording(), headers={"Content-Type": "audio/wav"}
    )
    await bob.open(HERE)
    asked = await bob.send("/remove")
    there = (await client.get("/api/v1/mailboxes/8001/greeting")).status_code
    removed = await bob.send("/remove")
    await client.patch("/api/v1/mailboxes/8001", json={"greeting": "Hello."})
    await bob.open(HERE)
    at_once = await bob.send("/remove")

    assert ("Remove this recording?" in asked.text, 200) == (True, there)
    assert "You have reached Sales." in removed.text
    assert "You have reached Sales." in at_once.text
    assert (await client.get("/api/v1/mailboxes/8001")).json()["greeting"] is None


async def test_a_receptionist_has_one_greeting(
    bob: Browser, receptionist: dict[str, Any], api: Api, client: httpx.AsyncClient
) -> None:
    """Its recording wins over its text; writing a new one takes the recording's place."""
    tenant_id = api.rows("SELECT id FROM tenants WHERE name = 'default'")[0]["id"]
    await record_greeting(api.deps.db, api.deps.jobs, tenant_id=tenant_id, number="6000", content=recording())
    recorded = await bob.open(THERE)
    await bob.open(THERE + "/change?source=6100")
    await bob.send("/try", do="text", text="Press one.")
    used = await bob.send(bob.path, do="use")
    audio = await client.get("/api/v1/virtual-receptionists/6000/greeting")
    await bob.open(THERE + "/change")
    await upload(bob, recording(2))
    again = await bob.send(bob.path, do="use")
    refused = await upload_source(bob)
    await bob.open(THERE)
    await bob.send("/remove")
    gone = await bob.send("/remove", sure="yes")

    assert "Recording" in recorded.text
    assert "Main <b>" in recorded.text
    assert ("Press one." in used.text, 404) == (True, audio.status_code)
    assert "0:02 long" in again.text
    assert "for callers" not in refused.text
    assert "Welcome. Please make your choice." in gone.text


async def upload_source(browser: Browser) -> Shown:
    """Send a recording for a source, which a receptionist does not have."""
    await browser.open(THERE + "/change")
    return await upload(browser, recording(), source="6100")


async def test_only_the_page_that_records_may_use_the_microphone(
    bob: Browser, mailbox: httpx.Response
) -> None:
    """Elsewhere the browser is told that nobody may."""
    policies = [
        (await bob.client.get(path)).headers["permissions-policy"] for path in (HERE, HERE + "/change")
    ]

    assert [False, True] == ["microphone=(self)" in policy for policy in policies]


async def test_strangers_find_nothing(
    bob: Browser, mailbox: httpx.Response, visitor: Browser, api: Api, foreigner: httpx.AsyncClient
) -> None:
    """Not greetings of another tenant, nor a draft of another mailbox, nor anything without signing in."""
    await bob.open(HERE + "/change")
    await upload(bob, recording())
    path = bob.path.replace("8001", "8002")
    await foreigner.post(
        "/api/v1/mailboxes", json={"number": "8009", "display_name": "North", "pin": "290174"}
    )
    paths = (path, f"{path}/audio", "/portal/mailboxes/8009/greetings", "/portal/users/8001/greetings")

    assert [404] * 4 == [(await bob.client.get(each)).status_code for each in paths]
    for each in (HERE, HERE + "/audio", HERE + "/change"):
        assert "Sign in" in (await visitor.open(each)).title


async def test_hostile_names_are_only_text(
    bob: Browser, mailbox: httpx.Response, client: httpx.AsyncClient
) -> None:
    """Texts and names of the corpus appear as they are, and change no page."""
    texts = [text for text in HOSTILE_TEXTS if 1 <= len(text.strip()) <= 1000 and "\0" not in text]
    own = [{"source": str(6100 + n), "greeting": text} for n, text in enumerate(texts[:50])]
    answer = await client.patch("/api/v1/mailboxes/8001", json={"source_greetings": own})
    plain = await bob.open("/portal/mailboxes/8001/greetings")

    assert 200 == answer.status_code, answer.text
    scripts = [attributes for tag, attributes in plain.tags if tag == "script"]
    assert all(attributes["src"].startswith("/portal/static/") for attributes in scripts)
    assert not [name for _, attributes in plain.tags for name in attributes if name.startswith("on")]


async def test_a_greeting_for_a_time_is_made_and_taken_away(
    bob: Browser, mailbox: httpx.Response, client: httpx.AsyncClient
) -> None:
    """Chosen by kind, last day, source and language; written or recorded, shown, removed alone."""
    wrong = await bob.open(f"{HERE}/change?kind=temporary&source=&language=&last_day=")
    change = await bob.open(f"{HERE}/change?kind=temporary&source=&language=&last_day=2026-12-04")
    await bob.send("/try", do="text", text="We are at the fair.")
    listed = await bob.send(bob.path, do="use")
    await bob.open(f"{HERE}/change?kind=busy&source=6500&language=de")
    await upload(bob, recording(2), kind="busy", of_language="de")
    used = await bob.send(bob.path, do="use")
    sound = await bob.client.get(f"{HERE}/audio?kind=busy&source=6500&language=de")
    both = (await client.get("/api/v1/mailboxes/8001/greetings")).json()["items"]
    await bob.open(HERE)
    removing = next(
        form
        for form in bob.shown.forms
        if form.action.endswith("/remove") and form.fields["kind"] == "temporary"
    )
    await bob.send("/remove", **removing.fields)
    after = (await client.get("/api/v1/mailboxes/8001/greetings")).json()["items"]

    assert "needs its last day" in wrong.text
    assert "Until a day, until December 4, 2026" in change.text
    assert "We are at the fair." in listed.text
    assert "When busy, German" in used.text
    assert 200 == sound.status_code
    assert [("standard", ""), ("temporary", ""), ("busy", "6500")] == [
        (one["kind"], one["source"]) for one in both
    ]
    assert ("de", "2026-12-04") == (both[2]["language"], both[1]["last_day"])
    assert [("standard", ""), ("busy", "6500")] == [(one["kind"], one["source"]) for one in after]


async def test_it_says_what_a_caller_hears_and_why(
    bob: Browser, mailbox: httpx.Response, api: Api, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """By the time of the person; with its words, its sound, and the others; oddities are told in words."""
    kinds = [
        {"kind": "temporary", "greeting": "At the fair.", "last_day": "2026-12-04"},
        {"kind": "busy", "source": "6500", "greeting": "All are talking."},
    ]
    await client.patch("/api/v1/mailboxes/8001", json={"kind_greetings": kinds})
    query = "date=2026-12-05&time=12:00&from=6500&reason=busy"
    fair = await bob.open(f"{HERE}/effective?date=2026-12-04&time=23:59")
    busy = await bob.open(f"{HERE}/effective?{query}")
    async with speaking(api.deps.db, humming(tmp_path)):
        sound = await bob.client.get(playing(busy))
    odd = await bob.open(f"{HERE}/effective?date=2026-02-30&from=../etc")
    source = await bob.open(f"{HERE}/effective?from=../etc")

    assert "At the fair." in fair.text
    assert "Until a day" in fair.text
    assert "the call was not sent on because of busy." in fair.text
    assert "All are talking." in busy.text
    assert "because it was busy there" in busy.text
    assert "its last day has passed." in busy.text
    assert (200, b"RIFF") == (sound.status_code, sound.content[:4])
    assert "No calendar has this moment." in odd.text
    assert "number of at least 3 digits" in source.text
    assert 404 == (await bob.client.get(f"{THERE}/effective")).status_code


async def test_a_spoken_name_is_heard_before_it_is_used(
    bob: Browser, mailbox: httpx.Response, api: Api, client: httpx.AsyncClient
) -> None:
    """Uploaded, played as callers will hear it, dropped or used; the page says by whom, and plays it."""
    content = recording(2, rate=44_100, channels=2, subtype="PCM_24")
    before = await bob.open(HERE)
    await bob.open(HERE + "/name/change")
    tried = await upload(bob, content)
    draft = await bob.client.get(playing(tried))
    untouched = (await client.get(NAME)).status_code
    dropped = await bob.send(bob.path, do="drop")
    await bob.open(HERE + "/name/change")
    await upload(bob, content)
    used = await bob.send(bob.path, do="use")
    played = await bob.client.get(f"{HERE}/name/audio?save=true")

    assert "the system says the display name, “Sales”" in before.text
    assert (greeting_from(content), 404) == (draft.content, untouched)
    assert "The recording was dropped." in dropped.text
    assert "Callers hear the name as you said it within a moment." in used.text
    assert "0:02 long" in used.text
    assert "bob" in used.text
    assert (greeting_from(content), 'attachment; filename="name-8001.wav"') == (
        played.content,
        played.headers["content-disposition"],
    )
    assert (200, greeting_from(content)) == ((got := await client.get(NAME)).status_code, got.content)
    assert [] == api.rows("SELECT id FROM greeting_drafts")


async def test_the_standard_sentence_is_heard_with_the_spoken_name(
    bob: Browser, mailbox: httpx.Response, api: Api, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """On the page of greetings and by *What does a caller hear?*, as calls say it; a text has no name."""
    speech = humming(tmp_path / "prompts")
    publisher = api.deps.publisher
    rendering = replace(publisher.rendering, prompts=speech.cache)
    give(api.app, replace(api.deps, publisher=replace(publisher, rendering=rendering)))
    await client.put(NAME, content=recording(2), headers={"Content-Type": "audio/wav"})
    await speak_greeting(api.deps.db, speech, UUID(mailbox.json()["id"]), tmp_path / "greetings")
    for prompt in (Prompt.YOU_HAVE_REACHED, Prompt.GREETING_STANDARD):
        await speech.make(speech.cache.texts(prompt, "en"), "en")
    digest = hashlib.sha256(greeting_from(recording(2))).hexdigest()
    words = speech.cache.files(Greeting(display_name="Sales", name_recording=digest), "en")
    heard = [(await bob.client.get(f"{HERE}/{page}audio")).content for page in ("", "effective/")]

    assert (3, [joined(words)] * 2) == (len(words), heard)


async def test_removing_a_spoken_name_asks_first(
    bob: Browser, mailbox: httpx.Response, client: httpx.AsyncClient
) -> None:
    """The recording would be gone; afterwards the system says the name."""
    await client.put(NAME, content=recording(2), headers={"Content-Type": "audio/wav"})
    await bob.open(HERE)
    asked = await bob.send("/name/remove")
    there = (await client.get(NAME)).status_code
    removed = await bob.send("/name/remove")

    assert ("Remove the spoken name?" in asked.text, 200) == (True, there)
    assert "The system says the name again." in removed.text
    assert "the system says the display name, “Sales”" in removed.text
    assert 404 == (await client.get(NAME)).status_code


async def test_what_is_wrong_with_a_spoken_name_is_said(
    bob: Browser, mailbox: httpx.Response, receptionist: dict[str, Any], api: Api
) -> None:
    """Beside the field. A receptionist has none; a name that is tried is no greeting, nor the other way."""
    await bob.open(HERE + "/name/change")
    long = await upload(bob, recording(11))
    await bob.open(HERE + "/change")
    await upload(bob, recording())
    greeting = bob.path
    await bob.open(HERE + "/name/change")
    await upload(bob, recording())
    name = bob.path
    paths = [
        greeting.replace("/try/", "/name/try/"),
        name.replace("/name/try/", "/try/"),
        name.replace("8001", "8002"),
        f"{THERE}/name/change",
        f"{HERE}/name/audio",
    ]

    assert "A name lasts at most ten seconds." in long.text
    assert [404] * len(paths) == [(await bob.client.get(path)).status_code for path in paths]
    assert "microphone=(self)" in (await bob.client.get(f"{HERE}/name/change")).headers["permissions-policy"]
    assert 2 == len(api.rows("SELECT id FROM greeting_drafts"))
