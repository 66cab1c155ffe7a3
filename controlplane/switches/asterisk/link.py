"""One FastAGI connection: the wire core over an asyncio transport, one command at a time.

The transport is read all the time, so that a hangup between two commands is known at once, and
what Asterisk wrote before it reset the connection is not lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from controlplane.domain.errors import CallEnded, CallerHungUp, CallLost
from controlplane.switches.asterisk.wire import (
    AgiConnection,
    Environment,
    Event,
    Fault,
    HangupNotice,
    ProtocolError,
    Reply,
)
from controlplane.switches.server import Link


class AgiLink(Link):
    """The connection of one call. `on_made` is called with the link when the peer is connected."""

    def __init__(self, on_made: Callable[[AgiLink], None]) -> None:
        self._on_made = on_made
        self._core = AgiConnection()
        self._transport: asyncio.Transport | None = None
        self._environment: asyncio.Future[Environment] = asyncio.get_running_loop().create_future()
        self._reply: asyncio.Future[Reply] | None = None
        self._end: CallEnded | None = None
        self._said_something = False
        self._breach = ""

    @property
    def peer_address(self) -> str:
        """The address of the peer; empty if it is unknown."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    @property
    def said_something(self) -> bool:
        """Whether a byte came; a health check says nothing."""
        return self._said_something

    @property
    def breach(self) -> str:
        """How the peer broke the protocol; empty if it did not."""
        return self._breach

    @property
    def has_hung_up(self) -> bool:
        """Whether the switch said that the caller left."""
        return isinstance(self._end, CallerHungUp)

    async def environment(self, *, seconds: float) -> Environment:
        """Wait for what the switch says of the call; raises TimeoutError, CallEnded."""
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self._environment)

    async def command(self, command: str, *arguments: str | int, seconds: float) -> Reply:
        """Send a command and wait for its reply, whatever its code.

        Raises CallerHungUp when the switch says HANGUP; CallLost when the connection ends, breaks
        the protocol or brings no reply within `seconds`; UnsendableArgument, and sends nothing.
        """
        if self._end is not None:
            raise _again(self._end)
        if self._transport is None:
            raise CallLost("There is no connection.")
        try:
            line = self._core.send_command(command, *arguments)
        except ProtocolError as error:
            raise CallLost("Another command is outstanding.") from error
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(line)
        try:
            async with asyncio.timeout(seconds):
                return await self._reply
        except TimeoutError as error:
            self._finish(CallLost("The switch did not answer in time."))
            self.close()
            raise CallLost("The switch did not answer in time.") from error
        finally:
            self._reply = None

    def close(self) -> None:
        """End the connection after what was written; the dialplan goes on. Idempotent."""
        self._finish(CallLost("The connection is closed."))
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and tell the server."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Feed the core."""
        self._said_something = True
        for event in self._core.receive_data(data):
            self._on_event(event)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Fail what is waited for."""
        for event in self._core.receive_eof():
            self._on_event(event)
        self._finish(CallLost("The connection ended."))

    def _on_event(self, event: Event) -> None:
        match event:
            case Environment():
                if not self._environment.done():
                    self._environment.set_result(event)
            case Reply():
                if self._reply is not None and not self._reply.done():
                    self._reply.set_result(event)
            case HangupNotice():
                self._finish(CallerHungUp("The caller hung up."))
            case Fault(reason=reason):
                if self._end is None:
                    self._breach = reason
                self._finish(CallLost(reason))
                if self._transport is not None:
                    self._transport.abort()

    def _finish(self, end: CallEnded) -> None:
        if self._end is None:
            self._end = end
        for future in (self._environment, self._reply):
            if future is not None and not future.done():
                future.set_exception(_again(self._end))
        if self._environment.done() and not self._environment.cancelled():
            # It is read here once, so that a peer which left before anybody asked is no warning.
            self._environment.exception()


def _again(end: CallEnded) -> CallEnded:
    """Return a new exception that says the same: a raised one collects the traces of all who raise it."""
    return type(end)(*end.args)
