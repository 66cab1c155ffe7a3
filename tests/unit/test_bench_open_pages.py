"""What the browsers of the bench take for an event and for a page, however it arrives."""

from __future__ import annotations

from typing import Any

from tests.bench.open_pages import Page, _Fetch, _Stream


class Wire:
    """A connection that keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.sent.append(data)


def waiting(text: bytes) -> Page:
    """Return a page that waits for a text."""
    page = Page(host="localhost", port=80, path="/portal/mailboxes/8001/voicemail", cookie="a=b")
    page.expect(text)
    return page


def fed(protocol: Any, content: bytes) -> None:
    """Give a protocol each byte by itself."""
    for byte in content:
        protocol.data_received(bytes([byte]))


def test_an_event_that_brings_the_page_shows_it() -> None:
    """Once it is there as a whole, and has what is waited for."""
    page, wire = waiting(b"Ann"), Wire()
    stream = _Stream(page)
    stream.connection_made(wire)
    fed(stream, b"event: changed\ndata: Zoe\n\nevent: changed\ndata: Ann")
    before = page.done.is_set()
    fed(stream, b"\n\n")

    assert (False, True) == (before, page.done.is_set())
    assert wire.sent[0].startswith(b"GET /portal/mailboxes/8001/events HTTP/1.1\r\n")
    assert {"told", "shown"} == set(page.moments)


def test_a_page_that_is_fetched_is_read_to_its_end() -> None:
    """A wish meanwhile is another request, after the answer."""
    page, wire = waiting(b"Ann"), Wire()
    fetch = _Fetch(page)
    fetch.connection_made(wire)
    fetch.ask()
    fetch.ask()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    fed(fetch, head + b"Zoe")
    between = (len(wire.sent), page.done.is_set())
    fed(fetch, head + b"Ann")

    assert ((2, False), True) == (between, page.done.is_set())
