"""`/messages/{id}/audio` over HTTP."""

from __future__ import annotations

import io
from uuid import UUID

import httpx
import pytest
import soundfile
from tests.support.api import Api


@pytest.fixture
async def url(api: Api, mailbox: httpx.Response) -> str:
    """Leave a message of two seconds and return the address of its audio."""
    return _url(await api.message(seconds=2))


def _url(message_id: UUID) -> str:
    return f"/api/v1/messages/{message_id}/audio"


def _bytes(api: Api, url: str) -> bytes:
    return api.store.path(UUID(url.split("/")[-2])).read_bytes()


async def test_wav_is_as_it_was_recorded(api: Api, client: httpx.AsyncClient, url: str) -> None:
    """Without a format the stored file is sent."""
    answer = await client.get(url)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.content == _bytes(api, url)
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_mp3_is_as_long_as_the_recording(client: httpx.AsyncClient, url: str) -> None:
    """MP3 decodes to the same length, give or take a frame."""
    answer = await client.get(url, params={"format": "mp3"})
    samples, rate = soundfile.read(io.BytesIO(answer.content))

    assert answer.headers["content-type"] == "audio/mpeg"
    assert len(samples) / rate == pytest.approx(2.0, abs=0.15)


async def test_a_recording_has_a_name_to_be_saved_under(client: httpx.AsyncClient, url: str) -> None:
    """Mailbox and time make the name."""
    answer = await client.get(url, params={"format": "mp3"})

    assert answer.headers["content-disposition"] == 'inline; filename="voicemail-8001-20260302-101500.mp3"'


@pytest.mark.parametrize("form", ["wav", "mp3"])
async def test_parts_make_the_whole(client: httpx.AsyncClient, url: str, form: str) -> None:
    """Ranges from the front, the middle and the end are the same bytes as the whole."""
    whole = (await client.get(url, params={"format": form})).content
    size = len(whole)
    parts = {}
    for text in ("bytes=0-99", "bytes=100-", f"bytes=-{size - 5}", "bytes=5-99999999"):
        answer = await client.get(url, params={"format": form}, headers={"Range": text})
        parts[text] = (answer.status_code, answer.headers["content-range"], answer.content)

    assert parts == {
        "bytes=0-99": (206, f"bytes 0-99/{size}", whole[:100]),
        "bytes=100-": (206, f"bytes 100-{size - 1}/{size}", whole[100:]),
        f"bytes=-{size - 5}": (206, f"bytes 5-{size - 1}/{size}", whole[5:]),
        "bytes=5-99999999": (206, f"bytes 5-{size - 1}/{size}", whole[5:]),
    }


async def test_a_range_behind_the_end_is_refused(client: httpx.AsyncClient, url: str) -> None:
    """416 says how long the recording is."""
    size = len((await client.get(url)).content)
    answer = await client.get(url, headers={"Range": f"bytes={size}-"})

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
    assert answer.json()["error_id"] == "range-not-satisfiable"


@pytest.mark.parametrize("text", ["bytes=9-5", "lines=1-2", "bytes=0-1,3-4", "bytes=-", "nonsense"])
async def test_other_ranges_are_ignored(client: httpx.AsyncClient, url: str, text: str) -> None:
    """What is no single range of bytes gets the whole recording."""
    answer = await client.get(url, headers={"Range": text})

    assert (answer.status_code, len(answer.content)) == (200, 32044)


async def test_conditions_spare_the_transfer(client: httpx.AsyncClient, url: str) -> None:
    """If-None-Match answers 304; a range is given only while If-Range fits."""
    etag = (await client.get(url)).headers["etag"]
    known = await client.get(url, headers={"If-None-Match": etag})
    fits = await client.get(url, headers={"If-Range": etag, "Range": "bytes=0-9"})
    other = await client.get(url, headers={"If-Range": '"other"', "Range": "bytes=0-9"})

    assert [a.status_code for a in (known, fits, other)] == [304, 206, 200]


@pytest.mark.parametrize("form", ["wav", "mp3"])
async def test_head_tells_what_get_would(client: httpx.AsyncClient, url: str, form: str) -> None:
    """HEAD has the headers of GET and no body."""
    got = await client.get(url, params={"format": form})
    head = await client.head(url, params={"format": form})
    names = ("content-length", "content-type", "etag", "accept-ranges")

    assert (head.status_code, head.content) == (200, b"")
    assert [head.headers[name] for name in names] == [got.headers[name] for name in names]


async def test_a_missing_recording_is_told(api: Api, client: httpx.AsyncClient, url: str) -> None:
    """A message without its file is answered by 404 with an error_id of its own, in both formats."""
    await client.get(url, params={"format": "mp3"})
    api.store.path(UUID(url.split("/")[-2])).unlink()
    answers = [await client.get(url, params={"format": form}) for form in ("wav", "mp3")]

    assert [(a.status_code, a.json()["error_id"]) for a in answers] == [(404, "recording-missing")] * 2


async def test_a_damaged_recording_can_be_fetched_as_it_is(
    api: Api, client: httpx.AsyncClient, url: str
) -> None:
    """What cannot be converted is told so, and is there as WAV."""
    api.store.path(UUID(url.split("/")[-2])).write_bytes(b"not audio")
    mp3 = await client.get(url, params={"format": "mp3"})
    wav = await client.get(url)

    assert (mp3.status_code, mp3.json()["error_id"]) == (404, "recording-damaged")
    assert wav.content == b"not audio"


async def test_an_unknown_format_is_named(client: httpx.AsyncClient, url: str) -> None:
    """A format that is not made here is answered by 422."""
    answer = await client.get(url, params={"format": "ogg"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "format")


async def test_audio_needs_a_token(stranger: httpx.AsyncClient, url: str) -> None:
    """Without a token there is no recording."""
    assert (await stranger.get(url)).status_code == 401
