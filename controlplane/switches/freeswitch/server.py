"""The outbound-socket server: takes calls from FreeSWITCH and hands each to the flow it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from controlplane.callflows.call import Call, Entry
from controlplane.callflows.prompts import PromptFiles
from controlplane.switches.faults import ConnectionFaults
from controlplane.switches.freeswitch.call import FreeSwitchCall
from controlplane.switches.freeswitch.link import OutboundLink
from controlplane.switches.freeswitch.request import read_request
from controlplane.switches.server import CallServer, Handler


class OutboundSocketServer(CallServer[OutboundLink]):
    """Listens for FreeSWITCH and runs a handler a call; see `CallServer` for the limits."""

    def __init__(
        self,
        handlers: Mapping[Entry, Handler],
        *,
        prompts: PromptFiles,
        secret: str,
        allowed_addresses: Sequence[str],
        max_calls: int,
        first_line_seconds: float,
        faults: ConnectionFaults | None = None,
    ) -> None:
        super().__init__(
            handlers,
            protocol="socket",
            allowed_addresses=allowed_addresses,
            max_calls=max_calls,
            first_line_seconds=first_line_seconds,
            faults=faults,
        )
        self._prompts = prompts
        self._secret = secret

    def _link(self, on_made: Callable[[OutboundLink], None]) -> OutboundLink:
        return OutboundLink(on_made)

    async def _request(self, link: OutboundLink, *, seconds: float) -> Call:
        """Say `connect` first: FreeSWITCH answers nothing else, and waits 25 s for it."""
        async with asyncio.timeout(seconds):
            channel = await link.connect()
            facts = read_request(channel, secret=self._secret)
            call = FreeSwitchCall(link, facts, self._prompts)
            await call.prepare()
        return call
