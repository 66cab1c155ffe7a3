"""The listener of FreeSWITCH's events: narrow, proof against greenswitch's defects, back after every loss."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.entrypoints.events import LampAnswers, TrunkAnswers, Wake, _listener
from controlplane.settings import load
from controlplane.switches.faults import ConnectionFaults
from controlplane.switches.freeswitch import events as events_module
from controlplane.switches.freeswitch import listening as module
from controlplane.switches.freeswitch.events import FreeSwitchEvents
from controlplane.switches.freeswitch.wire import Message, parse_block
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from structlog.typing import EventDict
from tests.support.call_contract import meanwhile
from tests.support.scripted_event_socket import (
    AUTH_REQUEST,
    PASSWORD,
    USER,
    ScriptedEventSocket,
    event,
    reply,
)

LIMIT_SECONDS = 5


class Facts:
    """What the listener told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._told: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, fact: str) -> None:
        """Note a fact."""
        self._told.put_nowait(fact)

    async def next(self) -> str:
        """Wait for the next fact."""
        return await asyncio.wait_for(self._told.get(), LIMIT_SECONDS)


@asynccontextmanager
async def listening(switch: ScriptedEventSocket, **changes: Any) -> AsyncIterator[Facts]:
    """Run the listener until the block ends."""
    facts = Facts()
    async with switch.listening() as port:
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "password": PASSWORD,
            "on_record_stop": lambda call_id: facts.tell(f"stopped {call_id}"),
            "on_lamp_query": lambda query: facts.tell(f"asked {query}"),
            "on_trunk": lambda heard: facts.tell(f"{heard.trunk_id} answered {heard.answer.sip_code}"),
            "on_booted": lambda: facts.tell("booted"),
            "heartbeat_seconds": 60,
            "answer_seconds": 0.3,
            "longest_wait_seconds": 0.5,
        }
        async with meanwhile(asyncio.create_task(FreeSwitchEvents(**(options | changes)).run())):
            yield facts


def stopped(call_id: str, **more: Any) -> bytes:
    """Return the event of a recording that stopped."""
    return event("RECORD_STOP", Unique_ID=call_id, **more)


async def test_only_what_is_needed_is_subscribed() -> None:
    """FreeSWITCH sends ends of recordings, questions, answers to trunks, its heartbeat, and nothing else."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()

    assert [
        f"auth {PASSWORD}",
        "event plain RECORD_STOP MESSAGE_QUERY HEARTBEAT CUSTOM sofia::register",
        "event plain PRESENCE_PROBE CUSTOM sofia::gateway_state",
    ] == switch.commands


async def test_user_of_the_directory_logs_in() -> None:
    """With a user named, the socket's own password is not used."""
    switch = ScriptedEventSocket()
    async with listening(switch, user=USER) as facts:
        await facts.next()

    assert f"userauth {USER}:{PASSWORD}" == switch.commands[0]


async def test_new_connection_counts_as_a_start() -> None:
    """What happened while nobody listened is looked for."""
    async with listening(ScriptedEventSocket()) as facts:
        assert "booted" == await facts.next()


async def test_end_of_a_recording_is_told_with_the_calls_id() -> None:
    """The unique id of the channel comes along."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.tell(stopped("1-2-3"))

        assert "stopped 1-2-3" == await facts.next()


async def test_phone_that_asks_for_its_lamp_is_told() -> None:
    """A subscription, a BLF key and a new registration are questions; what cannot be answered is none."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.tell(event("MESSAGE_QUERY", Message_Account="sip:bob@h", VM_sub_call_id="a"))
        switch.tell(event("MESSAGE_QUERY", Message_Account="sip:8001@h", VM_sub_call_id="b"))
        switch.tell(event("PRESENCE_PROBE", to="101@h", sub_call_id="d"))
        switch.tell(event("PRESENCE_PROBE", to="*568001@h", sub_call_id="e"))
        switch.tell(
            event("CUSTOM", Event_Subclass="sofia::register", from_user="101", from_host="h", call_id="c")
        )

        assert "number='8001'" in await facts.next()
        assert "key='*568001'" in await facts.next()
        assert "number='101'" in await facts.next()


