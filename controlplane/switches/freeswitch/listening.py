"""greenswitch's InboundESL, hardened: one connection that listens, and says when it is lost.

Of greenswitch stay the log-in, the hub with its greenlets and the handlers by event name. Replaced
is what harms (docs/adr/0012-greenswitch-and-python-esl.md): reading goes through our own wire core, so
that no header can be forged, a body stays a body, and bad bytes, a cut body or a reply that nobody
asked for end the connection instead of the listener; every wait is bounded; a command is sent whole.
It lives in one thread, and gevent patches nothing.
"""

from __future__ import annotations

from typing import Any, Final

import gevent
import structlog
from gevent.event import AsyncResult, Event
from gevent.lock import RLock
from gevent.queue import Full, Queue
from greenswitch.esl import ESLEvent, InboundESL, NotConnectedError

from controlplane.switches.freeswitch.command import encode_command, log_in
from controlplane.switches.freeswitch.wire import EventSocketConnection, Fault, Message, ProtocolError

QUEUE_LIMIT: Final = 10_000
"""Events that wait for their handlers; with more of them the connection is given up and made anew."""

_READ_BYTES: Final = 65_536


class Lost(Exception):
    """The connection is over; the text says why, and quotes nothing of what was received."""


class ReadEvent(ESLEvent):  # type: ignore[misc] # the package has no types
    """What was received: the first value of each name, event headers decoded, the body apart."""

    def __init__(self, message: Message) -> None:
        self.headers: dict[str, str] = {}
        read = message.event() if message.kind == "text/event-plain" else message
        for name, value in read.headers.lines:
            self.headers.setdefault(name, value if read is message else read.headers.get(name))
        self.headers["Content-Type"] = message.kind
        self.data = message.reply if message.kind == "command/reply" else read.text
        self.body = read.body


class ListeningESL(InboundESL):  # type: ignore[misc] # the package has no types
    """One connection to FreeSWITCH's event socket; raises Lost from every method.

    `timeout` bounds connecting with the log-in, and then each reply. It logs in as a user of the
    directory if one is named.
    """

    def __init__(
        self, host: str, port: int, password: str, *, timeout: float, user: str | None = None
    ) -> None:
        super().__init__(host, port, password, timeout=timeout)
        self._user = user
        self._esl_event_queue = Queue(QUEUE_LIMIT)
        self._sending = RLock()
        self._core = EventSocketConnection()
        self.heard = 0
        self.malformed = False
        self.lost = Event()
        self.reason = ""

    def connect(self) -> None:
        """Connect and log in."""
        try:
            with gevent.Timeout(self.timeout, Lost("The event socket did not answer in time.")):
                super().connect()
        except Lost as error:
            self.lose(str(error))
            raise
        except NotConnectedError as error:
            self.lose("The event socket cannot be reached.")
            raise Lost(self.reason) from error
        except OSError as error:
            self.lose("The event socket cannot be reached.")
            raise Lost(self.reason) from error
        except ValueError as error:
            self.lose("The event socket refused our password.")
            raise Lost(self.reason) from error

    def authenticate(self) -> None:
        """Log in; raises ValueError when that is refused."""
        if not self.send(log_in(self._user, self.password)).data.startswith("+OK"):
            raise ValueError

    def send(self, data: str) -> ReadEvent:
        """Send a command and wait for its reply."""
        encoded = encode_command(data)
        result = AsyncResult()
        with self._sending:
            if self.lost.is_set() or not self.connected:
                raise Lost(self.reason or "There is no connection.")
            self._commands_sent.append(result)
            try:
                with gevent.Timeout(self.timeout, Lost("The event socket did not answer in time.")):
                    self.sock.sendall(encoded)
                    answer: ReadEvent = result.get()
            except Lost as error:
                # Who gave up waiting would take later replies for his own.
                self.lose(str(error))
                raise
            except OSError as error:
                self.lose("The connection ended.")
                raise Lost(self.reason) from error
        return answer

    def receive_events(self) -> None:
        """Read until the connection is lost; the body of a greenlet."""
        while self._run:
            try:
                data = self.sock.recv(_READ_BYTES)
            except OSError:
                data = b""
            for event in self._core.receive_data(data) if data else self._core.receive_eof():
                if self._run:
                    self._take(event)
            if not data:
                self.lose("The connection ended.")

    def handle_event(self, event: ReadEvent) -> None:
        """Give what was received to whoever waits for it."""
        match event.headers["Content-Type"]:
            case "auth/request":
                self._auth_request_event.set()
            case "command/reply" | "api/response":
                if not self._commands_sent:
                    self._breached("A reply came that nothing had asked for.")
                    return
                self._commands_sent.pop(0).set(event)
            case "text/rude-rejection":
                self.lose("The event socket does not let our address in (apply-inbound-acl).")
            case "text/disconnect-notice":
                self.lose("FreeSWITCH closed the event socket.")
            case "text/event-plain":
                try:
                    self._esl_event_queue.put_nowait(event)
                except Full:
                    self.lose("Events were not taken.")
            case _:
                self._breached("A message of an unknown kind came.")

    def stop(self) -> None:
        """Close the connection and end both greenlets; nothing is waited for."""
        self.lose("We closed the connection.")
        current = gevent.getcurrent()
        for greenlet in (self._receive_events_greenlet, self._process_events_greenlet):
            if greenlet is not None and greenlet is not current:
                greenlet.kill(block=False)

    def lose(self, reason: str) -> None:
        """End the connection once, and fail whatever waits for it."""
        if self.lost.is_set():
            return
        self.reason = reason
        self._run = False
        self.connected = False
        self.lost.set()
        self._auth_request_event.set()
        for result in self._commands_sent:
            result.set_exception(Lost(reason))
        self._commands_sent.clear()
        # The file, which greenswitch reads from and we do not, would keep the socket open.
        for part in (getattr(self, "sock_file", None), getattr(self, "sock", None)):
            if part is not None:
                part.close()

    def _breached(self, reason: str) -> None:
        """End a connection on which something came that is not the protocol."""
        self.malformed = not self.lost.is_set()
        self.lose(reason)

    def _take(self, event: Message | Fault) -> None:
        self.heard += 1
        if isinstance(event, Fault):
            self._breached(event.reason)
            return
        try:
            self.handle_event(ReadEvent(event))
        except ProtocolError as error:
            self._breached(str(error))

    def _safe_exec_handler(self, handler: Any, event: ReadEvent) -> None:
        """Run a handler; its failure is logged without the event, which holds a caller's text."""
        try:
            handler(event)
        except Exception as error:  # noqa: BLE001 (one handler must not end all)
            structlog.get_logger().error("events.handler_failed", error=type(error).__name__)
