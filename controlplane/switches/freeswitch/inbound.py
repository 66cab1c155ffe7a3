"""A short connection to FreeSWITCH's own Event Socket: log in, ask, leave. Every wait is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

from controlplane.domain.errors import SwitchUnavailable
from controlplane.switches.freeswitch.command import encode_command, log_in, word
from controlplane.switches.freeswitch.wire import EventSocketConnection, Fault, Message

BODY_LIMIT: Final = 67_108_864
"""Bytes of an answer: a list of 100,000 users, or of 20,000 channels."""

_READ_BYTES: Final = 65_536


class LogInRefused(SwitchUnavailable):
    """The socket is there and does not take our user or password."""


class InboundClient:
    """A logged-in connection. Made by `connected`; raises SwitchUnavailable from every method."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds
        self._core = EventSocketConnection(body_limit=BODY_LIMIT)
        self._messages: list[Message] = []

    @classmethod
    @asynccontextmanager
    async def connected(
        cls,
        host: str,
        port: int,
        *,
        password: str,
        seconds: float,
        answer_seconds: float | None = None,
        user: str | None = None,
    ) -> AsyncIterator[Self]:
        """Connect and log in, as a user of the directory if one is named.

        `seconds` bounds both, and later the wait for each answer, unless `answer_seconds` is given for that.
        """
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError) as error:
            raise SwitchUnavailable("The event socket cannot be reached.") from error
        try:
            client = cls(reader, writer, seconds=seconds)
            await client._log_in(user, password)
            client._seconds = answer_seconds or seconds
            yield client
        finally:
            writer.close()

    async def api(self, line: str) -> str:
        """Run an API command, and return what it says."""
        return (await self._exchange(encode_command(f"api {line}"), "api/response")).text

    async def send_event(self, name: str, fields: Sequence[tuple[str, str]]) -> None:
        """Fire an event inside the switch."""
        reply = await self._exchange(encode_command(f"sendevent {name}", fields), "command/reply")
        if not reply.reply.startswith("+OK"):
            raise SwitchUnavailable("The event socket refused an event.")

    async def call_exists(self, call_id: str) -> bool:
        """Ask whether the switch has this call; `call_id` is a channel's UUID."""
        answer = await self.api(f"uuid_exists {word(call_id)}")
        if answer not in {"true", "false"}:
            raise SwitchUnavailable("FreeSWITCH does not say whether it has a call.")
        return answer == "true"

    async def _log_in(self, user: str | None, password: str) -> None:
        async with self._bounded():
            greeting = await self._message()
        match greeting.kind:
            case "auth/request":
                pass
            case "text/rude-rejection":
                raise SwitchUnavailable("The event socket does not let our address in (apply-inbound-acl).")
            case _:
                raise SwitchUnavailable("What answers there is no event socket.")
        reply = await self._exchange(encode_command(log_in(user, password)), "command/reply")
        if not reply.reply.startswith("+OK"):
            raise LogInRefused("The event socket refused our password.")

    async def _exchange(self, data: bytes, awaited: str) -> Message:
        """Send a command and return its reply; nothing else may come between, as nothing is subscribed."""
        async with self._bounded():
            self._writer.write(data)
            await self._writer.drain()
            while (message := await self._message()).kind != awaited:
                if message.kind == "command/reply":
                    # The command itself was refused: a log-in may be limited to some of them.
                    if "permission denied" in message.reply:
                        raise SwitchUnavailable(
                            "The event socket does not let our user do this (esl-allowed-api)."
                        )
                    raise SwitchUnavailable("The event socket refused a command.")
                if message.kind == "text/disconnect-notice":
                    raise SwitchUnavailable("FreeSWITCH closed the event socket.")
        return message

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as error:
            raise SwitchUnavailable("The event socket did not answer in time.") from error
        except OSError as error:
            raise SwitchUnavailable("The connection to the event socket was lost.") from error

    async def _message(self) -> Message:
        while not self._messages:
            data = await self._reader.read(_READ_BYTES)
            for event in self._core.receive_data(data) if data else self._core.receive_eof():
                if isinstance(event, Fault):
                    raise SwitchUnavailable(f"The event socket cannot be understood: {event.reason}")
                self._messages.append(event)
            if not data and not self._messages:
                raise SwitchUnavailable("FreeSWITCH closed the event socket.")
        return self._messages.pop(0)