async def test_answer_to_a_registration_is_told() -> None:
    """With the trunk; what is no answer is left out."""
    switch = ScriptedEventSocket()
    gateway = f"cp-trunk-{UUID(int=7)}-{'a' * 32}"
    async with listening(switch) as facts:
        await facts.next()
        for state, said in (("TRYING", {}), ("FAILED", {"Status": "403", "Phrase": "No"}), ("FAIL_WAIT", {})):
            switch.tell(
                event("CUSTOM", Event_Subclass="sofia::gateway_state", Gateway=gateway, State=state, **said)
            )
        switch.tell(stopped("behind"))

        assert [f"{UUID(int=7)} answered 403", "stopped behind"] == [await facts.next(), await facts.next()]


async def test_a_switch_that_tells_nothing_of_trunks_is_listened_to() -> None:
    """Its live directory may be older than we are: the rest is heard, and the log says what is missing."""
    switch = ScriptedEventSocket()
    switch.answers["event plain PRESENCE_PROBE CUSTOM sofia::gateway_state"] = reply("-ERR permission denied")
    with capture_logs() as logs:
        async with listening(switch) as facts:
            await facts.next()
            switch.tell(stopped("1-2-3"))

            assert "stopped 1-2-3" == await facts.next()

    assert ["events.trunks_refused"] == [log["event"] for log in logs if log["log_level"] == "warning"]


async def test_what_was_refused_is_asked_for_again_after_a_new_log_in() -> None:
    """The switch reads what we may hear of at the log-in: once it was published, trunks are heard of."""
    switch = ScriptedEventSocket()
    said = iter([reply("-ERR permission denied")])
    switch.answers["event plain PRESENCE_PROBE CUSTOM sofia::gateway_state"] = lambda: next(
        said, reply("+OK")
    )
    gateway = f"cp-trunk-{UUID(int=7)}-{'a' * 32}"
    async with listening(switch, refused_seconds=0.1, answer_seconds=LIMIT_SECONDS) as facts:
        assert ["booted", "booted"] == [await facts.next(), await facts.next()]
        switch.tell(
            event(
                "CUSTOM",
                Event_Subclass="sofia::gateway_state",
                Gateway=gateway,
                State="FAILED",
                Status="403",
            )
        )

        assert f"{UUID(int=7)} answered 403" == await facts.next()
    assert 2 == switch.connections


async def test_message_of_mod_voicemail_is_told_where_it_takes_them() -> None:
    """Of all that it tells, only a message that was left counts; it is subscribed only there."""
    switch = ScriptedEventSocket()
    messages = Facts()
    async with listening(switch, on_native_message=lambda: messages.tell("left")) as facts:
        await facts.next()
        for action in ("mwi-update", "authentication", "leave-message"):
            switch.tell(event("CUSTOM", Event_Subclass="vm::maintenance", VM_Action=action))
        switch.tell(stopped("behind"))
        await facts.next()

        assert "left" == await messages.next()
    assert switch.commands[-2].endswith("CUSTOM sofia::register vm::maintenance")


@pytest.mark.parametrize(
    "name",
    [
        "Bob%0AUnique-ID%3A%20victim",
        "Bob%0A%0AEvent-Name: HEARTBEAT",
        "Bob\u2028Unique-ID: victim",
        "Bob\u0085Unique-ID: victim",
        "Bob\x0bUnique-ID: victim\x0cUnique-ID: victim",
    ],
)
async def test_callers_name_forges_no_header(name: str) -> None:
    """Lines are split before anything is decoded, at line feeds alone (G1)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.tell(event("RECORD_STOP", raw=f"Caller-Caller-ID-Name: {name}\nUnique-ID: mine"))

        assert "stopped mine" == await facts.next()


async def test_body_forges_no_header() -> None:
    """The body of an event stays a body (G2)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.tell(stopped("mine", body=b"Unique-ID: victim\nEvent-Name: HEARTBEAT\n\n"))

        assert "stopped mine" == await facts.next()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(None, id="silence"),
        pytest.param(AUTH_REQUEST, id="silence after the greeting"),
    ],
)
async def test_silent_peer_is_given_up(said: bytes | None) -> None:
    """Who accepts and says nothing, or does not answer the log-in, is tried again (G3)."""
    switch = ScriptedEventSocket()
    switch.greeting = said
    switch.answers["auth"] = None
    async with listening(switch):
        await switch.expect_connections(2)


