"""What a switch tells of calls by its own events: which numbers they met, and what they carry.

Nothing of the product is asked here: the events are Asterisk's (manager interface: each step of the dialplan,
each variable that is set) and FreeSWITCH's (event socket: each application that is run, with the variables).
"""

from __future__ import annotations

import abc
import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

_LIMIT = 1 << 20


@dataclass
class Trail:
    """What was told of one call, in order."""

    met: list[tuple[str, str]] = field(default_factory=list)
    """What a number stood for, and the number; `cut` where the call was sent no further."""
    way: str = ""
    """The variable that the call carries, as it was last."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def meet(self, kind: str, number: str) -> None:
        """Add a number."""
        self.met.append((kind, number))
        self.moved.set()


class Witness(abc.ABC):
    """Listens to a switch; a call is found by the name of its caller."""

    def __init__(self) -> None:
        self.trails: defaultdict[str, Trail] = defaultdict(Trail)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Witness]:
        """Listen while the block runs."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_LIMIT)
        task = None
        try:
            await self.log_in(reader, writer)
            task = asyncio.create_task(self.listen(reader))
            yield self
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            writer.close()

    port: int

    @abc.abstractmethod
    async def log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask for the events."""

    @abc.abstractmethod
    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take events until cancelled."""


class AsteriskWitness(Witness):
    """Reads a manager interface as an account that may see `call` and `dialplan`."""

    def __init__(self, port: int, *, account: str) -> None:
        super().__init__()
        self.port = port
        self._account = account
        self._numbers: dict[str, str] = {}

    async def log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Log in, and wait until it says so."""
        writer.write(
            f"Action: Login\r\nUsername: {self._account}\r\nSecret: {self._account}\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            await reader.readuntil(b"Response: Success")
            await reader.readuntil(b"\r\n\r\n")

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take `VarSet`, `Newexten` and `Hangup`."""
        while True:
            text = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
            event = dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)
            if event.get("CallerIDName", "") not in {"", "<unknown>"}:
                self._take(event, self.trails[event["CallerIDName"]])

    def _take(self, event: dict[str, str], trail: Trail) -> None:
        channel = event.get("Uniqueid", "")
        match event.get("Event"), event.get("Variable"), event.get("Context"):
            case "VarSet", "CP_NUMBER", _:
                self._numbers[channel] = event.get("Value", "")
            case "VarSet", "CP_REACHED_BY", _:
                trail.way = event.get("Value", "")
            case "Newexten", _, "cp-kind":
                trail.meet(event["Extension"], self._numbers.get(channel, ""))
            case "Newexten", _, "cp-cut" if event.get("Priority") == "1":
                trail.meet("cut", self._numbers.get(channel, ""))
            case "Hangup", _, _:
                trail.over.set()


class FreeswitchWitness(Witness):
    """Reads an event socket."""

    def __init__(self, port: int, *, password: str) -> None:
        super().__init__()
        self.port = port
        self._password = password

    async def log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Log in, and wait until it says that the events come."""
        async with asyncio.timeout(10):
            await reader.readuntil(b"\n\n")
            for command in (f"auth {self._password}", "event plain CHANNEL_EXECUTE CHANNEL_HANGUP_COMPLETE"):
                writer.write(f"{command}\n\n".encode())
                answer = await reader.readuntil(b"\n\n")
                assert b"+OK" in answer, answer

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take what is run, and the end of calls."""
        while True:
            head = (await reader.readuntil(b"\n\n")).decode()
            length = next(line for line in head.splitlines() if line.startswith("Content-Length:"))
            text = (await reader.readexactly(int(length.partition(":")[2]))).decode(errors="replace")
            lines = (line.split(": ", 1) for line in text.split("\n") if ": " in line)
            event = {name: unquote(value) for name, value in lines}
            if event.get("Call-Direction") == "inbound":
                self._take(event, self.trails[event.get("Caller-Caller-ID-Name", "")])

    @staticmethod
    def _take(event: dict[str, str], trail: Trail) -> None:
        trail.way = event.get("variable_cp_reached_by", trail.way)
        kind, _, where = event.get("Application-Data", "").partition(" ")
        if event.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
            trail.over.set()
        elif event.get("Application") == "transfer" and where == "XML cp-kind":
            trail.meet(kind, event.get("Caller-Destination-Number", ""))
