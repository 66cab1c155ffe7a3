"""The FastAGI server over real sockets: strangers, silence, floods, faults of a flow, the drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.call import Call, Entry, Stage
from controlplane.callflows.ending import Ending, Outcome
from controlplane.switches.asterisk.server import FastAgiServer
from controlplane.switches.server import WAITING_LIMIT
from structlog.testing import capture_logs
from tests.support.call_contract import ContractPrompts, meanwhile
from tests.support.scripted_agi import MAILBOX, SECRET, TENANT, ScriptedAsterisk, environment

LIMIT_SECONDS = 5
MAX_CALLS = 4
FIRST_LINE_SECONDS = 0.2


@dataclass
class Flow:
    """A flow by script; it waits until it is let go."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[Call] = field(default_factory=list)
    then: Callable[[Call], Awaitable[None]] | None = None

    async def __call__(self, call: Call) -> Ending:
        """Be the flow."""
        self.calls.append(call)
        self.began.set()
        await self.go_on.wait()
        if self.then is not None:
            await self.then(call)
        return Ending(outcome=Outcome.FINISHED, mailbox_number="8001")


@pytest.fixture
def flow() -> Flow:
    """Return a flow that goes on at once."""
    made = Flow()
    made.go_on.set()
    return made


@asynccontextmanager
async def serving(flow: Flow, folder: Path, **changes: Any) -> AsyncIterator[FastAgiServer]:
    """Run a server on a free port."""
    options: dict[str, Any] = {
        "secret": SECRET,
        "allowed_addresses": ["127.0.0.0/8"],
        "max_calls": MAX_CALLS,
        "first_line_seconds": FIRST_LINE_SECONDS,
    }
    server = FastAgiServer(dict.fromkeys(Entry, flow), prompts=ContractPrompts(folder), **(options | changes))
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        flow.go_on.set()
        await server.drain(LIMIT_SECONDS)


async def _connect(server: FastAgiServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*server.address)


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return what the server sent until it closed."""
    try:
        return await asyncio.wait_for(reader.read(), LIMIT_SECONDS)
    except ConnectionResetError:
        return b""


async def _say(server: FastAgiServer, data: bytes) -> bytes:
    reader, writer = await _connect(server)
    try:
        writer.write(data)
        return await _until_closed(reader)
    finally:
        writer.close()


async def test_call_is_handed_to_its_flow(flow: Flow, tmp_path: Path) -> None:
    """A request with the secret reaches the flow, and the connection is closed after it."""
    async with serving(flow, tmp_path) as server:
        sent = await _say(server, environment())

    assert (b"", ["1795452115.1"]) == (sent, [call.facts.call_id for call in flow.calls])


async def test_stranger_by_address_gets_nothing(flow: Flow, tmp_path: Path) -> None:
    """Who is not in an allowed network is closed before a byte is read."""
    async with serving(flow, tmp_path, allowed_addresses=["192.0.2.0/24", "2001:db8::/32"]) as server:
        sent = await _say(server, environment())

    assert (b"", []) == (sent, flow.calls)


@pytest.mark.parametrize(
    "request_data",
    [
        environment(arguments=("wrong", TENANT, MAILBOX, "101", "")),
        environment(arguments=()),
        environment(script="unknown"),
        environment(arguments=(SECRET, "x", MAILBOX, "101", "")),
        environment(caller_number="x\nagi_uniqueid: victim"),
        environment(caller_number="x\n\n200 result=1"),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n",
        pytest.param(b"\x00" * 100_000, id="zeros"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n",
    ],
)
async def test_request_that_is_not_ours_is_closed(flow: Flow, tmp_path: Path, request_data: bytes) -> None:
    """A wrong secret, a forged line, another protocol: nothing is answered, no flow begins."""
    async with serving(flow, tmp_path) as server:
        sent = await _say(server, request_data)

    assert (b"", []) == (sent, flow.calls)


async def test_refusal_is_logged_without_the_secret(flow: Flow, tmp_path: Path) -> None:
    """The log says why, and quotes nothing of the request."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            await _say(server, environment(arguments=("guessed", TENANT, MAILBOX, "101", "")))

    assert [("agi.refused", "The secret is wrong.")] == [(log["event"], log["reason"]) for log in logs]
    assert "guessed" not in str(logs)


async def test_flood_of_refusals_is_a_line_a_second(flow: Flow, tmp_path: Path) -> None:
    """Strangers do not fill the disk with log lines."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            for _ in range(20):
                await _say(server, environment(arguments=()))

    assert len([log for log in logs if log["event"] == "agi.refused"]) <= 3


@pytest.mark.parametrize("said", [b"", b"agi_network: yes\nagi_net"])
async def test_silent_peer_is_dropped(flow: Flow, tmp_path: Path, said: bytes) -> None:
    """Who says nothing, or half a line, is closed after the limit."""
    async with serving(flow, tmp_path) as server:
        sent = await _say(server, said)

    assert (b"", []) == (sent, flow.calls)


async def test_health_check_is_no_fault(flow: Flow, tmp_path: Path) -> None:
    """A connection that is made and closed leaves no line in the log, and calls go on."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            for _ in range(5):
                _, writer = await _connect(server)
                writer.close()
                await writer.wait_closed()
            await _say(server, environment())

    assert {"call.began", "call.ended"} == {log["event"] for log in logs}


