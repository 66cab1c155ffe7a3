"""The FastAGI server when many calls come at once."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from controlplane.callflows.call import Call, Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.switches.asterisk.server import FastAgiServer
from tests.support.call_contract import ContractPrompts
from tests.support.scripted_agi import SECRET, environment

BURST = 200


async def test_calls_that_come_at_once_are_all_served(tmp_path: Path) -> None:
    """Two hundred calls while we are busy elsewhere: none is taken for a silent stranger."""
    served: list[str] = []
    enough = asyncio.Event()

    async def flow(call: Call) -> Ending:
        served.append(call.facts.call_id)
        if len(served) == BURST:
            enough.set()
        return Ending(outcome=Outcome.FINISHED)

    server = FastAgiServer(
        dict.fromkeys(Entry, flow),
        prompts=ContractPrompts(tmp_path),
        secret=SECRET,
        allowed_addresses=["127.0.0.0/8"],
        max_calls=BURST,
        first_line_seconds=2.0,
    )
    await server.start("127.0.0.1", 0)
    peers = []
    try:
        for number in range(BURST):  # blocking: our loop runs only after the last of them has spoken
            peer = socket.create_connection(server.address, timeout=5)
            peer.sendall(environment(call_id=f"call-{number}"))
            peers.append(peer)
        async with asyncio.timeout(10):
            await enough.wait()
    finally:
        for peer in peers:
            peer.close()
        await server.drain(1)

    assert len(set(served)) == BURST
