"""The Event Socket's wire format without I/O: bytes in, messages out.

Rules, from mod_event_socket.c of FreeSWITCH 1.11, and from what calls showed:

- A message is header lines, an empty line, and a body of as many bytes as Content-Length says;
  without it there is none.
- The reply to `connect` and the lines of an event are percent-encoded, other replies are not. A
  caller's name may hold `%0A` as text, so a block is split into lines before anything is decoded,
  at line feeds alone, and each line at its first colon.
- A body is never read as headers of its message. An event's body holds the lines of the event,
  and behind these its own body.
- `getvar` can break the framing by a value with a newline, so nobody sends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

LINE_LIMIT: Final = 65_536
BLOCK_LIMIT: Final = 1_048_576
BLOCK_LINES: Final = 4_096
BODY_LIMIT: Final = 4_194_304

_NAME: Final = re.compile(rb"[!-9;-~]{1,256}")
_LENGTH: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_ONCE: Final = frozenset({"content-length", "content-type", "reply-text"})


class ProtocolError(Exception):
    """The peer does not speak Event Socket, or too much of it. The text quotes nothing of it."""


@dataclass(frozen=True)
class Block:
    """Header lines in their order, values as they came. Its repr shows no value."""

    lines: tuple[tuple[str, str], ...]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """What each name has; a channel has two hundred lines, of which a dozen are looked up."""
        values: dict[str, list[str]] = {}
        for name, value in self.lines:
            values.setdefault(name.lower(), []).append(value)
        return values

    def raw(self, name: str) -> str:
        """Return the first value of a name as it came; empty when there is none. Case does not matter."""
        return self._by_name.get(name.lower(), ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a name, decoded."""
        return tuple(map(_decoded, self._by_name.get(name.lower(), ())))

    def get(self, name: str) -> str:
        """Return the first value of a name, decoded."""
        return _decoded(self.raw(name))

    def __repr__(self) -> str:
        """Keep secrets, digits and callers out of logs."""
        return f"Block({len(self.lines)} lines)"


@dataclass(frozen=True, slots=True)
class Message:
    """What the switch said: a reply, an event, a notice."""

    headers: Block
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The content type."""
        return self.headers.raw("Content-Type")

    @property
    def reply(self) -> str:
        """The text of a reply, `+OK …` or `-ERR …`."""
        return self.headers.get("Reply-Text").strip()

    @property
    def text(self) -> str:
        """The body, without the blanks around it."""
        return self.body.decode("utf-8", errors="replace").strip()

    def event(self) -> Message:
        """Return the event in the body of a `text/event-plain`; raises ProtocolError."""
        head, separator, rest = self.body.partition(b"\n\n")
        if not separator:
            raise ProtocolError("An event has no end.")
        block = parse_block(head)
        length = content_length(block, limit=len(rest))
        if length != len(rest):
            raise ProtocolError("An event has another length than it says.")
        return Message(block, rest)

    def __repr__(self) -> str:
        """Show what it is, and nothing of a caller."""
        return f"Message({self.kind!r}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer broke the rules or left in the middle; nothing comes after it."""

    reason: str


Event = Message | Fault


def parse_block(data: bytes) -> Block:
    """Split header lines, without the empty one behind them; raises ProtocolError."""
    lines: list[tuple[str, str]] = []
    seen: set[str] = set()
    for line in data.split(b"\n"):
        name, separator, value = line.partition(b":")
        if not separator or not _NAME.fullmatch(name):
            raise ProtocolError("A header line has no name.")
        key = name.decode("ascii")
        if key.lower() in _ONCE:
            if key.lower() in seen:
                raise ProtocolError("A header came twice.")
            seen.add(key.lower())
        lines.append((key, value.removeprefix(b" ").decode("utf-8", errors="replace")))
        if len(lines) > BLOCK_LINES:
            raise ProtocolError("A block has too many lines.")
    return Block(tuple(lines))


def content_length(block: Block, *, limit: int) -> int:
    """Return the length of the body; 0 without one. Raises ProtocolError."""
    given = block.raw("Content-Length")
    if not given and not block.all("Content-Length"):
        return 0
    if not _LENGTH.fullmatch(given):
        raise ProtocolError("A length is no number.")
    length = int(given)
    if length > limit:
        raise ProtocolError("A body is too long.")
    return length


class EventSocketConnection:
    """The receiving half of a connection as a state machine.

    After a fault or the end of the stream nothing more is read. Who sends commands matches the
    replies, which come in the order of the commands.
    """

    def __init__(self, *, body_limit: int = BODY_LIMIT) -> None:
        self._body_limit = body_limit
        self._buffer = bytearray()
        self._scanned = 0
        self._headers: Block | None = None
        self._missing = 0
        self._closed = False

    def receive_data(self, data: bytes) -> list[Event]:
        """Take bytes in any portions and return what they complete, a Fault last."""
        if self._closed:
            return []
        events: list[Event] = []
        self._buffer += data
        try:
            events.extend(self._messages())
        except ProtocolError as error:
            self._close()
            events.append(Fault(str(error)))
        return events

    def receive_eof(self) -> list[Event]:
        """Take the end of the stream; a Fault if it cuts a message short."""
        cut = bool(self._buffer) or self._headers is not None
        self._close()
        return [Fault("The connection ended in the middle.")] if cut else []

    def _messages(self) -> Iterator[Message]:
        while True:
            if self._headers is None and not self._read_block():
                return
            assert self._headers is not None
            if len(self._buffer) < self._missing:
                return
            message = Message(self._headers, bytes(self._buffer[: self._missing]))
            del self._buffer[: self._missing]
            self._headers = None
            self._scanned = 0
            yield message

    def _read_block(self) -> bool:
        end = self._buffer.find(b"\n\n", max(0, self._scanned - 1))
        if end < 0:
            if len(self._buffer) > BLOCK_LIMIT:
                raise ProtocolError("A block is too long.")
            if len(self._buffer) - (self._buffer.rfind(b"\n") + 1) > LINE_LIMIT:
                raise ProtocolError("A line is too long.")
            self._scanned = len(self._buffer)
            return False
        if end > BLOCK_LIMIT:
            raise ProtocolError("A block is too long.")
        head = bytes(self._buffer[:end])
        if max(map(len, head.split(b"\n"))) > LINE_LIMIT:
            raise ProtocolError("A line is too long.")
        block = parse_block(head)
        self._missing = content_length(block, limit=self._body_limit)
        del self._buffer[: end + 2]
        self._headers = block
        return True

    def _close(self) -> None:
        self._closed = True
        self._buffer.clear()
        self._headers = None


def _decoded(value: str) -> str:
    """Decode the percent signs of a value, and no plus sign."""
    return unquote(value, errors="replace")
