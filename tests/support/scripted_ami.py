"""A manager interface by script: it answers actions as Asterisk 22.10 does, and counts what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

USERNAME = "controlplane"
SECRET = "scripted secret"
BOOTED = "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 455\r\nLastReload: 3\r\nStatus: Fully Booted"

Answer = Callable[[dict[str, str]], str | None]


def ok(_action: dict[str, str]) -> str:
    """Answer that it is done."""
    return "Response: Success\r\nActionID: {ActionID}\r\nMessage: Done"


def list_of(items: list[str], *, complete: str = "ListItems: {count}") -> Answer:
    """Answer by a list of events."""

    def answer(_action: dict[str, str]) -> str:
        messages = [
            "Response: Success\r\nActionID: {ActionID}\r\nEventList: start\r\nMessage: A list follows",
            *(f"Event: Item\r\nActionID: {{ActionID}}\r\n{item}" for item in items),
            "Event: ItemsComplete\r\nActionID: {ActionID}\r\nEventList: Complete\r\n"
            + complete.replace("{count}", str(len(items))),
        ]
        return "\r\n\r\n".join(messages)

    return answer


@dataclass
class ScriptedAmi:
    """What it answers, by action; an action without an answer is never answered."""

    answers: dict[str, Answer] = field(
        default_factory=lambda: {"Filter": ok, "Ping": ok, "Reload": ok, "QueueSummary": list_of([])}
    )
    greeting: str = "Asterisk Call Manager/11.0.0"
    is_booted: bool = True
    actions: list[dict[str, str]] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        """Nothing was asked yet."""
        self._asked = asyncio.Condition()

    @property
    def names(self) -> list[str]:
        """The actions in their order, without the login."""
        return [action["Action"] for action in self.actions if action["Action"] != "Login"]

    async def expect(self, action: str, *, count: int = 1) -> None:
        """Wait until an action was asked for so often."""
        async with asyncio.timeout(5), self._asked:
            await self._asked.wait_for(
                lambda: sum(asked["Action"] == action for asked in self.actions) >= count
            )

    def tell(self, event: str) -> None:
        """Send an event, or any text, to all who are connected."""
        for writer in self.writers:
            writer.write(f"{event}\r\n\r\n".encode())

    def cut(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(f"{self.greeting}\r\n".encode())
        try:
            while block := (await reader.readuntil(b"\r\n\r\n")).decode().strip():
                parts = (line.partition(": ") for line in block.split("\r\n"))
                action = {name: value for name, _, value in parts}
                async with self._asked:
                    self.actions.append(action)
                    self._asked.notify_all()
                text = self._answer(action)
                if text is not None:
                    text = text.replace("{ActionID}", action["ActionID"])
                    writer.write(f"{text}\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, action: dict[str, str]) -> str | None:
        if action["Action"] != "Login":
            answer = self.answers.get(action["Action"])
            return None if answer is None else answer(action)
        if (action["Username"], action["Secret"]) != (USERNAME, SECRET):
            return "Response: Error\r\nActionID: {ActionID}\r\nMessage: Authentication failed"
        text = "Response: Success\r\nActionID: {ActionID}\r\nMessage: Authentication accepted"
        return f"{text}\r\n\r\n{BOOTED}" if self.is_booted and "system" in action["Events"] else text
