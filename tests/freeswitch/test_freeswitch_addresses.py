"""`up --external-address` on FreeSWITCH, where the external address is none of this machine's."""

from __future__ import annotations

import ipaddress

import pytest
from controlplane.entrypoints.ready import reachable_host
from controlplane.supervisor.instance import Instance
from tests.support.processes import open_folder
from tests.support.product import SHORT, Product
from tests.support.raw_sip import RawPhone, addresses_told

INSIDE = "127.0.0.1"
EXTERNAL = "203.0.113.7"


async def test_phone_inside_the_local_networks_is_told_our_own_address() -> None:
    """Contact and media name our own address, at which the phone met us, and not the external one.

    Who is told the external one cannot be shown on one machine: to FreeSWITCH all of 127.0.0.0/8 is local.
    """
    own = reachable_host("0.0.0.0", None)
    if ipaddress.ip_address(own).is_loopback:
        pytest.skip("this machine has only loopback addresses")
    with open_folder() as folder:
        instance = Instance(folder / "state")
        networks = {"CONTROLPLANE_SIP__LOCAL_NETWORKS": f'["{INSIDE}/32"]'}
        options = ("--switch", "freeswitch", "--listen", "0.0.0.0", "--external-address", EXTERNAL)
        instance.start(*options, environment={**SHORT, **networks})
        try:
            server = (own, Product(instance).server.port)
            async with RawPhone(server, address=INSIDE).opened() as phone:
                call = phone.call("8001")
                await call.wait_answered(20)
                told = addresses_told(call.answer)
        finally:
            instance.stop()

    assert (own, own) == told
