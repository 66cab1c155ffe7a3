"""What `events` and `jobs` do about the registrations of trunks, at a switch of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from controlplane.domain.event_socket import EventSocketUser, user_password
from controlplane.domain.routing.trunk_state import HeardAnswer
from controlplane.services.trunk_states import look, note_heard
from controlplane.storage.database import Database
from controlplane.switches.asterisk.events import AsteriskEvents
from controlplane.switches.freeswitch.events import FreeSwitchEvents
from tests.support.call_contract import meanwhile
from tests.support.dialplan_rig import DialplanRig
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig
from tests.support.rig import Rig


@asynccontextmanager
async def answers_kept(rig: Rig, database: Database) -> AsyncIterator[None]:
    """Keep what providers answer until the block ends; the switch is listened to when it begins."""
    listened = asyncio.Event()
    told: asyncio.Queue[Awaitable[object]] = asyncio.Queue()

    def on_heard(heard: HeardAnswer) -> None:
        told.put_nowait(note_heard(database, heard, at=datetime.now(UTC)))

    def on_look() -> None:
        told.put_nowait(look(database, rig.control, at=datetime.now(UTC)))

    def on_booted() -> None:
        listened.set()
        on_look()

    async def keep() -> None:
        while True:
            await (await told.get())

    match rig:
        case FreeswitchRig():
            user = EventSocketUser.EVENTS
            running = FreeSwitchEvents(
                host="127.0.0.1",
                port=rig.event_port,
                user=user.address,
                password=user_password(user, secret=PASSWORD),
                on_record_stop=lambda _: None,
                on_booted=on_booted,
                on_lamp_query=lambda _: None,
                on_trunk=on_heard,
            ).run()
        case DialplanRig():
            manager = rig.context.installation.manager
            running = AsteriskEvents(
                host="127.0.0.1",
                port=rig.manager_port,
                username=manager.username,
                secret=manager.secret,
                on_hangup=lambda _: None,
                on_booted=on_booted,
                on_trunk=on_look,
            ).run()
        case _:
            raise AssertionError(rig)
    async with meanwhile(asyncio.create_task(running)), meanwhile(asyncio.create_task(keep())):
        await asyncio.wait_for(listened.wait(), 10)
        yield
