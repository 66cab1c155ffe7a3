"""Sound files that cannot be greetings or names: each refused in words, and nothing is left of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.speech.recorded import greeting_from
from tests.support import silence_bombs
from tests.support.api import Api
from tests.support.greetings import recording
from tests.support.portal import ORIGIN, Browser, Shown

URL = "/api/v1/mailboxes/8001"
PAGES = "/portal/mailboxes/8001/greetings"
WAV = {"Content-Type": "audio/wav"}
MOST = 36 * 2**20

TARGETS: dict[str, tuple[str, dict[str, str]]] = {
    "standard": ("greeting", {}),
    "busy": ("greeting", {"kind": "busy", "source": "6100", "language": "de"}),
    "name": ("spoken-name", {}),
}
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "greeting-empty"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(2000), "greeting-no-audio"),
    "a page": (lambda: b"<!doctype html><script>alert(1)</script>", "greeting-no-audio"),
    "an archive": (lambda: b"PK\x03\x04" + bytes(2000), "greeting-no-audio"),
    "only the mark of a sound file": (lambda: b"OggS" + bytes(2000), "greeting-no-audio"),
    "cut off": (lambda: recording(2)[:9000], "greeting-cut-off"),
    "silent": (lambda: recording(2, level=0), "greeting-silent"),
    "hours of FLAC": (lambda: silence_bombs.flac(3), "greeting-too-long"),
    "hours of FLAC that say a second": (
        lambda: silence_bombs.flac(3, says_seconds=1),
        "greeting-silent",
    ),
    "hours of FLAC that say nothing": (
        lambda: silence_bombs.flac(3, says_seconds=0),
        "greeting-no-audio",
    ),
    "hours of Opus": (lambda: silence_bombs.opus(3), "greeting-too-long"),
    "hours of Opus that say a second": (
        lambda: silence_bombs.opus(3, says_seconds=1),
        "greeting-silent",
    ),
}
FEW = ("empty", "a picture", "hours of FLAC", "hours of Opus that say a second")


def refusal_of(name: str, target: str) -> str:
    """Return why what is bad is refused: a name has a length of its own."""
    error_id = BAD[name][1]
    return "name-too-long" if (target, error_id) == ("name", "greeting-too-long") else error_id


def kept(api: Api) -> list[dict[str, Any]]:
    """Return all that there is of recordings, and how often the mailbox changed."""
    return [
        *api.rows("SELECT digest FROM greeting_recordings ORDER BY digest"),
        *api.rows("SELECT recorded_greetings, version FROM mailboxes"),
        *api.rows("SELECT id FROM greeting_drafts"),
    ]


@pytest.mark.parametrize("target", TARGETS)
async def test_what_cannot_be_heard_leaves_what_was_heard(
    client: httpx.AsyncClient, mailbox: httpx.Response, api: Api, target: str
) -> None:
    """Over REST; the recording of before is still there, and no job is asked for anything.

    All that is bad is tried at the first of them; they are checked by the same code.
    """
    names = BAD if target == "standard" else FEW
    path, query = TARGETS[target]
    url = f"{URL}/{path}"
    first = await client.put(url, params=query, content=recording(), headers=WAV)
    before, _ = kept(api), api.jobs()
    told = {}
    for name in names:
        answer = await client.put(url, params=query, content=BAD[name][0](), headers=WAV)
        (error,) = answer.json()["errors"]
        told[name] = (answer.status_code, error["error_id"], error["field"], bool(error["detail"]))
    sound = await client.get(url, params=query)

    assert 204 == first.status_code
    assert {name: (422, refusal_of(name, target), "greeting", True) for name in names} == told
    assert (before, []) == (kept(api), api.jobs())
    assert greeting_from(recording()) == sound.content


@pytest.mark.parametrize("target", TARGETS)
async def test_what_is_huge_is_not_read(
    client: httpx.AsyncClient, mailbox: httpx.Response, api: Api, target: str
) -> None:
    """By the length that it says, or by what came when it says none; nothing is kept."""
    path, query = TARGETS[target]
    sent = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield bytes(2**20)

    before = kept(api)
    says = {**WAV, "Content-Length": str(MOST + 1)}
    announced = await client.put(f"{URL}/{path}", params=query, content=b"RIFF", headers=says)
    streamed = await client.put(f"{URL}/{path}", params=query, content=without_end(), headers=WAV)

    assert [413, 413] == [announced.status_code, streamed.status_code]
    assert all(answer.json()["detail"] for answer in (announced, streamed))
    assert MOST < sent <= MOST + 2 * 2**20
    assert before == kept(api)


async def _sent(browser: Browser, page: str, content: bytes) -> Shown:
    form = next(form for form in browser.shown.forms if form.action.endswith("/try"))
    answer = await browser.client.post(
        page,
        data={**form.fields, "do": "file"},
        files={"greeting": ("hello.wav", content, "audio/wav")},
        headers={"Origin": ORIGIN},
    )
    assert 422 == answer.status_code, answer.text
    return Shown(answer.text)


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where uploads go that are too large for the memory."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    "pages",
    [
        ("/change", "/try"),
        ("/change?kind=busy&source=6100&language=de", "/try"),
        ("/name/change", "/name/try"),
    ],
    ids=["standard", "busy", "name"],
)
async def test_the_portal_says_why_and_keeps_nothing(
    bob: Browser, mailbox: httpx.Response, api: Api, uploads: Path, pages: tuple[str, str]
) -> None:
    """In words beside the field; no draft, and no file of an upload that went to the disk."""
    change, send = pages
    before = kept(api)
    await bob.open(PAGES + change)
    words = {
        "empty": "No file was chosen, or it is empty.",
        "large": "This is no sound file that can be read.",
        "hours of FLAC": "lasts at most ten seconds"
        if send == "/name/try"
        else "lasts at most three minutes",
        "hours of Opus that say a second": "The recording is silent.",
    }
    large = b"\x89PNG\r\n\x1a\n" + bytes(3 * 2**20)
    shown = {
        name: await _sent(bob, PAGES + send, large if name == "large" else BAD[name][0]()) for name in words
    }

    assert [] == [name for name, text in words.items() if text not in shown[name].text]
    assert (before, []) == (kept(api), list(uploads.iterdir()))