async def test_unanswered_subscription_is_given_up() -> None:
    """A command that is never answered ends the connection, and later replies hit nobody (G3, G8)."""
    switch = ScriptedEventSocket()
    switch.answers["event"] = None
    async with listening(switch):
        await switch.expect("event", count=2)


async def test_close_while_a_command_waits_is_noticed_at_once() -> None:
    """A pending command fails when the connection ends (G4)."""
    switch = ScriptedEventSocket()

    def close() -> bytes:
        switch.drop()
        return b""

    switch.answers["event"] = close
    async with listening(switch, answer_seconds=60):
        await switch.expect("event", count=2)


async def test_plain_close_is_followed_by_a_new_connection() -> None:
    """FreeSWITCH that was killed says nothing; the connection is made again, and that is told (G5)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.drop()

        assert "booted" == await facts.next()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"no header\n\n", id="no header"),
        pytest.param(b"\n\n", id="empty block"),
        pytest.param(b"Content-Type: text/event-plain\nContent-Length: -2\n\n", id="negative length"),
        pytest.param(b"Content-Type: x\nContent-Length: 1\nContent-Length: 2\n\nab", id="two lengths"),
        pytest.param(b"Content-Type: text/event-plain\nContent-Length: 99999999\n\n", id="too long"),
        pytest.param(b"Content-Type: text/event-plain\nContent-Length: 3\n\nabc", id="no event"),
        pytest.param(b"Content-Type: text/unheard-of\n\n", id="unknown kind"),
        pytest.param(b"X" * 70_000, id="endless line"),
        pytest.param(reply("+OK late"), id="unsolicited reply"),
    ],
)
async def test_breach_of_the_protocol_ends_the_connection(bad: bytes) -> None:
    """What cannot be understood closes this connection and is counted; a new one is made (G6)."""
    switch, registry = ScriptedEventSocket(), CollectorRegistry()
    async with listening(switch, faults=ConnectionFaults(registry, socket="event_socket")) as facts:
        await facts.next()
        switch.tell(bad)

        assert "booted" == await facts.next()
    assert 1 == registry.get_sample_value(
        "controlplane_connection_faults_total", {"socket": "event_socket", "kind": "malformed"}
    )


async def test_invalid_utf8_is_read_over() -> None:
    """Bytes that are no text harm nothing (G6)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        inner = b"Event-Name: RECORD_STOP\nCaller-Caller-ID-Name: \xff\xfe\nUnique-ID: mine\n\n"
        switch.tell(b"Content-Type: text/event-plain\nContent-Length: %d\n\n" % len(inner) + inner)

        assert "stopped mine" == await facts.next()


async def test_body_that_is_cut_costs_no_processor() -> None:
    """A connection that ends inside a body is an end, not a loop (G7)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        before = time.process_time()
        switch.tell(b"Content-Type: text/event-plain\nContent-Length: 500\n\nEvent-Name: REC")
        switch.drop()

        assert "booted" == await facts.next()
    assert time.process_time() - before < 2


async def test_event_may_come_in_single_bytes() -> None:
    """Portions of the stream mean nothing."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        await switch.tell_singly(stopped("mine"))

        assert "stopped mine" == await facts.next()


async def test_busy_event_loop_holds_up_no_reading() -> None:
    """Events are read while nobody takes the facts, and none of them is lost (G15)."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        for number in range(500):
            switch.tell(stopped(str(number)))
        time.sleep(0.3)  # noqa: ASYNC251 (the event loop is to be blocked)

        assert [f"stopped {number}" for number in range(500)] == [await facts.next() for _ in range(500)]


def test_command_is_sent_whole() -> None:
    """The socket's `send` may take a part of it; nothing uses that (G9)."""
    link = module.ListeningESL("127.0.0.1", 1, PASSWORD, timeout=1)

    class Socket:
        sent = b""

        def sendall(self, data: bytes) -> None:
            self.sent += data
            link.handle_event(module.ReadEvent(Message(parse_block(reply("+OK").strip()))))

    link.sock = Socket()
    link.connected = True

    assert "+OK" == link.send("noop").data
    assert b"noop\n\n" == link.sock.sent


