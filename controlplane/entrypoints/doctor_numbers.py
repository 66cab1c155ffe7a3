"""What `controlplane doctor` says of numbers of ours that a switch with users of its own answers itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Final

from controlplane.domain.clashes import Clash, ExistingDialplan, as_ranges, find_clashes
from controlplane.domain.errors import Unavailable
from controlplane.domain.event_socket import EventSocketUser
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.storage import numbers
from controlplane.storage.database import Database
from controlplane.switches.asterisk import dialplan as asterisk
from controlplane.switches.asterisk.ami import AmiClient
from controlplane.switches.freeswitch import dialplan as freeswitch
from controlplane.switches.freeswitch.inbound import InboundClient

_SUBJECT: Final = "numbers"
_SECONDS: Final = 15.0
_CLASHES_SHOWN: Final = 200
_RANGES_SHOWN: Final = 200
_NAME_CHARS: Final = 80
_CONTEXTS_SHOWN: Final = 5
_REMEDY: Final = (
    "Give one of the two another number. Then reserve what the switch keeps (`POST /numbers/reserved`),"
    " so that nothing here gets it."
)


async def check_numbers(settings: Settings) -> list[Finding]:
    """No number of ours belongs to the dialplan of a switch that has phones of its own."""
    if settings.switch == "none" or settings.sip.phones:
        return []
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        async with database.transaction() as session:
            ours = await numbers.everything_dialled(session)
        dialplan, contexts = await _read(settings)
    except Unavailable as error:
        found = f"could not be compared with the switch's own: {error}"
        return [Finding(subject=_SUBJECT, found=found, remedy="See the findings above.")]
    finally:
        await database.close()
    deadline = time.monotonic() + _SECONDS
    clashes = await asyncio.to_thread(
        find_clashes, dialplan, contexts=contexts, ours=ours, in_time=lambda: time.monotonic() < deadline
    )
    if clashes is None:
        found = f"comparing {len(ours)} of them with the switch's own takes over {_SECONDS:.0f} seconds"
        return [Finding(subject=_SUBJECT, found=found, remedy="Run it when the machine has less to do.")]
    if not clashes:
        return [Finding(subject=_SUBJECT, found=_nothing(dialplan, contexts))]
    several = len({dialled.tenant_id for dialled in ours}) > 1
    return [*(_finding(clash, several=several) for clash in clashes[:_CLASHES_SHOWN]), *_others(clashes)]


async def _read(settings: Settings) -> tuple[ExistingDialplan, Collection[str]]:
    """Return the dialplan and the contexts in which users of the switch dial; raises SwitchUnavailable."""
    if settings.switch == "asterisk":
        manager = settings.manager
        async with AmiClient.connected(
            manager.host,
            manager.port,
            username=manager.username,
            secret=manager.secret.get_secret_value(),
            events="off",
            seconds=_SECONDS,
        ) as client:
            return await asterisk.read_dialplan(client), await asterisk.contexts_of_endpoints(client)
    log_in = log_in_of(settings, EventSocketUser.DOCTOR)
    async with InboundClient.connected(
        settings.event_socket.host,
        settings.event_socket.port,
        user=log_in.user,
        password=log_in.password,
        seconds=_SECONDS,
    ) as socket:
        return await freeswitch.read_dialplan(socket), await freeswitch.contexts_of_users(socket)


def _nothing(dialplan: ExistingDialplan, contexts: Collection[str]) -> str:
    looked_at = sorted({*dialplan.handing_over(), *contexts})
    if not looked_at:
        return "no context of the switch hands numbers over to us"
    shown = ", ".join(map(_printable, looked_at[:_CONTEXTS_SHOWN]))
    more = f" and {len(looked_at) - _CONTEXTS_SHOWN} more" if len(looked_at) > _CONTEXTS_SHOWN else ""
    return f"the switch answers none of ours itself (contexts {shown}{more})"


def _finding(clash: Clash, *, several: bool) -> Finding:
    ranges = as_ranges(clash.numbers)
    shown = ", ".join(ranges[:_RANGES_SHOWN])
    more = f" and {len(ranges) - _RANGES_SHOWN} more" if len(ranges) > _RANGES_SHOWN else ""
    whose = f" of tenant {clash.tenant}" if several else ""
    where = f"extension {_printable(clash.answer.extension)} of context {_printable(clash.answer.context)}"
    return Finding(
        subject=_SUBJECT, found=f"{shown}{more}{whose}: the switch answers by {where}", remedy=_REMEDY
    )


def _others(clashes: list[Clash]) -> list[Finding]:
    others = len(clashes) - _CLASHES_SHOWN
    if others <= 0:
        return []
    return [Finding(subject=_SUBJECT, found=f"{others} more extensions of the switch do", remedy=_REMEDY)]


def _printable(name: str) -> str:
    """Return a name of the switch's configuration as it may stand on a terminal."""
    text = "".join(character if character.isprintable() else "?" for character in name)
    return text if len(text) <= _NAME_CHARS else f"{text[:_NAME_CHARS]}…"
