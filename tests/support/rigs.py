"""The rig of a switch by its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.freeswitch_rig import run_freeswitch
from tests.support.rig import Change, Rig
from tests.support.small_freeswitch import SmallFreeSwitch, run_small_freeswitch


@contextmanager
def run_rig(
    switch: str,
    home: Path,
    *,
    acme_domain: str = "acme.example",
    change: Change = lambda tenants: tenants,
    listen: str = "127.0.0.1",
) -> Iterator[Rig]:
    """Run the rendered dialplan on a switch until the block ends; `change` adds to its tenants.

    SIP is on the address `listen`, one of IPv6 in brackets.
    """
    if switch == "asterisk":
        asterisk = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
        with run_dialplan(asterisk, home, acme_domain=acme_domain, tenants=change, listen=listen) as running:
            yield running
    else:
        freeswitch = find_freeswitch(os.environ, progress=lambda _: None)
        with run_freeswitch(
            freeswitch, home, acme_domain=acme_domain, tenants=change, listen=listen
        ) as also_running:
            yield also_running


@contextmanager
def run_contract_rig(switch: str, home: Path) -> Iterator[DialplanRig | SmallFreeSwitch]:
    """Run what the harness of the Call contract needs until the block ends."""
    if switch == "asterisk":
        asterisk = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
        with run_dialplan(asterisk, home, alice="Alice") as running:
            yield running
    else:
        with run_small_freeswitch() as also_running:
            yield also_running
