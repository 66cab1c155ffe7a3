"""An outbound-socket server by script: it keeps what FreeSWITCH said, runs a few commands, hangs or dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import CallFacts, HangupCause
from controlplane.switches.contexts import dialling_context
from controlplane.switches.freeswitch import variables
from controlplane.switches.freeswitch.request import read_request
from controlplane.switches.freeswitch.wire import parse_block
from tests.support.call_peers import Peer, Script, listening

SECRET = "socket-secret"


@dataclass
class SocketRequest:
    """One call at the peer."""

    head: bytes
    """The reply to `connect` as it came."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def facts(self) -> CallFacts:
        """What the product reads of the request."""
        return read_request(parse_block(self.head.removesuffix(b"\n\n")), secret=SECRET)

    async def execute(self, application: str, argument: str = "") -> None:
        """Run an application, and wait until it has ended."""
        lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}"]
        if argument:
            lines.append(f"execute-app-arg: {argument}")
        self.writer.write(("\n".join(lines) + "\n\n").encode())
        await self.writer.drain()
        reply = await self.reader.readuntil(b"\n\n")
        assert b"+OK" in reply, reply

    async def answer(self) -> None:
        """Answer the call."""
        await self.execute("answer")

    async def stage(self, stage: str) -> None:
        """Say how far the flow has come."""
        await self.execute("set", f"{variables.STAGE}={stage}")

    async def recording(self, recording_id: UUID) -> None:
        """Name the take."""
        await self.execute("set", f"{variables.RECORDING}={recording_id}")

    async def cause(self, cause: HangupCause | None) -> None:
        """Say with which cause the dialplan is to end the call."""
        await self.execute("set", f"{variables.CAUSE}={variables.WORDS.causes[cause] if cause else ''}")

    async def record(self, path: Path, *, seconds: int) -> None:
        """Record for so long."""
        await self.execute("record", f"{path} {seconds} 0")

    async def transfer(self, number: str, tenant: UUID) -> None:
        """Send the call on."""
        await self.execute("transfer", f"{number} XML {dialling_context(tenant, extension=None)}")

    async def hang(self) -> None:
        """Say nothing more until FreeSWITCH closes the link."""
        await self.reader.read()


@asynccontextmanager
async def socket_peer(port: int, script: Script) -> AsyncIterator[Peer]:
    """Run the script for each call while the block runs, and close the link behind it."""
    peer = Peer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"connect\n\n")
            request = SocketRequest(await reader.readuntil(b"\n\n"), reader, writer)
            peer.calls.append(request)
            await script(request)
        finally:
            writer.close()

    async with listening(port, serve):
        yield peer
