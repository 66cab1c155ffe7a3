"""Facts from FreeSWITCH over a long-lived event socket: a recording stopped, a phone asks for its lamp.

They only wake what looks at the present state, so that a lost or a forged one does no harm. The
connection is greenswitch's, in one thread with a hub of its own; it subscribes narrowly, is made
again with growing waits, and is given up when not even the heartbeat is heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final

import gevent
import structlog
from gevent.event import Event
from prometheus_client import CollectorRegistry

from controlplane.domain.lamp import LampQuery
from controlplane.domain.routing.trunk_state import HeardAnswer
from controlplane.switches.faults import ConnectionFaults, FaultKind
from controlplane.switches.freeswitch import gateway_states
from controlplane.switches.freeswitch.lamp_queries import probe_of, query_of, registration_of
from controlplane.switches.freeswitch.listening import ListeningESL, Lost, ReadEvent

_SUBSCRIBED: Final = "event plain RECORD_STOP MESSAGE_QUERY HEARTBEAT CUSTOM sofia::register"
_NATIVE: Final = "vm::maintenance"
# BLF keys and trunks. Apart, since the live directory may have been made when nobody was to hear of them.
_LATER: Final = f"event plain PRESENCE_PROBE CUSTOM {gateway_states.EVENT}"
_FIRST_WAIT_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 5.0


class FreeSwitchEvents:
    """Listens to one FreeSWITCH.

    `on_record_stop` gets a channel's unique id, `on_booted` is called after each new connection,
    for what may have been missed, `on_lamp_query` with each phone that asks, and `on_trunk` with each
    answer to the registration of a trunk. With `on_native_message` the messages of mod_voicemail are told
    of too. All are called in the event loop and must return at once.
    FreeSWITCH sends a heartbeat each 20 s, if it is not told otherwise: a connection on which
    nothing came for `heartbeat_seconds` is given up. One that broke the protocol is counted in `faults`.
    One that hears nothing of BLF keys and trunks is made anew after `refused_seconds`.
    `connected` tells whether events would be heard now.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        password: str,
        on_record_stop: Callable[[str], None],
        on_booted: Callable[[], None],
        on_lamp_query: Callable[[LampQuery], None],
        on_trunk: Callable[[HeardAnswer], None],
        on_native_message: Callable[[], None] | None = None,
        user: str | None = None,
        faults: ConnectionFaults | None = None,
        heartbeat_seconds: float = 50.0,
        answer_seconds: float = 5.0,
        longest_wait_seconds: float = 15.0,
        refused_seconds: float = 300.0,
    ) -> None:
        self._host = host
        self._port = port
        self._password = password
        self._user = user
        self._faults = faults or ConnectionFaults(CollectorRegistry(), socket="event_socket")
        self._on_record_stop = on_record_stop
        self._on_booted = on_booted
        self._on_lamp_query = on_lamp_query
        self._on_trunk = on_trunk
        self._on_native_message = on_native_message
        self._heartbeat_seconds = heartbeat_seconds
        self._answer_seconds = answer_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._refused_seconds = refused_seconds
        self.connected = False

    async def run(self) -> None:
        """Listen until cancelled; raises what ends the thread, which nothing should."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        listener = _Listener(self, loop, ended)
        listener.start()
        try:
            await asyncio.shield(ended)
        finally:
            listener.stop()
            await asyncio.to_thread(listener.join, _JOIN_SECONDS)

    def _listen(self, tell: Callable[..., None], stop: Event) -> None:
        """Keep a connection; the body of the thread's main greenlet."""
        log = structlog.get_logger()
        wait = _FIRST_WAIT_SECONDS
        while not stop.is_set():
            link = ListeningESL(
                self._host, self._port, self._password, timeout=self._answer_seconds, user=self._user
            )

            self._handle(link, tell)
            subscribed = _SUBSCRIBED if self._on_native_message is None else f"{_SUBSCRIBED} {_NATIVE}"
            try:
                link.connect()
                if not link.send(subscribed).data.startswith("+OK"):
                    link.lose("FreeSWITCH refused the subscription.")
                else:
                    is_refused = not link.send(_LATER).data.startswith("+OK")
                    if is_refused:
                        log.warning("events.trunks_refused")
                    log.info("events.connected")
                    self.connected = True
                    wait = _FIRST_WAIT_SECONDS
                    tell(self._on_booted)
                    self._watch(link, stop, self._refused_seconds if is_refused else None)
            except Lost:
                pass  # The link keeps the reason.
            finally:
                self.connected = False
                link.stop()
            if link.malformed:
                self._faults.count(FaultKind.MALFORMED)
            if not stop.is_set():
                log.warning("events.disconnected", reason=link.reason, retry_seconds=wait)
                stop.wait(wait)
                wait = min(wait * 2, self._longest_wait_seconds)

    def _handle(self, link: ListeningESL, tell: Callable[..., None]) -> None:
        """Say what becomes of each event."""

        def on_record_stop(event: ReadEvent) -> None:
            tell(self._on_record_stop, event.headers.get("Unique-ID", ""))

        def on_message_query(event: ReadEvent) -> None:
            ask(query_of(event.headers))

        def on_probe(event: ReadEvent) -> None:
            ask(probe_of(event.headers))

        def on_register(event: ReadEvent) -> None:
            ask(registration_of(event.headers))

        def ask(query: LampQuery | None) -> None:
            if query is not None:
                tell(self._on_lamp_query, query)

        def on_gateway_state(event: ReadEvent) -> None:
            heard = gateway_states.heard_answer(event.headers)
            if heard is not None:
                tell(self._on_trunk, heard)

        def on_maintenance(event: ReadEvent) -> None:
            if event.headers.get("VM-Action") == "leave-message" and self._on_native_message is not None:
                tell(self._on_native_message)

        link.register_handle("RECORD_STOP", on_record_stop)
        link.register_handle("MESSAGE_QUERY", on_message_query)
        link.register_handle("PRESENCE_PROBE", on_probe)
        link.register_handle("sofia::register", on_register)
        link.register_handle(gateway_states.EVENT, on_gateway_state)
        link.register_handle(_NATIVE, on_maintenance)

    def _watch(self, link: ListeningESL, stop: Event, most_seconds: float | None) -> None:
        """Wait until the link is lost or silent, was there for the most seconds, or we are told to stop."""
        heard, silent, passed = link.heard, 0.0, 0.0
        step = min(_LOOK_SECONDS, self._heartbeat_seconds / 4, most_seconds or _LOOK_SECONDS)
        while not gevent.wait([link.lost, stop], timeout=step, count=1):
            silent = silent + step if link.heard == heard else 0.0
            heard = link.heard
            if silent >= self._heartbeat_seconds:
                link.lose("Not even a heartbeat came.")
            passed += step
            if most_seconds is not None and passed >= most_seconds:
                # What we may hear of is read at the log-in: publishing may have changed it.
                link.lose("Logging in again, to hear of BLF keys and trunks.")