async def test_failing_handler_is_logged_without_the_event() -> None:
    """Greenswitch would write every header of it, the caller's among them (G15)."""
    link = module.ListeningESL("127.0.0.1", 1, PASSWORD, timeout=1)

    def fail(_: object) -> None:
        raise RuntimeError("a caller's text")

    with capture_logs() as logs:
        link._safe_exec_handler(fail, None)

    assert [("events.handler_failed", "RuntimeError")] == [(log["event"], log["error"]) for log in logs]
    assert "caller" not in str(logs)


async def test_quiet_connection_is_given_up() -> None:
    """A link that swallows everything has no heartbeat either."""
    switch = ScriptedEventSocket()
    async with listening(switch, heartbeat_seconds=0.3) as facts:
        await facts.next()

        assert "booted" == await facts.next()


async def test_half_an_event_is_no_sign_of_life() -> None:
    """A peer that stops in the middle of an event, or goes on with it for ever, is given up (G3, G7)."""
    switch = ScriptedEventSocket()
    async with listening(switch, heartbeat_seconds=0.4) as facts:
        await facts.next()
        switch.tell(b"Content-Type: text/event-plain\nContent-Length: 100000\n\nEvent-Name: RECORD_STOP\n")

        async def drip() -> None:
            while True:
                switch.tell(b"x")
                await asyncio.sleep(0.05)

        async with meanwhile(asyncio.create_task(drip())):
            assert "booted" == await facts.next()