async def test_silent_peers_do_not_keep_calls_out(flow: Flow, tmp_path: Path) -> None:
    """When too many say nothing the oldest of them have to go, and a call is taken."""
    async with serving(flow, tmp_path, first_line_seconds=60) as server, AsyncExitStack() as stack:
        silent = []
        for _ in range(WAITING_LIMIT + MAX_CALLS + 3):
            reader, writer = await _connect(server)
            stack.callback(writer.close)
            silent.append(reader)
        await _say(server, environment())
        closed = [await _until_closed(reader) for reader in silent[:3]]

    assert ([b""] * 3, 1) == (closed, len(flow.calls))


async def test_calls_beyond_the_limit_are_left_to_the_dialplan(tmp_path: Path) -> None:
    """One call too many is closed at once; those in progress are not touched."""
    flow = Flow()
    async with serving(flow, tmp_path, max_calls=1) as server:
        _, first = await _connect(server)
        first.write(environment())
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        sent = await _say(server, environment())
        in_progress = server.calls_in_progress
        first.close()

    assert (b"", 1, 1) == (sent, in_progress, len(flow.calls))


async def test_place_of_a_call_that_ended_is_free_again(flow: Flow, tmp_path: Path) -> None:
    """The limit counts calls in progress."""
    async with serving(flow, tmp_path, max_calls=1) as server:
        for _ in range(3):
            await _say(server, environment())

    assert 3 == len(flow.calls)


async def test_reply_without_a_command_loses_the_call(flow: Flow, tmp_path: Path) -> None:
    """A peer that answers what nobody asked gets no second command."""
    flow.then = lambda call: call.set_stage(Stage.GREETING)
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            reader, writer = await _connect(server)
            flow.go_on.clear()
            writer.write(environment() + b"200 result=1\n")
            await _until_closed(reader)
            flow.go_on.set()
            writer.close()

    assert ["call_lost"] == [log["outcome"] for log in logs if log["event"] == "call.ended"]


async def test_fault_of_a_flow_is_logged_once_and_leaves_the_call_to_the_dialplan(
    flow: Flow, tmp_path: Path
) -> None:
    """An exception ends that call alone; the connection is closed."""

    async def fail(_call: Call) -> None:
        raise RuntimeError("broken")

    flow.then = fail
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            sent = await _say(server, environment())

    assert b"" == sent
    assert ["call.began", "call.failed", "call.ended"] == [log["event"] for log in logs]


async def test_closing_line_says_how_a_call_ended(flow: Flow, tmp_path: Path) -> None:
    """One line a call: its outcome and how long it took."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            await _say(server, environment())
    ended = [log for log in logs if log["event"] == "call.ended"]

    assert [("finished", "8001")] == [(log["outcome"], log["mailbox_number"]) for log in ended]


async def test_drain_waits_for_calls_in_progress(tmp_path: Path) -> None:
    """A call that ends in time is not cut."""
    flow = Flow()
    async with serving(flow, tmp_path) as server:
        asterisk = ScriptedAsterisk()
        switch = asyncio.create_task(asterisk.run(*server.address))
        async with meanwhile(switch):
            await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
            flow.then = lambda call: call.set_stage(Stage.DONE)
            draining = asyncio.create_task(server.drain(LIMIT_SECONDS))
            async with meanwhile(draining):
                flow.go_on.set()
                await asyncio.wait_for(switch, LIMIT_SECONDS)
                await draining

    assert "done" == asterisk.variables["CP_STAGE"]


async def test_drain_leaves_what_takes_too_long_to_the_dialplan(tmp_path: Path) -> None:
    """After the limit connections are closed."""
    flow = Flow()
    async with serving(flow, tmp_path) as server:
        reader, writer = await _connect(server)
        writer.write(environment())
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        await server.drain(0)

        assert (b"", 0) == (await _until_closed(reader), server.calls_in_progress)
        writer.close()


async def test_drained_server_takes_no_call(flow: Flow, tmp_path: Path) -> None:
    """The dialplan finds the port closed and goes on at once."""
    async with serving(flow, tmp_path) as server:
        address = server.address
        await server.drain(LIMIT_SECONDS)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)


async def test_drain_does_not_wait_for_silent_peers(flow: Flow, tmp_path: Path) -> None:
    """Who has not said what he wants is no call in progress."""
    async with serving(flow, tmp_path, first_line_seconds=60) as server:
        reader, writer = await _connect(server)
        connected, other = await _connect(server)
        await asyncio.wait_for(server.drain(60), LIMIT_SECONDS)

        assert (b"", b"") == (await _until_closed(reader), await _until_closed(connected))
        writer.close()
        other.close()
