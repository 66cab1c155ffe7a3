"""The page behind the link in a mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from tests.support.api import Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser, make_user


@pytest.fixture
async def link(api: Api, mailbox: httpx.Response) -> str:
    """Leave a message with a recording and return the address of its page."""
    message = await api.message(received_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), seconds=65)
    return f"/m/{api.deps.links.make(message)}"


async def test_the_page_shows_the_message(api: Api, stranger: httpx.AsyncClient, link: str) -> None:
    """Mailbox, caller, date in the tenant's time zone and length are shown, without a token."""
    api.rows("UPDATE tenants SET time_zone = 'Europe/Berlin' RETURNING 1")
    answer = await stranger.get(link)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Message for Sales (8001)" in text
    assert "Alice &lt;102&gt;" in text
    assert "Thursday, July 2, 2026, 12:30 AM (Central European Summer Time)" in text.replace("\u202f", " ")
    assert "1 minute, 5 seconds" in text


async def test_the_page_says_that_a_message_is_urgent(
    api: Api, stranger: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """In its title, as the mail did."""
    message = await api.message(urgent=True, seconds=1)
    answer = await stranger.get(f"/m/{api.deps.links.make(message)}")

    assert "Urgent: Message for Sales (8001)" in answer.text


@pytest.mark.parametrize(
    ("of_mailbox", "of_tenant", "shown"),
    [
        ("de-AT", "en", "de"),
        ("cs", "de", "de"),
        (None, "de-CH", "de"),
        ("ru", "en", "ru"),
        ("en", "de", "en"),
        ("cs", "sv", "en"),
    ],
)
async def test_the_page_speaks_as_the_mailbox_does(
    *, api: Api, stranger: httpx.AsyncClient, link: str, of_mailbox: str | None, of_tenant: str, shown: str
) -> None:
    """The words are the mailbox's, else the tenant's, each along its tag, else English."""
    value = "NULL" if of_mailbox is None else f"'{of_mailbox}'"
    api.rows(f"UPDATE mailboxes SET language = {value} RETURNING 1")
    api.rows(f"UPDATE tenants SET language = '{of_tenant}' RETURNING 1")
    answer = await stranger.get(link)

    assert f'<html lang="{shown}" dir="ltr">' in answer.text


async def test_the_german_page_reads_well(api: Api, stranger: httpx.AsyncClient, link: str) -> None:
    """A German page says title, caller, date, length and links as Germans write them."""
    api.rows("UPDATE tenants SET language = 'de', time_zone = 'Europe/Berlin' RETURNING 1")
    answer = await stranger.get(link)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    assert "Nachricht für Sales (8001)" in text
    assert "Anrufer Alice &lt;102&gt;" in text
    assert "Empfangen Donnerstag, 2. Juli 2026, 00:30 Uhr (Mitteleuropäische Sommerzeit)" in text
    assert "Länge 1 Minute, 5 Sekunden" in text
    assert "MP3 herunterladen WAV herunterladen" in text


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "Dieser Link funktioniert nicht"),
        ("cs;q=1, en;q=0.1, de;q=0.5", "Dieser Link funktioniert nicht"),
        ("fr-CA, de;q=0.9", "Ce lien ne fonctionne pas"),
        ("es", "Este enlace no funciona"),
        ("it", "Questo collegamento non funziona"),
        ("pt-PT", "Este link não funciona"),
        ("nl", "Deze link werkt niet"),
        ("ru", "Эта ссылка не работает"),
        ("en, de", "This link does not work"),
        ("cs", "This link does not work"),
        ("", "This link does not work"),
    ],
)
async def test_a_broken_link_is_told_in_the_browsers_language(
    stranger: httpx.AsyncClient, header: str, title: str
) -> None:
    """Without a message the browser says what its owner reads."""
    answer = await stranger.get("/m/x", headers={"Accept-Language": header})

    assert (answer.status_code, title in answer.text) == (404, True)


async def test_the_player_and_the_downloads_are_there(stranger: httpx.AsyncClient, link: str) -> None:
    """What the page refers to can be fetched, relative to the page."""
    page = await stranger.get(link)
    player = re.search(r'<audio[^>]* src="([^"]+)"', page.text)
    assert player is not None
    addresses = {player[1], *re.findall(r'<a href="([^"]+)" download', page.text)}
    types = {
        (await stranger.get(f"/m/{address.replace('&amp;', '&')}")).headers["content-type"]
        for address in addresses
    }

    assert types == {"audio/mpeg", "audio/wav"}


async def test_parts_of_the_recording_can_be_fetched(stranger: httpx.AsyncClient, link: str) -> None:
    """The player may ask for a range."""
    answer = await stranger.get(f"{link}/audio?format=mp3", headers={"Range": "bytes=0-9"})

    assert (answer.status_code, len(answer.content)) == (206, 10)


async def test_listening_marks_nothing(api: Api, stranger: httpx.AsyncClient, link: str) -> None:
    """Page and audio leave the message new."""
    await stranger.get(link)
    await stranger.get(f"{link}/audio?format=wav")

    assert api.rows("SELECT state, version FROM messages") == [{"state": "new", "version": 1}]


