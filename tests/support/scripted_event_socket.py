"""A FreeSWITCH's event socket by script: it logs in, answers commands and tells events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote

PASSWORD = "scripted password"
USER = "somebody@directory"
LIMIT_SECONDS = 5.0
AUTH_REQUEST = b"Content-Type: auth/request\n\n"


def reply(text: str) -> bytes:
    """Return the reply to a command."""
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def answer(text: str) -> bytes:
    """Return the answer to an API command."""
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


def event(name: str, *, raw: str = "", body: bytes = b"", **fields: str) -> bytes:
    """Return an event; the values are encoded, `raw` is a line as it stands."""
    lines = [f"Event-Name: {name}", *(f"{key.replace('_', '-')}: {quote(fields[key])}" for key in fields)]
    if raw:
        lines.append(raw)
    if body:
        lines.append(f"Content-Length: {len(body)}")
    inner = ("\n".join(lines) + "\n\n").encode() + body
    return b"Content-Type: text/event-plain\nContent-Length: %d\n\n" % len(inner) + inner


class ScriptedEventSocket:
    """The listening half; `answers` are by the begin of a command, others get `+OK`."""

    def __init__(self) -> None:
        """Log in by the password, and answer."""
        self.commands: list[str] = []
        self.answers: dict[str, bytes | Callable[[], bytes] | None] = {}
        self.greeting: bytes | None = AUTH_REQUEST
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Listen until the block ends; yields the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.drop()
            await asyncio.gather(*self._tasks)

    async def expect(self, command: str, *, count: int = 1) -> None:
        """Wait until a command was sent so often."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            await self._changed.wait_for(
                lambda: sum(sent.startswith(command) for sent in self.commands) >= count
            )

    async def expect_connections(self, count: int) -> None:
        """Wait until so many connections were made."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.connections >= count)

    def tell(self, data: bytes) -> None:
        """Send bytes to everybody."""
        for writer in self._writers:
            writer.write(data)

    async def tell_singly(self, data: bytes) -> None:
        """Send bytes to everybody, each one alone."""
        for byte in data:
            self.tell(bytes([byte]))
            for writer in self._writers:
                await writer.drain()

    def drop(self) -> None:
        """Close all connections without a word."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        async with self._changed:
            self.connections += 1
            self._changed.notify_all()
        try:
            if self.greeting is not None:
                writer.write(self.greeting)
            while command := (await reader.readuntil(b"\n\n")).decode().strip():
                async with self._changed:
                    self.commands.append(command)
                    self._changed.notify_all()
                said = self._answer(command)
                if said is not None:
                    writer.write(said)
        except (EOFError, ConnectionError):
            return
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    def _answer(self, command: str) -> bytes | None:
        for begin, said in self.answers.items():
            if command.startswith(begin):
                return said() if callable(said) else said
        if command.startswith("auth "):
            return reply("+OK accepted" if command == f"auth {PASSWORD}" else "-ERR invalid")
        if command.startswith("userauth "):
            # The answer says what the user may do, in lines of its own.
            right = command == f"userauth {USER}:{PASSWORD}"
            return reply("+OK accepted\nAllowed-API: none\nAllowed-LOG: false" if right else "-ERR invalid")
        return answer("+OK") if command.startswith("api ") else reply("+OK")
