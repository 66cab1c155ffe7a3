"""The outbound-socket server over real sockets: what differs from FastAGI, and strangers again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.call import Call, Entry, Stage
from controlplane.callflows.ending import Ending, Outcome
from controlplane.switches.faults import ConnectionFaults
from controlplane.switches.freeswitch.server import OutboundSocketServer
from controlplane.switches.server import WAITING_LIMIT
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from tests.support.call_contract import ContractPrompts, meanwhile
from tests.support.scripted_freeswitch import SECRET, VARIABLES, ScriptedFreeSwitch, channel_data

LIMIT_SECONDS = 5
MAX_CALLS = 4
FIRST_LINE_SECONDS = 0.2


@dataclass
class Flow:
    """A flow by script; it waits until it is let go."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[Call] = field(default_factory=list)

    async def __call__(self, call: Call) -> Ending:
        """Be the flow."""
        self.calls.append(call)
        self.began.set()
        await self.go_on.wait()
        await call.set_stage(Stage.DONE)
        return Ending(outcome=Outcome.FINISHED)


@pytest.fixture
def flow() -> Flow:
    """Return a flow that goes on at once."""
    made = Flow()
    made.go_on.set()
    return made


@asynccontextmanager
async def serving(flow: Flow, folder: Path, **changes: Any) -> AsyncIterator[OutboundSocketServer]:
    """Run a server on a free port."""
    options: dict[str, Any] = {
        "secret": SECRET,
        "allowed_addresses": ["127.0.0.0/8"],
        "max_calls": MAX_CALLS,
        "first_line_seconds": FIRST_LINE_SECONDS,
    }
    server = OutboundSocketServer(
        dict.fromkeys(Entry, flow), prompts=ContractPrompts(folder), **(options | changes)
    )
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        flow.go_on.set()
        await server.drain(LIMIT_SECONDS)


async def _say(server: OutboundSocketServer, data: bytes) -> bytes:
    """Send bytes, and return what the server sent until it closed."""
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), LIMIT_SECONDS)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def _counted(registry: CollectorRegistry) -> dict[str, float]:
    """Return the faults that were counted, by kind."""
    (metric,) = registry.collect()
    return {
        sample.labels["kind"]: sample.value
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.value
    }


async def _call(server: OutboundSocketServer, switch: ScriptedFreeSwitch) -> None:
    await asyncio.wait_for(switch.run(*server.address), LIMIT_SECONDS)


async def test_first_command_is_connect(flow: Flow, tmp_path: Path) -> None:
    """Nothing else is answered; then the call reaches its flow."""
    switch = ScriptedFreeSwitch()
    async with serving(flow, tmp_path) as server:
        await _call(server, switch)

    assert ("connect", "exit", "done") == (
        switch.commands[0],
        switch.commands[-1],
        switch.variables["cp_stage"],
    )


async def test_stranger_by_address_gets_nothing(flow: Flow, tmp_path: Path) -> None:
    """Who is not in an allowed network does not even read `connect`."""
    async with serving(flow, tmp_path, allowed_addresses=["192.0.2.0/24"]) as server:
        assert (b"", []) == (await _say(server, channel_data()), flow.calls)


