"""The FastAGI server: takes calls from Asterisk and hands each to the flow it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controlplane.callflows.call import Call, Entry
from controlplane.callflows.prompts import PromptFiles
from controlplane.switches.asterisk.call import AsteriskCall
from controlplane.switches.asterisk.link import AgiLink
from controlplane.switches.asterisk.request import read_request
from controlplane.switches.faults import ConnectionFaults
from controlplane.switches.server import CallServer, Handler


class FastAgiServer(CallServer[AgiLink]):
    """Listens for Asterisk and runs a handler a call; see `CallServer` for the limits."""

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
            protocol="agi",
            allowed_addresses=allowed_addresses,
            max_calls=max_calls,
            first_line_seconds=first_line_seconds,
            faults=faults,
        )
        self._prompts = prompts
        self._secret = secret

    def _link(self, on_made: Callable[[AgiLink], None]) -> AgiLink:
        return AgiLink(on_made)

    async def _request(self, link: AgiLink, *, seconds: float) -> Call:
        environment = await link.environment(seconds=seconds)
        return AsteriskCall(link, read_request(environment, secret=self._secret), self._prompts)
