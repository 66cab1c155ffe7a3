"""The outbound-socket server: takes calls from FreeSWITCH and hands each to the flow it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from controlplane.callflows.call import Call
from controlplane.switches.freeswitch.call import FreeSwitchCall
from controlplane.switches.freeswitch.link import OutboundLink
from controlplane.switches.freeswitch.request import read_request
from controlplane.switches.server import CallServer


class OutboundSocketServer(CallServer[OutboundLink]):
    """Listens for FreeSWITCH and runs a handler a call; see `CallServer` for the limits."""

    protocol = "socket"

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
