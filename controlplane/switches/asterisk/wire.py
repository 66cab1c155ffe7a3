"""The AGI wire format without I/O: bytes in, events out, and the bytes of each command to send.

Rules, from res/res_agi.c of Asterisk 16.28 and 22.10, and from what calls showed:

- Asterisk first sends its environment, one `agi_name: value` a line, and an empty line.
- We send one command a line; Asterisk answers it by one reply: `200 result=… (…) endpos=…`, 510
  for an unknown command, 511 for one that a dead channel cannot do, 520 with its usage, which is
  `520-…`, any number of lines, then `520 End of proper usage.`
- When the caller has left, the line `HANGUP` comes between replies. With AGIEXITONHANGUP=yes it
  comes twice, and the connection ends; without it commands go on in dead mode.
- A newline in a caller's number arrives as a line of the environment. The environment therefore
  starts with `agi_network`, holds each name we know once, and has no line of another shape; or
  the request is refused.
- One command at a time: what is written early cuts a STREAM FILE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from controlplane.switches.asterisk.command import encode_command

LINE_LIMIT: Final = 16_384
ENVIRONMENT_LIMIT: Final = 65_536
ENVIRONMENT_LINES: Final = 64
USAGE_LINES: Final = 200

_KNOWN: Final = frozenset(
    {
        "agi_network",
        "agi_network_script",
        "agi_request",
        "agi_channel",
        "agi_uniqueid",
        "agi_version",
        "agi_callerid",
        "agi_calleridname",
        "agi_threadid",
        *(f"agi_arg_{number}" for number in range(1, 17)),
    }
)
_ENVIRONMENT_LINE: Final = re.compile(rb"(agi_[a-z0-9_]{1,32}):(?: (.*))?", re.DOTALL)
_REPLY: Final = re.compile(r"([1-5][0-9]{2})([ -])(.*)", re.ASCII | re.DOTALL)
_RESULT: Final = re.compile(
    r"result=(?P<result>\S*)(?: \((?P<data>.*)\))?(?: endpos=(?P<endpos>[0-9]{1,12}))?\s*",
    re.ASCII | re.DOTALL,
)

_INTERIM: Final = 100
_OK: Final = 200
_USAGE: Final = 520


class ProtocolError(Exception):
    """The peer does not speak AGI, or too much of it. The text never quotes what was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What Asterisk says of a call: the known names only, decoded with replacement."""

    values: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return a value; empty when the line was not there."""
        return self.values.get(name, "")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of `AGI()` behind the address, in order."""
        numbers = range(1, 1 + sum(name.startswith("agi_arg_") for name in self.values))
        return tuple(self.get(f"agi_arg_{number}") for number in numbers)

    def __repr__(self) -> str:
        """Keep the secret among the arguments and the caller out of logs."""
        return f"Environment({len(self.values)} values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a command. `data` is what stood in parentheses. Its repr shows no digit."""

    code: int
    result: str = ""
    data: str = ""
    endpos: int | None = None

    @property
    def number(self) -> int:
        """The result as a number; raises ProtocolError if it is none."""
        try:
            return int(self.result)
        except ValueError as error:
            raise ProtocolError("A reply holds no number.") from error

    @property
    def key(self) -> str:
        """The key whose code the result is; empty for 0, a failure and what is no telephone key."""
        code = self.number
        char = chr(code) if 0 < code < 128 else ""  # noqa: PLR2004 (ASCII)
        return char if char and char in "0123456789*#" else ""

    def __repr__(self) -> str:
        """Show the code alone: a result may be a digit of a PIN."""
        return f"Reply(code={self.code})"


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """The line HANGUP: the caller left, or the call's absolute timeout ended our part."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer broke the rules or left in the middle; nothing comes after it."""

    reason: str


Event = Environment | Reply | HangupNotice | Fault


class _State(Enum):
    ENVIRONMENT = auto()
    IDLE = auto()
    WAITING = auto()
    USAGE = auto()
    GONE = auto()
    CLOSED = auto()