@pytest.mark.parametrize(
    "said",
    [
        channel_data(variables={**VARIABLES, "cp_secret": "wrong"}),
        channel_data(variables={}),
        channel_data(mode="async"),
        channel_data(control="single-channel"),
        b"Content-Type: command/reply\nReply-Text: -ERR\n\n",
        b"Content-Type: command/reply\nContent-Length: -2\n\n",
        b"Content-Type: api/response\nContent-Length: 1\n\nx",
        b"Content-Type: unheard-of\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n\n",
        pytest.param(b"\x00" * 100_000, id="zeros"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n\n",
    ],
)
async def test_request_that_is_not_ours_is_closed(flow: Flow, tmp_path: Path, said: bytes) -> None:
    """A wrong secret, another mode, another protocol: no flow begins, and no command but `exit` follows."""
    async with serving(flow, tmp_path) as server:
        sent = await _say(server, said)

    assert sent in {b"", b"connect\n\n", b"connect\n\nexit\n\n"}
    assert [] == flow.calls


@pytest.mark.parametrize("said", [b"", b"Content-Type: command/rep"])
async def test_silent_peer_is_dropped(flow: Flow, tmp_path: Path, said: bytes) -> None:
    """Who says nothing, or half a line, is closed after the limit."""
    async with serving(flow, tmp_path) as server:
        assert b"connect\n\n" == await _say(server, said)

    assert [] == flow.calls


async def test_switch_that_stops_before_the_flow_is_dropped(flow: Flow, tmp_path: Path) -> None:
    """The limit holds for all that comes before the flow."""
    switch = ScriptedFreeSwitch(mute_in="linger")
    async with serving(flow, tmp_path) as server:
        await _call(server, switch)

    assert [] == flow.calls


async def test_refusal_is_logged_without_the_secret(flow: Flow, tmp_path: Path) -> None:
    """The log says why, and quotes nothing of the request."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            await _say(server, channel_data(variables={**VARIABLES, "cp_secret": "guessed"}))

    assert [("socket.refused", "The secret is wrong.")] == [(log["event"], log["reason"]) for log in logs]
    assert "guessed" not in str(logs)


async def test_health_check_is_no_fault(flow: Flow, tmp_path: Path) -> None:
    """A connection that is made and closed leaves no line in the log, and calls go on."""
    with capture_logs() as logs:
        async with serving(flow, tmp_path) as server:
            for _ in range(5):
                _, writer = await asyncio.open_connection(*server.address)
                writer.close()
                await writer.wait_closed()
            await _call(server, ScriptedFreeSwitch())

    assert {"call.began", "call.ended"} == {log["event"] for log in logs}


async def test_silent_peers_do_not_keep_calls_out(flow: Flow, tmp_path: Path) -> None:
    """When too many say nothing the oldest of them have to go, and a call is taken."""
    async with serving(flow, tmp_path, first_line_seconds=60) as server:
        too_many = WAITING_LIMIT + MAX_CALLS + 3
        silent = [await asyncio.open_connection(*server.address) for _ in range(too_many)]
        await _call(server, ScriptedFreeSwitch())
        await asyncio.wait_for(silent[0][0].read(), LIMIT_SECONDS)
        for _, writer in silent:
            writer.close()

    assert 1 == len(flow.calls)


async def test_calls_beyond_the_limit_are_left_to_the_dialplan(tmp_path: Path) -> None:
    """One call too many is closed at once; those in progress are not touched."""
    flow = Flow()
    first, second = ScriptedFreeSwitch(), ScriptedFreeSwitch()
    async with (
        serving(flow, tmp_path, max_calls=1) as server,
        meanwhile(asyncio.create_task(first.run(*server.address))),
    ):
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        await _call(server, second)

        assert (1, 1) == (server.calls_in_progress, len(flow.calls))


@pytest.mark.parametrize(
    "unasked",
    [
        b"Content-Type: command/reply\nReply-Text: +OK\n\n",
        b"Content-Type: api/response\nContent-Length: 1\n\nx",
        b"Content-Type: x\n\n",
        b"?\n\n",
    ],
)
async def test_breach_of_the_protocol_loses_that_call_alone(tmp_path: Path, unasked: bytes) -> None:
    """It closes that connection and is counted, while a call that is in progress goes on to its end."""
    flow, registry = Flow(), CollectorRegistry()
    good, bad = ScriptedFreeSwitch(), ScriptedFreeSwitch()
    faults = ConnectionFaults(registry, socket="outbound_socket")
    with capture_logs() as logs:
        async with (
            serving(flow, tmp_path, faults=faults) as server,
            meanwhile(asyncio.create_task(good.run(*server.address))),
        ):
            await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
            flow.began.clear()
            async with meanwhile(asyncio.create_task(bad.run(*server.address))):
                await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
                bad.say(unasked)
                await asyncio.wait_for(bad.ended.wait(), LIMIT_SECONDS)
                flow.go_on.set()
                await asyncio.wait_for(good.ended.wait(), LIMIT_SECONDS)

    assert {"call_lost", "finished"} == {log["outcome"] for log in logs if log["event"] == "call.ended"}
    assert ("done", "exit") == (good.variables["cp_stage"], good.commands[-1])
    assert {"malformed": 1} == _counted(registry)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"\n\n", "malformed"),
        (b"GET / HTTP/1.1\nHost: x\n\n", "malformed"),
        (b"\x00" * 100_000, "malformed"),
        (b"Content-Type: api/response\nContent-Length: 1\n\nx", "malformed"),
        (channel_data(variables={**VARIABLES, "cp_secret": "wrong"}), "refused"),
        (b"Content-Type: command/rep", "silent"),
        (b"", "silent"),
    ],
)
async def test_what_is_wrong_with_a_connection_is_counted(
    flow: Flow, tmp_path: Path, said: bytes, kind: str
) -> None:
    """By its kind, once a connection."""
    registry = CollectorRegistry()
    faults = ConnectionFaults(registry, socket="outbound_socket")
    async with serving(flow, tmp_path, faults=faults) as server:
        await _say(server, said)

    assert {kind: 1} == _counted(registry)


async def test_connections_that_are_kept_out_are_counted(tmp_path: Path) -> None:
    """A stranger's address, a call too many, one that left in the middle; a health check is none of them."""
    flow, registry = Flow(), CollectorRegistry()
    faults = ConnectionFaults(registry, socket="outbound_socket")
    first = ScriptedFreeSwitch()
    async with (
        serving(flow, tmp_path, max_calls=1, faults=faults) as server,
        meanwhile(asyncio.create_task(first.run(*server.address))),
    ):
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        await _call(server, ScriptedFreeSwitch())
        await _call(server, ScriptedFreeSwitch(vanish_in="linger"))
        _, writer = await asyncio.open_connection(*server.address)
        writer.close()
        await writer.wait_closed()
    async with serving(flow, tmp_path, allowed_addresses=["192.0.2.0/24"], faults=faults) as server:
        await _say(server, channel_data())

    assert {"full": 1, "lost": 1, "address": 1} == _counted(registry)


async def test_events_that_nobody_wanted_are_dropped(tmp_path: Path) -> None:
    """Another client may have subscribed for this connection; that is no reason to lose a call."""
    flow = Flow()
    switch = ScriptedFreeSwitch()
    async with (
        serving(flow, tmp_path) as server,
        meanwhile(asyncio.create_task(switch.run(*server.address))),
    ):
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        next(iter(server._calls)).data_received(b"Content-Type: text/event-plain\nContent-Length: 4\n\na: b")
        flow.go_on.set()
        await asyncio.wait_for(switch.ended.wait(), LIMIT_SECONDS)

    assert "done" == switch.variables["cp_stage"]


async def test_drain_waits_for_calls_in_progress(tmp_path: Path) -> None:
    """A call that ends in time is not cut."""
    flow = Flow()
    switch = ScriptedFreeSwitch()
    async with (
        serving(flow, tmp_path) as server,
        meanwhile(asyncio.create_task(switch.run(*server.address))),
    ):
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        async with meanwhile(draining := asyncio.create_task(server.drain(LIMIT_SECONDS))):
            flow.go_on.set()
            await draining
        await asyncio.wait_for(switch.ended.wait(), LIMIT_SECONDS)

    assert "done" == switch.variables["cp_stage"]


async def test_drain_leaves_what_takes_too_long_to_the_dialplan(tmp_path: Path) -> None:
    """After the limit connections are closed, and the session is let go."""
    flow = Flow()
    switch = ScriptedFreeSwitch()
    async with (
        serving(flow, tmp_path) as server,
        meanwhile(asyncio.create_task(switch.run(*server.address))),
    ):
        await asyncio.wait_for(flow.began.wait(), LIMIT_SECONDS)
        await server.drain(0)
        await asyncio.wait_for(switch.ended.wait(), LIMIT_SECONDS)

        assert ("exit", 0) == (switch.commands[-1], server.calls_in_progress)
