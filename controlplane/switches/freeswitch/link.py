"""One outbound-socket connection: the wire core over an asyncio transport, one command at a time.

In sync mode the reply to an application comes when it has ended; what happened meanwhile comes
behind it. With `linger` a hangup is told by a notice, and the connection stays for commands that
need no channel. The notice comes at once, also while FreeSWITCH reads the command that asks what
happened, which it does byte by byte: it is the answer, and the one that follows is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from controlplane.domain.errors import CallEnded, CallerHungUp, CallLost
from controlplane.switches.freeswitch.command import encode_command, encode_execute
from controlplane.switches.freeswitch.wire import Block, EventSocketConnection, Fault, Message
from controlplane.switches.server import Link

CONNECT_SECONDS: Final = 25.0
"""So long FreeSWITCH waits for the first command."""

_REPLIES: Final = ("command/reply", "api/response")


class OutboundLink(Link):
    """The connection of one call. `on_made` is called with the link when the peer is connected."""

    def __init__(self, on_made: Callable[[OutboundLink], None]) -> None:
        self._on_made = on_made
        self._core = EventSocketConnection()
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[Message] | None = None
        self._awaited = ""
        self._unwanted = ""
        self._end: CallEnded | None = None
        self._said_something = False
        self._breach = ""
        self._hung_up = False
        self._controls = False

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
        return self._hung_up

    async def connect(self) -> Block:
        """Say the first word and return what the switch knows of the channel; raises CallEnded.

        The caller of this bounds the time.
        """
        reply = await self.command("connect", seconds=CONNECT_SECONDS)
        self._controls = True
        return reply.headers

    async def command(self, line: str, *, seconds: float) -> Message:
        """Send a command and wait for its reply, whatever it says; raises as `_send` does."""
        awaited = _REPLIES[1] if line.startswith("api ") else _REPLIES[0]
        return await self._send(encode_command(line), awaited, seconds)

    async def execute(
        self, application: str, argument: str = "", *, seconds: float, after_hangup: bool = False
    ) -> Message:
        """Run an application to its end; after a hangup one with media is skipped, with the same reply.

        Raises as `_send` does; with `after_hangup` it is sent all the same.
        """
        data = encode_execute(application, argument)
        return await self._send(data, _REPLIES[0], seconds, after_hangup=after_hangup)

    def close(self) -> None:
        """End the connection, with `exit` where a channel is ours: the dialplan goes on. Idempotent."""
        if self._transport is not None and not self._transport.is_closing():
            if self._controls and self._reply is None:
                self._transport.write(encode_command("exit"))
            self._transport.close()
        self._finish(CallLost("The connection is closed."))

    def note_hangup(self) -> None:
        """Take note that the channel is gone: every command from now on raises CallerHungUp."""
        self._hung_up = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and tell the server."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Feed the core."""
        self._said_something = True
        for event in self._core.receive_data(data):
            match event:
                case Message():
                    self._on_message(event)
                case Fault(reason=reason):
                    self._breached(reason)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Fail what is waited for."""
        self._finish(CallLost("The connection ended."))

    async def _send(
        self, data: bytes, awaited: str, seconds: float, *, after_hangup: bool = False
    ) -> Message:
        """Send bytes and wait for the reply.

        Raises CallerHungUp after a hangup was told; CallLost when the connection ends, breaks the
        protocol or brings no reply within `seconds`.
        """
        if self._hung_up and not after_hangup:
            raise CallerHungUp("The caller hung up.")
        if self._end is not None:
            raise _again(self._end)
        if self._transport is None or self._reply is not None:
            raise CallLost("No command can be sent now.")
        self._awaited = awaited
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        try:
            async with asyncio.timeout(seconds):
                return await self._reply
        except TimeoutError as error:
            self._break("The switch did not answer in time.")
            raise CallLost("The switch did not answer in time.") from error
        finally:
            if self._reply is not None and self._reply.done() and not self._reply.cancelled():
                # It may have failed in the moment in which nobody waited any more.
                self._reply.exception()
            self._reply = None

    def _on_message(self, message: Message) -> None:
        match message.kind:
            case "command/reply" | "api/response" as kind if kind == self._unwanted:
                self._unwanted = ""
            case "command/reply" | "api/response" as kind:
                if self._reply is None or self._reply.done() or kind != self._awaited:
                    self._breached("A reply came that nothing had asked for.")
                    return
                self._reply.set_result(message)
            case "text/disconnect-notice":
                # Without `linger` it comes at the end of a transfer too; the end of the stream follows.
                if message.headers.raw("Content-Disposition") == "linger":
                    self._on_hangup()
            case "text/event-plain" | "text/event-json" | "log/data":
                return
            case _:
                self._breached("A message of an unknown kind came.")

    def _on_hangup(self) -> None:
        """Take note, and let who asks something about the channel wait no longer."""
        self._hung_up = True
        if self._reply is not None and not self._reply.done() and self._awaited == _REPLIES[1]:
            self._unwanted = self._awaited
            self._reply.set_exception(CallerHungUp("The caller hung up."))

    def _breached(self, reason: str) -> None:
        if self._end is None:
            self._breach = reason
        self._break(reason)

    def _break(self, reason: str) -> None:
        self._finish(CallLost(reason))
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, end: CallEnded) -> None:
        if self._end is None:
            self._end = CallerHungUp("The caller hung up.") if self._hung_up else end
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(_again(self._end))


def _again(end: CallEnded) -> CallEnded:
    """Return a new exception that says the same: a raised one collects the traces of all who raise it."""
    return type(end)(*end.args)
