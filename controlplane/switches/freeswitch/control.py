"""The SwitchControl port over the inbound Event Socket: reload, verify, ask for calls, light lamps.

Each on a short connection. `reloadxml` answers when the new tree is in its place, or with what was
wrong with it, and the old one stays; it says `+OK` in both cases, and `[Success]` in the first alone.
Gateways are no part of that tree: a profile has those that it was told of, until it is told otherwise.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

import structlog

from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.switches import contexts
from controlplane.switches.freeswitch import queues, variables
from controlplane.switches.freeswitch.command import UnsendableArgument, is_word
from controlplane.switches.freeswitch.inbound import InboundClient
from controlplane.switches.freeswitch.lamp_events import presence, waiting

_SUCCESS: Final = "+OK [Success]"
_REASON_CHARS: Final = 300
# The first word of the variable that names the gateways, and how each one's name begins.
_OURS: Final = "ours"
_GATEWAY: Final = "cp-trunk-"
_GATEWAY_STATE: Final = re.compile(
    r"<gateway>\s*<name>([^<]*)</name>.*?<state>([A-Z_]+)</state>\s*</gateway>(?:\s*\(retry: (\d+)s\))?",
    re.DOTALL,
)
_REGISTRATIONS: Final = {
    "REGED": TrunkState.REGISTERED,
    # It is registered still when it asks anew before the time is over.
    **dict.fromkeys(("UNREGED", "TRYING", "REGISTER"), TrunkState.TRYING),
}
# So many users are asked for one by one.
_FEW: Final = 300
# The column of `list_users` with the domain; before it stand user and context.
_DOMAIN: Final = 2


class FreeSwitchControl:
    """Commands to one FreeSWITCH; implements `services.switch_control.SwitchControl`.

    `seconds` bounds connecting and each answer; `reload_seconds` that of a reload and of a list of all
    users, which take seconds with thousands of extensions. `realm` and `profile` are those of the phones.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        password: str,
        user: str | None = None,
        seconds: float = 10.0,
        reload_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
        realm: str = "",
        profile: str = "shared-voicemail",
    ) -> None:
        self._realm = realm
        self._profile = profile
        self._host = host
        self._port = port
        self._password = password
        self._user = user
        self._seconds = seconds
        self._reload_seconds = reload_seconds
        self._clock = clock

    keeps_lamps = False
    """A phone that asks is asked for: nothing is kept of what was told."""

    async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
        """Have the switch notify every phone that watches these numbers, by its lamp or a BLF key."""
        async with self.connected() as client:
            for lamp in lamps:
                profile = (("Sofia-Profile", self._profile),)
                await client.send_event(
                    "MESSAGE_WAITING", waiting(lamp, domain=self._realm, reply_to=profile)
                )
                for key in lamp.keys if lamp.tenant is None else ():
                    await client.send_event("PRESENCE_IN", presence(lamp, key, domain=self._realm))

    async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:
        """Have the switch notify the phone that asked."""
        if query.key is None:
            event, fields = "MESSAGE_WAITING", waiting(lamp, domain=query.domain, reply_to=query.reply_to)
        else:
            event = "PRESENCE_IN"
            fields = [*presence(lamp, query.key, domain=query.domain), *query.reply_to]
        async with self.connected() as client:
            try:
                await client.send_event(event, fields)
            except UnsendableArgument:
                # What a phone called its dialog; it gets no answer, and others are not held up.
                structlog.get_logger().warning("mwi.unsendable", number=lamp.number)

    async def reload(self) -> None:
        """Read dialplan and directory anew, which are looked up for every call; then the call queues."""
        async with self.connected(answer_seconds=self._reload_seconds) as client:
            answer = await client.api("reloadxml")
            if _SUCCESS not in answer:
                raise SwitchRefused(f"FreeSWITCH kept its old configuration: {answer[:_REASON_CHARS]}")
            await queues.reload_queues(client)
            await self._follow_gateways(client)

    async def _follow_gateways(self, client: InboundClient) -> None:
        """Have the profile know the gateways that the new tree names, and no other of ours.

        Another setting makes another name. `rescan` adds what is new and disturbs no gateway that is there.
        """
        wanted = await self._wanted_gateways(client)
        if wanted is None:
            return
        known = await self._gateways(client)
        for name in sorted(known - wanted):
            await client.api(f"sofia profile {self._profile} killgw {name}")
        if wanted - known:
            answer = await client.api(f"sofia profile {self._profile} rescan")
            if "+OK" not in answer:
                raise SwitchRefused(f"FreeSWITCH does not know its SIP profile: {answer[:_REASON_CHARS]}")

    async def _wanted_gateways(self, client: InboundClient) -> frozenset[str] | None:
        """Return the gateways that the tree names; None where the profile is not ours."""
        owner, *names = (await client.api(f"global_getvar {variables.GATEWAYS}")).split() or [""]
        return frozenset(names) if owner == _OURS else None

    async def _gateways(self, client: InboundClient) -> frozenset[str]:
        """Return the gateways that the profile knows, registered or not."""
        found: set[str] = set()
        for state in ("up", "down"):
            answer = await client.api(f"sofia profile {self._profile} gwlist {state}")
            found.update(name for name in answer.split() if name.startswith(_GATEWAY))
        return frozenset(found)

    async def live_configuration(self, asked: Collection[str] | None = None) -> LiveConfiguration:
        """Ask for the revision in the global variable, for users of the directory, gateways and queues.

        A list of all looks for the phones of each, which takes 50 ms a thousand; one is asked for in 4 ms.
        """
        users = None if asked is None else sorted(name for name in asked if "@" in name)
        few = users is not None and len(users) <= _FEW
        async with self.connected(answer_seconds=None if few else self._reload_seconds) as client:
            revision = await client.api(f"global_getvar {variables.REVISION}")
            if users is None or not few:
                known = _users(await client.api("list_users"))
            else:
                known = frozenset().union(*[await _user(client, name) for name in users])
            ours = await self._wanted_gateways(client) is not None
            gateways = await self._gateways(client) if ours else frozenset()
            names = await queues.queue_names(client)
        return LiveConfiguration(
            digest=revision if revision and not revision.startswith("-ERR") else None,
            endpoints=known | gateways | names,
        )

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return how the registrations of trunks are, from one list of everything that SIP has."""
        async with self.connected() as client:
            listed = await client.api("sofia xmlstatus")
        found: dict[UUID, Registration] = {}
        for name, said, retry in _GATEWAY_STATE.findall(listed):
            trunk = contexts.trunk_of(name)
            if trunk is not None:
                found[trunk] = Registration(
                    state=_REGISTRATIONS.get(said, TrunkState.FAILED),
                    said=said,
                    retry_seconds=int(retry) if retry else None,
                )
        return found

    async def calls(self, asked: Collection[str]) -> Collection[str]:
        """Ask for each of these channels whether it is there.

        There is no list of all: FreeSWITCH would write each step of each call into a database for it.
        """
        async with self.connected() as client:
            return [call for call in asked if is_word(call) and await client.call_exists(call)]

    async def started_at(self) -> float:
        """Return when FreeSWITCH was started, at most 1 s too early."""
        async with self.connected() as client:
            answer = await client.api("uptime s")
        try:
            return self._clock() - int(answer) - 1.0
        except ValueError as error:
            raise SwitchUnavailable("FreeSWITCH does not say since when it runs.") from error

    def connected(self, *, answer_seconds: float | None = None) -> AbstractAsyncContextManager[InboundClient]:
        """Return a connection for several commands; raises SwitchUnavailable."""
        return InboundClient.connected(
            self._host,
            self._port,
            password=self._password,
            user=self._user,
            seconds=self._seconds,
            answer_seconds=answer_seconds,
        )


async def _user(client: InboundClient, name: str) -> frozenset[str]:
    """Return the name of a user if the directory has it, else nothing."""
    number, _, domain = name.rpartition("@")
    if not (is_word(number) and is_word(domain)):
        return frozenset()
    return _users(await client.api(f"list_users user {number} domain {domain}"))


def _users(answer: str) -> frozenset[str]:
    """Read `list_users` as `user@domain`: a heading, a line a user and group, an empty line, `+OK`."""
    heading, *lines = answer.splitlines() or [""]
    if answer.startswith("-ERR") or not answer.endswith("+OK") or not heading.startswith(("userid|", "+OK")):
        raise SwitchUnavailable("FreeSWITCH does not say which users it has.")
    columns = [line.split("|", 3) for line in lines if "|" in line]
    if any(len(fields) <= _DOMAIN for fields in columns):
        raise SwitchUnavailable("FreeSWITCH does not say which users it has.")
    return frozenset(f"{fields[0]}@{fields[_DOMAIN]}" for fields in columns)