class AgiConnection:
    """One AGI session as a state machine.

    After a fault or the end of the stream nothing more is read. After HANGUP replies are dropped
    and no command can be sent any more.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._state = _State.ENVIRONMENT
        self._values: dict[str, str] = {}
        self._lines = 0
        self._bytes = 0

    @property
    def waiting(self) -> bool:
        """Whether a command is outstanding."""
        return self._state in {_State.WAITING, _State.USAGE}

    def receive_data(self, data: bytes) -> list[Event]:
        """Take bytes in any portions and return what they complete, a Fault last."""
        events: list[Event] = []
        try:
            for line in self._lines_of(data):
                event = self._line(line)
                if event is not None:
                    events.append(event)
        except ProtocolError as error:
            self._close()
            events.append(Fault(str(error)))
        return events

    def receive_eof(self) -> list[Event]:
        """Take the end of the stream; a Fault if it cuts something short.

        A peer that connects and leaves without a word, as a health check does, is no fault.
        """
        cut = bool(self._buffer) or self.waiting or bool(self._state is _State.ENVIRONMENT and self._lines)
        self._close()
        return [Fault("The connection ended in the middle.")] if cut else []

    def send_command(self, command: str, *arguments: str | int) -> bytes:
        """Return the bytes of a command.

        Raises UnsendableArgument and sends nothing for what could become a second line, another
        argument or an expansion; ProtocolError while another command is outstanding.
        """
        line = encode_command(command, *arguments)
        if self._state is not _State.IDLE:
            raise ProtocolError("No command can be sent now.")
        self._state = _State.WAITING
        return line

    def _lines_of(self, data: bytes) -> Iterator[bytes]:
        if self._state is _State.CLOSED:
            return
        self._buffer += data
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._scanned = 0
            if len(line) > LINE_LIMIT:
                raise ProtocolError("A line is too long.")
            yield line
        self._scanned = len(self._buffer)
        if len(self._buffer) > LINE_LIMIT:
            raise ProtocolError("A line is too long.")

    def _close(self) -> None:
        self._state = _State.CLOSED
        self._buffer.clear()
        self._scanned = 0

    def _line(self, line: bytes) -> Event | None:
        match self._state:
            case _State.ENVIRONMENT:
                return self._environment_line(line)
            case _State.GONE:
                return HangupNotice() if line == b"HANGUP" else None
            case _State.USAGE:
                return self._usage_line(line)
            case _:
                return self._reply_line(line)

    def _environment_line(self, line: bytes) -> Environment | None:
        if not line:
            if not self._values:
                raise ProtocolError("The environment is empty.")
            self._state = _State.IDLE
            self._lines = 0
            return Environment(values=self._values)
        self._lines += 1
        self._bytes += len(line) + 1
        if self._lines > ENVIRONMENT_LINES or self._bytes > ENVIRONMENT_LIMIT:
            raise ProtocolError("The environment is too long.")
        parts = _ENVIRONMENT_LINE.fullmatch(line)
        if parts is None:
            raise ProtocolError("A line of the environment has no name.")
        name = parts[1].decode("ascii")
        if self._lines == 1 and name != "agi_network":
            raise ProtocolError("The environment does not begin with agi_network.")
        if name not in _KNOWN:
            return None
        if name in self._values:
            raise ProtocolError("A line of the environment came twice.")
        if not name.startswith("agi_arg_") and any(known.startswith("agi_arg_") for known in self._values):
            raise ProtocolError("The arguments are not at the end of the environment.")
        if name.startswith("agi_arg_") and "agi_threadid" not in self._values:
            raise ProtocolError("An argument came too early.")
        self._values[name] = (parts[2] or b"").decode("utf-8", errors="replace")
        return None

    def _reply_line(self, line: bytes) -> Event | None:
        if line == b"HANGUP":
            self._state = _State.GONE
            return HangupNotice()
        parts = _REPLY.fullmatch(line.decode("utf-8", errors="replace"))
        if parts is None:
            raise ProtocolError("A reply cannot be read.")
        if self._state is not _State.WAITING:
            raise ProtocolError("A reply came that nothing had asked for.")
        code = int(parts[1])
        if code == _INTERIM:
            return None
        if code == _USAGE and parts[2] == "-":
            self._state = _State.USAGE
            self._lines = 0
            return None
        self._state = _State.IDLE
        if code != _OK:
            return Reply(code=code)
        result = _RESULT.fullmatch(parts[3])
        if result is None or parts[2] == "-":
            raise ProtocolError("A reply cannot be read.")
        return Reply(
            code=code,
            result=result["result"],
            data=result["data"] or "",
            endpos=None if result["endpos"] is None else int(result["endpos"]),
        )

    def _usage_line(self, line: bytes) -> Event | None:
        self._lines += 1
        if self._lines > USAGE_LINES:
            raise ProtocolError("A usage text is too long.")
        if not line.startswith(b"520 "):
            return None
        self._state = _State.IDLE
        return Reply(code=_USAGE)
