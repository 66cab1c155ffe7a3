"""The stream that tells an open page of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from controlplane.web.portal import events
from tests.support.api import Api
from tests.support.portal import Browser

LIMIT = 5.0
PATH = "/portal/mailboxes/8001/events"


class Stream:
    """An open stream: what was sent so far, event by event."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.headers: dict[str, str] = {}

    async def next(self) -> str:
        """Return the first line of the next event."""
        return (await self.whole()).partition("\n")[0]

    async def whole(self) -> str:
        """Return the next event, or `end`."""
        async with asyncio.timeout(LIMIT):
            while True:
                message = await self.sent.get()
                if message["type"] == "http.response.start":
                    self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
                elif message.get("body"):
                    return str(message["body"].decode())
                elif not message.get("more_body"):
                    return "end"

    async def until(self, wanted: str) -> bool:
        """Wait for an event; False if the stream ends before."""
        while (line := await self.next()) != "end":
            if line == wanted:
                return True
        return wanted == "end"


@asynccontextmanager
async def stream(api: Api, browser: Browser, path: str = PATH) -> AsyncIterator[Stream]:
    """Open the stream of the mailbox 8001, or another one, as a browser does; closed afterwards."""
    path, _, query = path.partition("?")
    opened, left = Stream(), asyncio.Event()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(b"host", b"test"), (b"cookie", cookie.encode())],
        "client": ("192.0.2.1", 1),
        "server": ("test", 80),
    }
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        opened.sent.put_nowait(message)

    running = asyncio.create_task(api.app(scope, receive, send))
    try:
        yield opened
    finally:
        left.set()
        async with asyncio.timeout(LIMIT):
            await running


async def test_change_is_told(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """A message that a caller leaves is an event; no proxy keeps it back."""
    async with stream(api, bob) as open_stream:
        began = await open_stream.until("event: listening")
        as_it_was = await open_stream.until("event: changed")
        await api.message()
        told = await open_stream.until("event: changed")

    assert (True, True, True, 201) == (began, as_it_was, told, mailbox.status_code)
    assert ("text/event-stream; charset=utf-8", "no", "no-store") == tuple(
        open_stream.headers[name] for name in ("content-type", "x-accel-buffering", "cache-control")
    )


async def test_signing_out_ends_the_stream(
    api: Api, mailbox: httpx.Response, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the latest with the next beat."""
    monkeypatch.setattr(events, "BEAT_SECONDS", 0.05)
    async with stream(api, bob) as open_stream:
        await open_stream.until("event: listening")
        await bob.open("/portal/mailboxes")
        await bob.send("/sign-out")

        assert await open_stream.until("event: signed-out")
    assert mailbox.status_code == 201


async def test_quiet_stream_is_kept_alive(
    api: Api, mailbox: httpx.Response, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a comment line that browsers pass over."""
    monkeypatch.setattr(events, "BEAT_SECONDS", 0.05)
    async with stream(api, bob) as open_stream:
        assert await open_stream.until(": still here")
    assert mailbox.status_code == 201


async def test_ending_process_ends_the_stream(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """Nobody waits for pages that are open; who comes then is told to ask now and then."""
    async with stream(api, bob) as open_stream:
        await open_stream.until("event: listening")
        api.app.state.mailbox_changes.close()
        assert await open_stream.until("end")
    async with stream(api, bob) as late:
        assert await late.until("event: full")
    assert mailbox.status_code == 201


async def test_change_is_told_to_the_page_of_a_message(
    api: Api, mailbox: httpx.Response, bob: Browser, foreigner: httpx.AsyncClient
) -> None:
    """What happens in its mailbox; a message of another tenant has no stream."""
    message = await api.message()
    async with stream(api, bob, f"/portal/messages/{message}/events") as opened:
        listening = await opened.next()
        await opened.until("event: changed")
        api.rows("UPDATE messages SET state = 'saved' RETURNING id")
        told = await opened.until("event: changed")
    api.rows("UPDATE messages SET tenant_id = (SELECT id FROM tenants WHERE name = 'north') RETURNING id")
    foreign = await bob.client.get(f"/portal/messages/{message}/events")

    assert ("event: listening", True, 404) == (listening, told, foreign.status_code)


PUBLISHING = "/portal/publishing/events"


async def test_steps_of_publishing_are_told(api: Api, bob: Browser, alice: Browser) -> None:
    """To admins of every tenant: that a revision is written, that it is live, that a tenant is published."""
    tenant = api.rows("SELECT id FROM tenants WHERE name = 'default'")[0]["id"]
    steps = [
        "INSERT INTO configuration_revisions (digest, state) VALUES ('x', 'pending') RETURNING id",
        "UPDATE configuration_revisions SET state = 'live', live_at = now() RETURNING id",
        f"INSERT INTO publishing_modes (tenant_id, mode) VALUES ('{tenant}', 'manual') RETURNING mode",
        "UPDATE publishing_modes SET next_changes = '{1}' RETURNING mode",
    ]
    async with stream(api, bob, PUBLISHING) as here, stream(api, alice, PUBLISHING) as there:
        told = [await each.until("event: changed") for each in (here, there)]
        for step in steps:
            api.rows(step)
            told += [await each.until("event: changed") for each in (here, there)]

    assert [True] * 10 == told


async def test_who_signed_out_is_told_of_no_publishing(
    api: Api, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the latest with the next beat."""
    monkeypatch.setattr(events, "BEAT_SECONDS", 0.05)
    async with stream(api, bob, PUBLISHING) as open_stream:
        await open_stream.until("event: changed")
        await bob.open("/portal/account")
        await bob.send("/sign-out")
        ended = [await open_stream.until("event: signed-out"), await open_stream.next()]

    assert [True, "end"] == ended
