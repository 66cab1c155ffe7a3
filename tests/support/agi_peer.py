"""A FastAGI server by script: it keeps what Asterisk sent and runs a few commands, hangs or dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class AgiRequest:
    """One call at the peer."""

    lines: list[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def values(self) -> dict[str, str]:
        """The environment; the first of two equal keys wins."""
        found: dict[str, str] = {}
        for line in self.lines:
            key, _, value = line.decode(errors="replace").partition(": ")
            found.setdefault(key, value)
        return found

    async def command(self, text: str) -> str:
        """Send a command and return its answer."""
        self.writer.write(f"{text}\n".encode())
        await self.writer.drain()
        return (await self.reader.readline()).decode()


Script = Callable[[AgiRequest], Awaitable[None]]


@dataclass
class AgiPeer:
    """Where it listens, what it got; `script` says what to do with a call, then the link is closed."""

    port: int = 0
    script: Script | None = None
    requests: list[AgiRequest] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one call."""
        lines = []
        while (line := (await reader.readline()).rstrip(b"\n")) != b"":
            lines.append(line)
        request = AgiRequest(lines, reader, writer)
        self.requests.append(request)
        self.came.set()
        try:
            if self.script is not None:
                await self.script(request)
        finally:
            writer.close()


async def hang(request: AgiRequest) -> None:
    """Say nothing until the link is closed by the other side."""
    await request.reader.read()


@asynccontextmanager
async def agi_peer(port: int, script: Script | None = None) -> AsyncIterator[AgiPeer]:
    """Listen on loopback while the block runs."""
    peer = AgiPeer(port=port, script=script)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await peer.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
