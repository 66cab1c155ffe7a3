"""The SwitchControl port over the inbound Event Socket: reload, verify, ask for calls.

Each on a short connection. `reloadxml` answers when the new tree is in its place, or with what was
wrong with it, and the old one stays; it says `+OK` in both cases, and `[Success]` in the first alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Final

from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.switches.freeswitch import variables
from controlplane.switches.freeswitch.inbound import InboundClient

_SUCCESS: Final = "+OK [Success]"
_REASON_CHARS: Final = 300


class FreeSwitchControl:
    """Commands to one FreeSWITCH; implements `services.switch_control.SwitchControl`.

    `seconds` bounds connecting and each answer; `reload_seconds` that of a reload, which takes
    seconds with thousands of extensions. `settle_seconds` is how far its list of channels may lag.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        password: str,
        seconds: float = 10.0,
        reload_seconds: float = 60.0,
        settle_seconds: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._port = port
        self._password = password
        self._seconds = seconds
        self._reload_seconds = reload_seconds
        self._settle_seconds = settle_seconds
        self._clock = clock

    async def reload(self) -> None:
        """Read dialplan and directory anew; both are looked up in the tree for every call."""
        async with self._connected(seconds=self._reload_seconds) as client:
            answer = await client.api("reloadxml")
        if _SUCCESS not in answer:
            raise SwitchRefused(f"FreeSWITCH kept its old configuration: {answer[:_REASON_CHARS]}")

    async def live_configuration(self) -> LiveConfiguration:
        """Ask for the revision in the global variable and for the users of the directory."""
        async with self._connected() as client:
            revision = await client.api(f"global_getvar {variables.REVISION}")
            users = await client.api("list_users")
        return LiveConfiguration(
            digest=revision if revision and not revision.startswith("-ERR") else None,
            endpoints=_users(users),
        )

    async def calls(self) -> Collection[str]:
        """Return the ids of all channels that were there when it was asked, a moment later.

        FreeSWITCH writes them into its list behind the calls; 0.1 s was seen.
        """
        await asyncio.sleep(self._settle_seconds)
        async with self._connected() as client:
            answer = await client.api("show channels as json")
        try:
            channels = json.loads(answer)
            rows = channels.get("rows", [])
            if channels["row_count"] != len(rows):
                raise SwitchUnavailable("A list of FreeSWITCH is not complete.")
            return frozenset(str(row["uuid"]) for row in rows)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SwitchUnavailable("FreeSWITCH does not say which calls it has.") from error

    async def started_at(self) -> float:
        """Return when FreeSWITCH was started, at most 1 s too early."""
        async with self._connected() as client:
            answer = await client.api("uptime s")
        try:
            return self._clock() - int(answer) - 1.0
        except ValueError as error:
            raise SwitchUnavailable("FreeSWITCH does not say since when it runs.") from error

    def _connected(self, *, seconds: float | None = None) -> AbstractAsyncContextManager[InboundClient]:
        return InboundClient.connected(
            self._host, self._port, password=self._password, seconds=seconds or self._seconds
        )


def _users(answer: str) -> frozenset[str]:
    """Read the first column of `list_users`: a heading, a line a user and group, an empty line, `+OK`."""
    heading, *lines = answer.splitlines() or [""]
    if answer.startswith("-ERR") or not answer.endswith("+OK") or not heading.startswith(("userid|", "+OK")):
        raise SwitchUnavailable("FreeSWITCH does not say which users it has.")
    return frozenset(line.partition("|")[0] for line in lines if "|" in line)
