"""A FastAGI server by script: it keeps what Asterisk sent and runs a few commands, hangs or dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import CallFacts, HangupCause
from controlplane.switches.asterisk.request import read_request
from controlplane.switches.asterisk.variables import WORDS
from controlplane.switches.asterisk.wire import AgiConnection, Environment
from controlplane.switches.contexts import dialling_context
from tests.support.call_peers import Peer, PeerCall, listening

SECRET = "agi-secret"


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

    @property
    def facts(self) -> CallFacts:
        """What the product reads of the request."""
        events = AgiConnection().receive_data(b"".join(line + b"\n" for line in self.lines) + b"\n")
        (environment,) = events
        assert isinstance(environment, Environment)
        return read_request(environment, secret=SECRET)

    async def command(self, text: str) -> str:
        """Send a command and return its answer."""
        self.writer.write(f"{text}\n".encode())
        await self.writer.drain()
        return (await self.reader.readline()).decode()

    async def answer(self) -> None:
        """Answer the call."""
        await self.command("ANSWER")

    async def stage(self, stage: str) -> None:
        """Say how far the flow has come."""
        await self.command(f'SET VARIABLE CP_STAGE "{stage}"')

    async def recording(self, recording_id: UUID) -> None:
        """Name the take."""
        await self.command(f'SET VARIABLE CP_RECORDING "{recording_id}"')

    async def cause(self, cause: HangupCause | None) -> None:
        """Say with which cause the dialplan is to end the call."""
        await self.command(f'SET VARIABLE CP_CAUSE "{WORDS.causes[cause] if cause else ""}"')

    async def record(self, path: Path, *, seconds: int) -> None:
        """Record for so long."""
        answer = await self.command(f'RECORD FILE "{path.with_suffix("")}" wav "#" {seconds * 1000} 0 s=30')
        assert answer.startswith("200 result=0")

    async def transfer(self, number: str, tenant: UUID) -> None:
        """Send the call on, with the time limit of a flow's last command on it."""
        await self.command("EXEC Set TIMEOUT(absolute)=1")
        await self.command(f"SET CONTEXT {dialling_context(tenant, extension=None)}")
        await self.command(f"SET EXTENSION {number}")
        await self.command("SET PRIORITY 1")

    async def hang(self) -> None:
        """Say nothing more until Asterisk closes the link."""
        await self.reader.read()


AgiScript = Callable[[AgiRequest], Awaitable[None]]


@dataclass
class AgiPeer(Peer):
    """What it got."""

    calls: list[PeerCall] = field(default_factory=list)

    @property
    def requests(self) -> list[AgiRequest]:
        """The calls with the lines as Asterisk wrote them."""
        return [call for call in self.calls if isinstance(call, AgiRequest)]


@asynccontextmanager
async def agi_peer(port: int, script: AgiScript) -> AsyncIterator[AgiPeer]:
    """Run the script for each call while the block runs, and close the link behind it."""
    peer = AgiPeer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = []
        while (line := (await reader.readline()).rstrip(b"\n")) != b"":
            lines.append(line)
        request = AgiRequest(lines, reader, writer)
        peer.calls.append(request)
        try:
            await script(request)
        finally:
            writer.close()

    async with listening(port, serve):
        yield peer
