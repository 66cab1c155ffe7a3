"""Facts from Asterisk over a long-lived AMI connection: a channel is gone, Asterisk has started, and others.

They only wake what looks at the present state, so that a lost or a forged one does no harm. The
connection subscribes narrowly, is made again with growing waits, and is asked for a sign of life:
a link that swallows everything looks like a quiet one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from controlplane.domain.errors import SwitchUnavailable
from controlplane.switches.asterisk.ami import AmiClient
from controlplane.switches.asterisk.lamps import is_lamp

_FILTERS: Final = ("Event: Hangup[^A-Za-z]", "Event: FullyBooted", "Event: Registry")
"""Regular expressions over the text of an event, as 16 to 22 understand them; more than one means any."""

_FIRST_WAIT_SECONDS: Final = 0.5


class AsteriskEvents:
    """Listens to one Asterisk.

    `on_hangup` gets a channel's unique id, `on_booted` is called after each start of Asterisk and
    after each new connection, for what may have been missed, and `on_trunk` when a try to register at a
    provider ended: Asterisk says neither of which trunk, nor the SIP code. All must return at once.
    `connected` tells whether events would be heard now.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        on_hangup: Callable[[str], None],
        on_booted: Callable[[], None],
        on_trunk: Callable[[], None],
        heartbeat_seconds: float = 10.0,
        answer_seconds: float = 5.0,
        longest_wait_seconds: float = 15.0,
    ) -> None:
        self._host = host
        self._port = port
        self._username = username
        self._secret = secret
        self._on_hangup = on_hangup
        self._on_booted = on_booted
        self._on_trunk = on_trunk
        self._heartbeat_seconds = heartbeat_seconds
        self._answer_seconds = answer_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self.connected = False

    async def run(self) -> None:
        """Listen until cancelled."""
        log = structlog.get_logger()
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                async with AmiClient.connected(
                    self._host,
                    self._port,
                    username=self._username,
                    secret=self._secret,
                    events="system,call",
                    seconds=self._answer_seconds,
                ) as client:
                    for regular_expression in _FILTERS:
                        await client.action("Filter", Operation="Add", Filter=regular_expression)
                    log.info("events.connected")
                    self.connected = True
                    wait = _FIRST_WAIT_SECONDS
                    await self._listen(client)
            except SwitchUnavailable as error:
                log.warning("events.disconnected", reason=str(error), retry_seconds=wait)
            finally:
                self.connected = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._longest_wait_seconds)

    async def _listen(self, client: AmiClient) -> None:
        """Pass events on; raises SwitchUnavailable when the link is gone or silent."""
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    event = await client.event()
            except TimeoutError:
                await client.action("Ping")
                continue
            match event.get("Event"):
                case "Hangup" if not is_lamp(event.get("Channel")):
                    self._on_hangup(event.get("Uniqueid"))
                case "FullyBooted":
                    # Asterisk says it after each login too, once it has started.
                    self._on_booted()
                case "Registry":
                    self._on_trunk()
                case _:
                    continue
