"""Pages that are open in browsers: a process of its own, which does little more than its sockets need.

Each page holds the stream of its mailbox on one connection. On an event it waits 50 ms, as the script of
the page does, and fetches itself on another one, unless the event brings the page along. What this process
needs of the processor is told, so that it is not taken for the server's.

It reads a line for each thing to do, and answers each by a line, both JSON: see `Crowd`.
"""

# ruff: noqa: T201 (it answers on the standard output)

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_WAIT_SECONDS = 0.05
_LIMIT_SECONDS = 60


@dataclass
class Page:
    """One open page: `wanted` is what it waits for, the moments are when it went which way."""

    host: str
    port: int
    path: str
    cookie: str
    wanted: bytes = b""
    moments: dict[str, float] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _fetch: _Fetch | None = None
    _soon: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Open the stream, and be where a page is that was opened a moment ago."""
        loop = asyncio.get_running_loop()
        _, self._fetch = await loop.create_connection(lambda: _Fetch(self), self.host, self.port)
        await loop.create_connection(lambda: _Stream(self), self.host, self.port)
        async with asyncio.timeout(_LIMIT_SECONDS):
            await self.done.wait()

    def expect(self, wanted: bytes) -> None:
        """Wait from now on for something new; empty: for any answer."""
        self.wanted, self.moments = wanted, {}
        self.done.clear()

    def note(self, moment: str) -> None:
        """Keep when something happened, the last time before the page was as wanted."""
        if not self.done.is_set():
            self.moments[moment] = time.perf_counter()

    def told(self) -> None:
        """Fetch the page soon, as its script does."""
        self.note("told")
        if self._soon is not None:
            self._soon.cancel()
        self._soon = asyncio.get_running_loop().call_later(_WAIT_SECONDS, self._ask)

    def _ask(self) -> None:
        assert self._fetch is not None
        self._fetch.ask()

    def shown(self, content: bytes) -> None:
        """Take what arrived."""
        if self.wanted in content and not self.done.is_set():
            self.note("shown")
            self.done.set()

    def request(self, path: str, *lines: str) -> bytes:
        """Return a request as a browser sends it."""
        head = [f"GET {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Cookie: {self.cookie}", *lines]
        return ("\r\n".join(head) + "\r\n\r\n").encode()


class _Stream(asyncio.Protocol):
    """The stream of a page: events end with an empty line."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._kept = b""

    def connection_made(self, transport: Any) -> None:
        path = self._page.path.replace("/voicemail", "/events")
        transport.write(self._page.request(path, "Accept: text/event-stream"))

    def data_received(self, data: bytes) -> None:
        *events, self._kept = (self._kept + data).split(b"\n\n")
        for event in events:
            if b"event: changed\ndata: " in event:
                self._page.note("told")
                self._page.shown(event)
            elif b"event: listening" in event or b"event: changed" in event:
                self._page.told()


class _Fetch(asyncio.Protocol):
    """The connection by which a page fetches itself; one request at a time, and the newest wish counts."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._head: bytes | None = b""
        self._parts: list[bytes] = []
        self._missing = 0
        self._busy = self._again = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self) -> None:
        """Fetch the page, after the answer that is on its way."""
        if self._busy:
            self._again = True
            return
        self._busy, self._again, self._head, self._parts = True, False, b"", []
        self._page.note("asked")
        self._transport.write(self._page.request(self._page.path, "X-Live: yes"))

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            self._page.note("answered")
            lines = head.lower().split(b"\r\n")
            self._missing = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            self._head = None
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing <= 0:
            self._busy = False
            self._page.shown(b"".join(self._parts))
            if self._again:
                self.ask()


class Crowd:
    """All open pages.

    Asked to `open` pages it answers once all are up to date; to `expect` some text, at once; to `wait`, with
    the moments of each page, once the text is on all, and the processor seconds of this process meanwhile.
    """

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._cpu = 0.0

    async def answer(self, asked: dict[str, Any]) -> object:
        """Do one thing."""
        match asked["do"]:
            case "open":
                self._pages = [Page(**page) for page in asked["pages"]]
                for page in self._pages:
                    await page.open()
            case "expect":
                self._cpu = time.process_time()
                for page in self._pages:
                    page.expect(asked["text"].encode())
            case "wait":
                async with asyncio.timeout(_LIMIT_SECONDS):
                    for page in self._pages:
                        await page.done.wait()
                cpu = time.process_time() - self._cpu
                return {"moments": [page.moments for page in self._pages], "cpu": cpu}
        return {}


async def main() -> None:
    """Answer until the input ends."""
    crowd, loop = Crowd(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await crowd.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
