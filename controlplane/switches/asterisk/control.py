"""The SwitchControl port over AMI: reload, verify, ask for calls. Each on a short connection.

The manager user needs `read = system,call,reporting,config` and `write =
system,config,reporting,call,originate`, and not `command`. Seen on 22.10: Reload answers when the
modules have read their files, so what is asked next is new.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

import structlog

from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.switches import contexts
from controlplane.switches.asterisk import variables
from controlplane.switches.asterisk.ami import ActionRefused, AmiClient, AmiMessage
from controlplane.switches.asterisk.lamps import CHANNEL as _LAMPS
from controlplane.switches.asterisk.lamps import lamps_in

_QUEUES: Final = ("res_musiconhold.so", "app_queue.so")
_MODULES: Final = (*_QUEUES, "pbx_config.so", "res_pjsip.so")
_QUEUE_PREFIX: Final = "cp-"
_NO_ENDPOINT: Final = "Unable to retrieve endpoint"
_NO_ENDPOINTS: Final = "No endpoints found"
# So many endpoints are asked for one by one.
_FEW: Final = 300
# A variable of the dialplan is cut behind 4,095 characters, and a lamp has up to 130.
_LAMPS_AT_ONCE: Final = 25
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9@._-]+", re.ASCII)
_REGISTRATION: Final = "OutboundRegistrationDetail"
_REGISTRATIONS: Final = {"Registered": TrunkState.REGISTERED, "Unregistered": TrunkState.TRYING}


class AsteriskControl:
    """Commands to one Asterisk; implements `services.switch_control.SwitchControl`.

    `seconds` bounds connecting and each answer; `reload_seconds` that of a reload and of a list of all
    endpoints, which take 23 s and 5 s with 20,000, and several times that on a machine that is full.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        seconds: float = 10.0,
        reload_seconds: float = 180.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._port = port
        self._username = username
        self._secret = secret
        self._seconds = seconds
        self._reload_seconds = reload_seconds
        self._clock = clock

    keeps_lamps = True
    """Asterisk keeps what it was told, and tells it to phones that register or subscribe later."""

    async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
        """Run the dialplan's context of lamps, which answers when it has told all of them.

        An Asterisk without it, or without app_minivm, has no lamps: that is no reason to try again for ever.
        """
        async with self._connected() as client:
            for start in range(0, len(lamps), _LAMPS_AT_ONCE):
                told = lamps_in(lamps[start : start + _LAMPS_AT_ONCE])
                try:
                    await client.action("Originate", Channel=_LAMPS, Application="NoOp", Variable=told)
                except ActionRefused:
                    await self._find_out_why(client)
                    return

    async def _find_out_why(self, client: AmiClient) -> None:
        """Say that there are no lamps; raise SwitchUnavailable if there should be some."""
        try:
            await client.action("ModuleCheck", Module="app_minivm.so")
        except ActionRefused:
            structlog.get_logger().warning("mwi.no_lamps", missing="app_minivm.so")
            return
        raise SwitchUnavailable("Asterisk does not run the context of lamps (cp-lamps).")

    async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:  # noqa: ARG002 (it finds the phone itself)
        """Tell all who watch it: nobody asks here, as Asterisk answers by itself."""
        await self.send_mwi([lamp])

    async def reload(self) -> None:
        """Read the call queues, the dialplan that leads into them, then the endpoints that lead into it.

        An Asterisk without app_queue has no queues; that some are missing is seen when it is asked for them.
        """
        async with self._connected(answer_seconds=self._reload_seconds) as client:
            for module in _MODULES:
                try:
                    await client.action("Reload", Module=module)
                except ActionRefused:
                    if module not in _QUEUES:
                        raise

    async def live_configuration(self, asked: Collection[str] | None = None) -> LiveConfiguration:
        """Ask for the revision in the dialplan's global variable, for the endpoints and the call queues.

        A list of all endpoints takes 0.2 s a thousand, one is asked for in 1 ms.
        """
        few = asked is not None and len(asked) <= _FEW and all(map(_ENDPOINT.fullmatch, asked))
        async with self._connected(answer_seconds=None if few else self._reload_seconds) as client:
            revision = (await client.action("Getvar", Variable=variables.REVISION)).get("Value")
            queues = await _queues(client)
            if asked is not None and few:
                names = sorted(name for name in asked if not _is_queue(name))
                endpoints = frozenset([name for name in names if await _is_endpoint(client, name)])
            else:
                endpoints = await _endpoints(client)
        return LiveConfiguration(digest=revision or None, endpoints=queues | endpoints)

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return how the registrations of trunks are. Asterisk tells passwords between them: dropped."""
        async with self._connected() as client:
            listed = await client.list_action("PJSIPShowRegistrationsOutbound", only=_REGISTRATION)
        named = ((contexts.trunk_of(one.get("ObjectName")), one) for one in listed)
        return {trunk: _registration(one) for trunk, one in named if trunk is not None}

    async def calls(self, asked: Collection[str]) -> Collection[str]:
        """Return those of these unique ids that channels have.

        A forged line in a caller's name may add an id, never hide one: every value counts.
        """
        async with self._connected() as client:
            channels = await client.list_action("CoreShowChannels")
        known = frozenset(value for channel in channels for value in channel.all("Uniqueid"))
        return known.intersection(asked)

    async def started_at(self) -> float:
        """Return when Asterisk was started, at most 1 s too early.

        From the uptime that FullyBooted tells after the login: the start time of CoreStatus is
        local time without its zone, and wrong in one hour of the year.
        """
        async with self._connected(events="system") as client:
            try:
                async with asyncio.timeout(self._seconds):
                    while (event := await client.event()).get("Event") != "FullyBooted":
                        pass
            except TimeoutError as error:
                raise SwitchUnavailable("Asterisk has not finished its start.") from error
        try:
            return self._clock() - int(event.get("Uptime")) - 1.0
        except ValueError as error:
            raise SwitchUnavailable("Asterisk does not say since when it runs.") from error

    def _connected(
        self, *, events: str = "off", answer_seconds: float | None = None
    ) -> AbstractAsyncContextManager[AmiClient]:
        return AmiClient.connected(
            self._host,
            self._port,
            username=self._username,
            secret=self._secret,
            events=events,
            seconds=self._seconds,
            answer_seconds=answer_seconds,
        )


def _registration(detail: AmiMessage) -> Registration:
    said = detail.get("Status")
    state = _REGISTRATIONS.get(said, TrunkState.FAILED)
    seconds = detail.get("NextReg")
    retry = int(seconds) if seconds.isdecimal() and state is not TrunkState.REGISTERED else None
    return Registration(state=state, said=said, retry_seconds=retry)


async def _endpoints(client: AmiClient) -> frozenset[str]:
    """Return the names of all endpoints."""
    try:
        listed = await client.list_action("PJSIPShowEndpoints")
    except ActionRefused as error:
        if error.message != _NO_ENDPOINTS:
            raise
        return frozenset()
    return frozenset(endpoint.get("ObjectName") for endpoint in listed)


async def _is_endpoint(client: AmiClient, name: str) -> bool:
    """Say whether there is an endpoint. What Asterisk tells of one has secrets: dropped.

    The state of its device would have none, and outlives it.
    """
    try:
        await client.list_action("PJSIPShowEndpoint", Endpoint=name)
    except ActionRefused as error:
        if not error.message.startswith(_NO_ENDPOINT):
            raise
        return False
    return True


def _is_queue(name: str) -> bool:
    return name.startswith(_QUEUE_PREFIX) and contexts.trunk_of(name) is None


async def _queues(client: AmiClient) -> frozenset[str]:
    """Return the names of our queues; none where app_queue is not loaded."""
    try:
        summaries = await client.list_action("QueueSummary")
    except ActionRefused:
        return frozenset()
    names = (summary.get("Queue") for summary in summaries)
    return frozenset(name for name in names if name.startswith(_QUEUE_PREFIX))
