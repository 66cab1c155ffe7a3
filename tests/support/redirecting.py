"""Sends the one call of a rig elsewhere, as somebody who transfers it does, by the switch's own console."""

from __future__ import annotations

import asyncio

from tests.support.rig import DEFAULT, Rig


async def redirect(rig: Rig, number: str, context: str) -> None:
    """Send the call to a number in a context of the dialplan."""
    channel = await _channel(rig)
    if rig.switch == "asterisk":
        await rig.ask(f"channel redirect {channel} {context},{number},1")
    else:
        await rig.ask(f"uuid_transfer {channel} {number} XML {context}")


async def redirect_by_hours(rig: Rig, schedule: str, *, prefix: str) -> None:
    """Send the call to `prefix` and the digit that the switch's own routing makes of a schedule.

    Asterisk gets a context for it by its console, FreeSWITCH a script.
    """
    channel = await _channel(rig)
    outside = f"cp-outside-{DEFAULT}"
    if rig.switch == "asterisk":
        for priority, application in enumerate(
            (f"Gosub(cp-hours,s,1({schedule}))", f"Goto({outside},{prefix}${{CP_HOURS}},1)"), start=1
        ):
            await rig.ask(f"dialplan add extension s,{priority},{application} into cp-hours-test replace")
        await rig.ask(f"channel redirect {channel} cp-hours-test,s,1")
        return
    live = rig.home / "configuration/live/freeswitch"
    script = rig.home / "hours-test.lua"
    script.write_text(
        f'local routing = dofile("{live}/cp_routing.lua")\n'
        f'session:transfer("{prefix}" .. routing.hours({_lua(schedule)}), "XML", "{outside}")\n'
    )
    await rig.ask(f"uuid_transfer {channel} lua:{script} inline")


async def _channel(rig: Rig, limit: float = 10) -> str:
    """Wait until the one call is being recorded by the fall-back, and return its channel's name."""
    async with asyncio.timeout(limit):
        while True:
            if rig.switch == "asterisk":
                # What redirects channels is a module of its own, which the product has no use for.
                await rig.ask("module load res_clioriginate.so")
                lines = (await rig.ask("core show channels concise")).splitlines()
                found = [line.partition("!")[0] for line in lines if "!" in line]
            else:
                # FreeSWITCH keeps no list of calls; a take is named after its channel.
                found = [path.name[3:39] for path in rig.spool.glob("fb-*.wav")]
            if len(found) == 1:
                return found[0]
            await asyncio.sleep(0.05)


def _lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