async def test_nothing_foreign_is_loaded_and_nothing_stored(stranger: httpx.AsyncClient, link: str) -> None:
    """No script, no inline style, no other host; not stored, not indexed, no referrer."""
    page = await stranger.get(link)
    audio = await stranger.get(f"{link}/audio?format=wav")

    assert [
        word for word in ("<script", "style=", "<style", "http:", "https:", "//") if word in page.text
    ] == []
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    assert "no-store" in audio.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"


async def test_the_style_is_a_file_of_ours(stranger: httpx.AsyncClient, link: str) -> None:
    """The stylesheet that the page names is there, as CSS."""
    page = await stranger.get(link)
    sheet = re.search(r'rel="stylesheet" href="\.\./([^"]+)"', page.text)
    assert sheet is not None
    answer = await stranger.get(f"/{sheet[1]}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")


@pytest.mark.parametrize("suffix", ["", "/audio?format=mp3"])
async def test_an_expired_link_is_told_so(
    api: Api, stranger: httpx.AsyncClient, link: str, suffix: str
) -> None:
    """After its days the link answers 410 with a page for people."""
    api.clock.ahead = timedelta(days=8)
    answer = await stranger.get(link + suffix)

    assert (answer.status_code, answer.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "This link has expired" in answer.text


@pytest.mark.parametrize("suffix", ["", "/audio?format=mp3"])
async def test_a_forged_link_is_told_so(stranger: httpx.AsyncClient, link: str, suffix: str) -> None:
    """A changed or made-up token answers 404 with a page for people."""
    answers = [await stranger.get(f"{text}{suffix}") for text in (link[:-1] + "~", "/m/x", f"/m/{uuid4()}")]

    assert [(a.status_code, "This link does not work" in a.text) for a in answers] == [(404, True)] * 3


async def test_a_purged_message_is_told_so(
    client: httpx.AsyncClient, api: Api, stranger: httpx.AsyncClient, link: str
) -> None:
    """In the trash it can still be heard; once purged the link answers 410."""
    (row,) = api.rows("SELECT id FROM messages")
    await client.delete(f"/api/v1/messages/{row['id']}")
    trashed = await stranger.get(link)
    await client.delete(f"/api/v1/messages/{row['id']}")
    purged = await stranger.get(link)

    assert [trashed.status_code, purged.status_code] == [200, 410]
    assert "This message is gone" in purged.text


async def test_a_missing_recording_is_told_so(api: Api, stranger: httpx.AsyncClient, link: str) -> None:
    """Without its file the audio answers 404 with a page for people."""
    (row,) = api.rows("SELECT id FROM messages")
    api.store.path(row["id"]).unlink()
    answer = await stranger.get(f"{link}/audio?format=mp3")

    assert (answer.status_code, "The recording is not there" in answer.text) == (404, True)


async def test_hostile_callers_stay_text(
    api: Api, stranger: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """No caller's name makes an element, an attribute or an error of ours."""
    plain = await stranger.get(f"/m/{api.deps.links.make(await api.message(name='plain'))}")
    tags = re.findall(r"<[^>]+>", _without_links(plain.text))
    for text in HOSTILE_TEXTS:
        name = text.replace("\0", "").encode("utf-8", "replace").decode()
        page = await stranger.get(f"/m/{api.deps.links.make(await api.message(name=name))}")
        found = re.findall(r"<[^>]+>", _without_links(page.text))

        assert (page.status_code, found) == (200, tags), text


def _without_links(html: str) -> str:
    """Return a page without the addresses that differ from message to message."""
    return re.sub(r'"[^"]*(?:audio\?|/portal/)[^"]*"', '""', html)


async def test_a_caller_that_is_unknown_is_named_so(
    api: Api, stranger: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A message of nobody says so in words."""
    page = await stranger.get(f"/m/{api.deps.links.make(await api.message(caller='', name=''))}")

    assert "Unknown caller" in page.text


async def test_who_is_signed_in_goes_on_to_the_portal(link: str, bob: Browser) -> None:
    """To the page of the message, where more can be done with it."""
    shown = await bob.open(link)

    assert bob.path.startswith("/portal/messages/")
    assert "Message from Alice" in shown.title


async def test_everybody_else_stays_on_the_small_page(api: Api, link: str, visitor: Browser) -> None:
    """Which leads to the portal, through signing in; somebody of another tenant stays there too."""
    small = await visitor.open(link)
    (onward,) = [tag["href"] for tag in small.with_attribute("href") if "/portal/" in tag["href"]]
    await api.tenant("north")
    await make_user(api, "nora", tenant="north")
    await make_user(api, "berta", tenant="default")
    await visitor.open(onward)
    there = await visitor.send("/sign-in", user_name="berta", password="seven red chairs")
    async with Browser(api) as other:
        await other.sign_in("nora")
        await other.open(link)
        foreign = other.path

    assert "Message for Sales" in small.text
    assert (onward, "Message from Alice") == (visitor.path, there.title[:18])
    assert foreign == link
