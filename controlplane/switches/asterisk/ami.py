"""A small client of Asterisk's manager interface (AMI): actions, lists of events, a stream of events.

A message is lines `Name: value` ended by CR LF, and an empty line. A caller's name stands in
events, so a message may hold forged lines: a value is looked up by its first line, `all` gives
every one, and whoever decides by an id takes all of them. Sizes and waits are bounded. Any breach
closes the connection and fails what is waited for.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from controlplane.domain.errors import SwitchUnavailable

LINE_LIMIT: Final = 65_536
MESSAGE_LINES: Final = 512
LIST_LIMIT: Final = 200_000
EVENT_QUEUE: Final = 10_000

_GREETING: Final = b"Asterisk Call Manager/"
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UNSENDABLE: Final = re.compile("[\\x00-\\x1f\\x7f\u0080-\u009f\u2028\u2029\ud800-\udfff]")


class ActionRefused(SwitchUnavailable):
    """Asterisk answered an action with an error; `message` is its text."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"The manager interface refused {action}: {message}")
        self.message = message


@dataclass(frozen=True, slots=True)
class AmiMessage:
    """A response or an event, as lines in their order. Its repr shows no values."""

    lines: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a name; case does not matter."""
        return next((value for key, value in self.lines if key.lower() == name.lower()), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a name."""
        return tuple(value for key, value in self.lines if key.lower() == name.lower())

    def __repr__(self) -> str:
        """Show what it is, and no caller."""
        return f"AmiMessage({self.get('Event') or self.get('Response')})"


