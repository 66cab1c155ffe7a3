"""The mail server of the rounds: it takes, refuses, keeps silent, breaks off, or is not there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.support.smtp_server import SmtpServer


class Mood(Enum):
    """How it behaves."""

    WELL = "takes mails"
    REFUSING = "says: later"
    SILENT = "does not answer until it is well again"
    BREAKING_OFF = "takes a mail and breaks the connection off before it says so"
    AWAY = "is not there"


class Relay(SmtpServer):
    """A server of which each mood can be had; use it in one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._mood = Mood.WELL
        self._well = asyncio.Event()
        self._well.set()
        self._listener: asyncio.Server | None = None

    async def be(self, mood: Mood) -> None:
        """Behave so from now on."""
        self._mood = mood
        if mood is Mood.AWAY:
            await self._close()
            return
        if self._listener is None:
            await self.listen()
        self.data_reply = "451 4.3.0 Try again later" if mood is Mood.REFUSING else None
        if mood is Mood.SILENT:
            self._well.clear()
        else:
            self._well.set()

    async def listen(self) -> None:
        """Listen, on the same port as before if there was one."""

        def protocol() -> SMTP:
            return SMTP(self, enable_SMTPUTF8=True, hostname="localhost")

        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(protocol, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take a mail in the present mood."""
        await self._well.wait()
        reply = await super().handle_DATA(server, session, envelope)
        if self._mood is Mood.BREAKING_OFF and server.transport is not None:
            server.transport.abort()
        return reply

    def taken(self, recipient: str) -> Counter[str]:
        """Count by Message-ID what came for an address."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails if recipient in str(mail["To"]))


@asynccontextmanager
async def relay() -> AsyncIterator[Relay]:
    """Run one on a free port until the block ends."""
    server = Relay()
    await server.listen()
    try:
        yield server
    finally:
        await server.be(Mood.AWAY)
