"""The FastAGI server: takes calls from Asterisk and hands each to the flow it asks for."""

from __future__ import annotations

from collections.abc import Callable

from controlplane.callflows.call import Call
from controlplane.switches.asterisk.call import AsteriskCall
from controlplane.switches.asterisk.link import AgiLink
from controlplane.switches.asterisk.request import read_request
from controlplane.switches.server import CallServer


class FastAgiServer(CallServer[AgiLink]):
    """Listens for Asterisk and runs a handler a call; see `CallServer` for the limits."""

    protocol = "agi"

    def _link(self, on_made: Callable[[AgiLink], None]) -> AgiLink:
        return AgiLink(on_made)

    async def _request(self, link: AgiLink, *, seconds: float) -> Call:
        environment = await link.environment(seconds=seconds)
        return AsteriskCall(link, read_request(environment, secret=self._secret), self._prompts)