async def test_waits_between_tries_grow_and_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that is away is asked less and less often, up to a limit; one that was there at once (G5)."""
    monkeypatch.setattr(events_module, "_FIRST_WAIT_SECONDS", 0.02)
    switch = ScriptedEventSocket()
    switch.answers["auth"] = reply("-ERR invalid")
    with capture_logs() as logs:
        async with listening(switch, longest_wait_seconds=0.1) as facts:
            await switch.expect_connections(6)
            del switch.answers["auth"]
            await facts.next()
            switch.drop()
            await facts.next()
    waits = [log["retry_seconds"] for log in logs if log["event"] == "events.disconnected"]

    assert [0.02, 0.04, 0.08, 0.1, 0.1] == waits[:5]
    assert 0.02 == waits[-1]


async def test_events_that_pile_up_end_the_connection() -> None:
    """Memory is bounded: a connection whose events are not taken is given up, and made anew (G15)."""
    link = module.ListeningESL("127.0.0.1", 1, PASSWORD, timeout=1)
    message = Message(parse_block(b"Content-Type: text/event-plain"), b"Event-Name: HEARTBEAT\n\n")
    for _ in range(module.QUEUE_LIMIT):
        link.handle_event(module.ReadEvent(message))
    before = link.lost.is_set()
    link.handle_event(module.ReadEvent(message))

    assert (False, True, "Events were not taken.") == (before, link.lost.is_set(), link.reason)


async def test_late_reply_answers_no_later_command() -> None:
    """Who gave up waiting gave up the connection, so that what comes late meets nobody (G8)."""
    switch = ScriptedEventSocket()
    switch.answers["event"] = None
    async with listening(switch, answer_seconds=0.2) as facts:
        await switch.expect("event", count=1)
        await switch.expect_connections(2)
        switch.answers["event"] = reply("+OK event listener enabled plain")

        assert "booted" == await facts.next()


async def test_spool_is_scanned_after_each_connection(tmp_path: Path) -> None:
    """What was missed while nobody listened is looked for, the first time and after every loss."""
    switch = ScriptedEventSocket()
    scan, heal = Wake("spool.scan", lock="spool"), Wake("configuration.heal", lock="configuration")
    async with switch.listening() as port:
        settings = load(
            {
                "CONTROLPLANE_PRIVATE": "true",
                "CONTROLPLANE_SWITCH": "freeswitch",
                **{
                    f"CONTROLPLANE_PATHS__{name}": str(tmp_path)
                    for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
                },
                "CONTROLPLANE_EVENT_SOCKET__PORT": str(port),
                "CONTROLPLANE_EVENT_SOCKET__PASSWORD": PASSWORD,
                "CONTROLPLANE_EVENT_SOCKET__LOG_IN": "password",
            }
        )
        listener = _listener(
            settings,
            CollectorRegistry(),
            scan=scan,
            heal=heal,
            fetch=None,
            replay=Wake("mwi.replay", lock="mwi.replay"),
            answers=LampAnswers(),
            look=Wake("trunks.look", lock="trunks.look"),
            trunks=TrunkAnswers(),
        )
        async with meanwhile(asyncio.create_task(listener.run())):
            for _ in range(3):
                await asyncio.wait_for(scan._wanted.wait(), LIMIT_SECONDS)
                await asyncio.wait_for(heal._wanted.wait(), LIMIT_SECONDS)
                scan._wanted.clear()
                heal._wanted.clear()
                switch.drop()

    assert 3 <= switch.connections


async def test_heartbeat_keeps_a_quiet_connection() -> None:
    """Nothing but heartbeats is a sign of life."""
    switch = ScriptedEventSocket()
    async with listening(switch, heartbeat_seconds=1) as facts:
        await facts.next()
        for _ in range(15):
            switch.tell(event("HEARTBEAT"))
            await asyncio.sleep(0.1)
        switch.tell(stopped("mine"))

        assert "stopped mine" == await facts.next()
    assert 1 == switch.connections


async def test_disconnect_notice_is_followed_by_a_new_connection() -> None:
    """FreeSWITCH says goodbye when it is stopped in order."""
    switch = ScriptedEventSocket()
    async with listening(switch) as facts:
        await facts.next()
        switch.tell(b"Content-Type: text/disconnect-notice\nContent-Length: 2\n\nbe")

        assert "booted" == await facts.next()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"greeting": b"Content-Type: text/rude-rejection\nContent-Length: 1\n\nx"}, "apply-inbound-acl"),
        ({"answers": {"auth": reply("-ERR invalid")}}, "refused our password"),
        ({"answers": {"event": reply("-ERR no")}}, "refused the subscription"),
    ],
)
async def test_refusal_is_logged_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    """Who is not let in reads why, and tries again."""
    switch = ScriptedEventSocket()
    for name, value in changes.items():
        setattr(switch, name, value)
    with capture_logs() as logs:
        async with listening(switch):
            await switch.expect_connections(2)

    assert any(reason in log.get("reason", "") for log in logs)
    assert PASSWORD not in str(logs)


async def test_switch_that_is_not_there_is_tried_again() -> None:
    """A refused connection is followed by another try."""
    switch = ScriptedEventSocket()
    async with switch.listening() as port:
        pass
    facts, logged = Facts(), Facts()
    loop = asyncio.get_running_loop()

    def note(_logger: object, _method: str, entry: EventDict) -> EventDict:
        """Tell what the listener's thread logs."""
        loop.call_soon_threadsafe(logged.tell, entry["event"])
        return entry

    events = FreeSwitchEvents(
        host="127.0.0.1",
        port=port,
        password=PASSWORD,
        on_record_stop=facts.tell,
        on_booted=lambda: facts.tell("booted"),
        on_lamp_query=lambda _: None,
        on_trunk=lambda _: None,
        longest_wait_seconds=0.2,
    )
    with capture_logs(processors=[note]):
        async with meanwhile(asyncio.create_task(events.run())):
            assert "events.disconnected" == await logged.next()
            async with switch.listening(port):
                assert "booted" == await facts.next()


async def test_cancelling_ends_the_thread() -> None:
    """Nothing of the listener is left behind."""
    async with listening(ScriptedEventSocket()) as facts:
        await facts.next()

    assert not [thread for thread in threading.enumerate() if thread.name == "freeswitch-events"]