class _Listener(threading.Thread):
    """The thread with the gevent hub; everything of greenswitch happens in it."""

    def __init__(
        self, events: FreeSwitchEvents, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]
    ) -> None:
        super().__init__(name="freeswitch-events", daemon=True)
        self._events = events
        self._loop = loop
        self._ended = ended
        self._lock = threading.Lock()
        self._waker: Any = None
        self._stopping = False

    def run(self) -> None:
        """Listen until stopped."""
        hub = gevent.get_hub()
        stop = Event()
        waker = hub.loop.async_()
        waker.start(stop.set)
        with self._lock:
            self._waker = waker
            if self._stopping:
                stop.set()
        failure: BaseException | None = None
        try:
            self._events._listen(self._tell, stop)  # noqa: SLF001 (the thread is a part of it)
        except BaseException as error:  # noqa: BLE001 (handed over to the event loop, which raises it)
            failure = error
        finally:
            with self._lock:
                self._waker = None
            waker.close()
            hub.destroy()
        self._tell(self._finish, failure)

    def stop(self) -> None:
        """Ask the thread to end; from any thread."""
        with self._lock:
            self._stopping = True
            if self._waker is not None:
                self._waker.send()

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        """Have a function called in the event loop; one that is closed needs nothing any more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *arguments)

    def _finish(self, failure: BaseException | None) -> None:
        if self._ended.done():
            return
        if failure is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(failure)
