"""Sends the one call of a rig elsewhere, as somebody who transfers it does, by the switch's own console."""

from __future__ import annotations

from tests.support.rig import Rig


async def redirect(rig: Rig, call_id: str, number: str, context: str) -> None:
    """Send the call that has this id to a number in a context of the dialplan.

    On FreeSWITCH not while it is recorded: `record` hangs up whom somebody takes away (mod_dptools.c).
    A call there that is driven goes when its server has closed the link.
    """
    if rig.switch == "freeswitch":
        await rig.ask(f"uuid_transfer {call_id} {number} XML {context}")
        return
    # What redirects channels is a module of its own, which the product has no use for.
    await rig.ask("module load res_clioriginate.so")
    lines = (await rig.ask("core show channels concise")).splitlines()
    (channel,) = (line.partition("!")[0] for line in lines if "!" in line)
    await rig.ask(f"channel redirect {channel} {context},{number},1")
