"""What answers a switch's dialplan by script, in place of `calls`: the same verbs for both switches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from controlplane.callflows.call import CallFacts, HangupCause

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PeerCall(Protocol):
    """A call that the dialplan handed over, and a few of the commands that a flow gives."""

    @property
    def facts(self) -> CallFacts:
        """What the product reads of the request; fails where it would refuse it."""
        ...

    async def answer(self) -> None:
        """Answer the call."""
        ...

    async def stage(self, stage: str) -> None:
        """Say how far the flow has come."""
        ...

    async def recording(self, recording_id: UUID) -> None:
        """Name the take."""
        ...

    async def cause(self, cause: HangupCause | None) -> None:
        """Say with which cause the dialplan is to end the call."""
        ...

    async def record(self, path: Path, *, seconds: int) -> None:
        """Record for so long."""
        ...

    async def transfer(self, number: str, tenant: UUID) -> None:
        """Send the call on, as a caller from outside; nothing may be said after it."""
        ...

    async def hang(self) -> None:
        """Say nothing more until the switch closes the link."""
        ...


Script = Callable[[PeerCall], Awaitable[None]]


@dataclass
class Peer:
    """What the switch asked for."""

    calls: list[PeerCall] = field(default_factory=list)

    @property
    def facts(self) -> list[CallFacts]:
        """What the product reads of each request."""
        return [call.facts for call in self.calls]


async def end(call: PeerCall) -> None:
    """Finish at once, without an answer."""
    await call.stage("done")


async def hang(call: PeerCall) -> None:
    """Take the call and say nothing."""
    await call.hang()


async def close_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up on the switch before the first word."""
    writer.close()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing until the switch gives up."""
    try:
        await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def listening(port: int, serve: Serve) -> AsyncIterator[None]:
    """Listen on loopback while the block runs."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # Cancelled at the end of the block; asyncio would log it as a fault of ours.
        with suppress(asyncio.CancelledError):
            await serve(reader, writer)

    server = await asyncio.start_server(serve_one, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