class _Pending:
    """An action whose answer is waited for."""

    def __init__(self, *, lists: bool) -> None:
        self.lists = lists
        self.response: AmiMessage | None = None
        self.items: list[AmiMessage] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class AmiClient:
    """A logged-in connection. Made by `connected`; raises SwitchUnavailable from every method."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds
        self._ids = itertools.count(1)
        # An id that nobody can guess: a forged line in a caller's name answers no action of ours.
        self._token = secrets.token_hex(8)
        self._pending: dict[str, _Pending] = {}
        self._events: asyncio.Queue[AmiMessage | None] = asyncio.Queue(EVENT_QUEUE)
        self._lost: SwitchUnavailable | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def connected(
        cls,
        host: str,
        port: int,
        *,
        username: str,
        secret: str,
        events: str,
        seconds: float,
        answer_seconds: float | None = None,
    ) -> AsyncIterator[Self]:
        """Connect and log in; `seconds` bounds that, and later the wait for each answer.

        `answer_seconds` is another limit for the answers. `events` is an EventMask: `off`, or classes such as
        `system,call`. Closes at the end.
        """
        writer: asyncio.StreamWriter | None = None
        try:
            try:
                async with asyncio.timeout(seconds):
                    reader, writer = await asyncio.open_connection(host, port, limit=LINE_LIMIT)
                    greeting = await reader.readline()
            except (OSError, TimeoutError, ValueError) as error:
                raise SwitchUnavailable("The manager interface cannot be reached.") from error
            if not greeting.startswith(_GREETING):
                raise SwitchUnavailable("What answers there is no manager interface.")
            client = cls(reader, writer, seconds=seconds)
            client._task = asyncio.create_task(client._read())
            try:
                await client.action("Login", Username=username, Secret=secret, Events=events)
                client._seconds = answer_seconds or seconds
                yield client
            finally:
                client._task.cancel()
                await asyncio.wait([client._task])
        finally:
            if writer is not None:
                writer.close()

    async def action(self, name: str, **fields: str) -> AmiMessage:
        """Send an action and return its response; a refusal raises."""
        return (await self._send(name, fields, lists=False))[0]

    async def list_action(self, name: str, *, only: str = "", **fields: str) -> list[AmiMessage]:
        """Send an action that answers by a list of events, and return these, checked for their number.

        `only`: the name of the events that count, where others are told between them.
        """
        response, items = await self._send(name, fields, lists=True)
        announced = items.pop().get("ListItems") if items else response.get("ListItems")
        if only:
            items = [item for item in items if item.get("Event") == only]
        if announced != str(len(items)):
            raise SwitchUnavailable("A list of the manager interface is not complete.")
        return items

    async def event(self) -> AmiMessage:
        """Wait for the next event that belongs to no action, without limit."""
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise self._lost or SwitchUnavailable("The manager interface is gone.")
        return event

    async def _send(
        self, name: str, fields: dict[str, str], *, lists: bool
    ) -> tuple[AmiMessage, list[AmiMessage]]:
        if self._lost is not None:
            raise SwitchUnavailable(*self._lost.args)
        action_id = f"{self._token}-{next(self._ids)}"
        data = encode_action([("Action", name), ("ActionID", action_id), *fields.items()])
        pending = self._pending[action_id] = _Pending(lists=lists)
        try:
            async with asyncio.timeout(self._seconds):
                self._writer.write(data)
                await self._writer.drain()
                await pending.done
        except TimeoutError as error:
            raise SwitchUnavailable(f"The manager interface did not answer {name} in time.") from error
        except OSError as error:
            raise SwitchUnavailable("The connection to the manager interface was lost.") from error
        finally:
            del self._pending[action_id]
        assert pending.response is not None
        if pending.response.get("Response") not in {"Success", "Pong", "Follows", "Goodbye"}:
            raise ActionRefused(name, pending.response.get("Message"))
        return pending.response, pending.items

    async def _read(self) -> None:
        try:
            while True:
                self._on_message(await self._message())
        except (OSError, ValueError, EOFError) as error:
            self._fail(SwitchUnavailable("The connection to the manager interface was lost."), error)
        except SwitchUnavailable as error:
            self._fail(error, error)
        finally:
            self._fail(SwitchUnavailable("The manager interface is closed."), None)

    async def _message(self) -> AmiMessage:
        lines: list[tuple[str, str]] = []
        while True:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            text = line.rstrip(b"\r\n").decode("utf-8", errors="replace")
            if not text:
                if lines:
                    return AmiMessage(tuple(lines))
                continue
            name, _, value = text.partition(":")
            lines.append((name.strip(), value.strip(" ")))
            if len(lines) > MESSAGE_LINES:
                raise SwitchUnavailable("A message of the manager interface is too long.")

    def _on_message(self, message: AmiMessage) -> None:
        pending = self._pending.get(message.get("ActionID"))
        if message.lines[0][0] == "Response":
            if pending is None or pending.done.done():
                return
            pending.response = message
            if not pending.lists or message.get("EventList").lower() != "start":
                pending.done.set_result(None)
        elif message.lines[0][0] == "Event":
            if pending is None:
                self._on_event(message)
            elif pending.response is not None and not pending.done.done():
                pending.items.append(message)
                if len(pending.items) > LIST_LIMIT:
                    raise SwitchUnavailable("A list of the manager interface is too long.")
                if message.get("EventList").lower() in {"complete", "cancelled"}:
                    pending.done.set_result(None)
        else:
            raise SwitchUnavailable("A message of the manager interface cannot be read.")

    def _on_event(self, event: AmiMessage) -> None:
        if self._events.full():
            raise SwitchUnavailable("Events of the manager interface were not taken.")
        self._events.put_nowait(event)

    def _fail(self, lost: SwitchUnavailable, cause: Exception | None) -> None:
        if self._lost is not None:
            return
        self._lost = lost
        self._lost.__cause__ = cause if cause is not lost else None
        for pending in self._pending.values():
            if not pending.done.done():
                pending.done.set_exception(SwitchUnavailable(*lost.args))
        while self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)


def encode_action(fields: Sequence[tuple[str, str]]) -> bytes:
    """Return the bytes of an action; raises ValueError for what could become another line.

    The error never quotes a value: one of them is the secret.
    """
    lines: list[str] = []
    for name, value in fields:
        if not _FIELD_NAME.fullmatch(name):
            raise ValueError("A name of a manager action has other characters than letters.")
        if _UNSENDABLE.search(value) or "${" in value:
            raise ValueError(f"The value of {name} holds what no switch may get.")
        lines.append(f"{name}: {value}\r\n")
    return "".join([*lines, "\r\n"]).encode()


async def agrees(asked: Awaitable[object]) -> bool:
    """Wait for an action; tell whether Asterisk did it rather than refuse it."""
    try:
        await asked
    except ActionRefused:
        return False
    return True
