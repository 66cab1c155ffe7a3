"""A trunk whose provider has an address of IPv6: a real switch registers there."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from collections.abc import Iterator
from uuid import UUID

import pytest
from controlplane.domain.routing.trunk_state import TrunkState
from controlplane.rendering.context_inbound import TrunkContext
from tests.support.product import until_told
from tests.support.rig import Rig
from tests.support.rigs import run_rig

pytestmark = pytest.mark.xdist_group("dialplan-trunks-ipv6")

TRUNK = UUID(int=0xA6)
LIMIT_SECONDS = 20


class SmallProvider:
    """Takes registrations on an address of IPv6, and asks for no password."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.bind(("::1", 0))
        self._socket.settimeout(LIMIT_SECONDS)
        self.port = int(self._socket.getsockname()[1])

    def take(self) -> str:
        """Wait for a REGISTER, answer that it is taken, and return it."""
        data, sender = self._socket.recvfrom(65_536)
        text = data.decode()
        kept = re.findall(r"^(?:Via|From|Call-ID|CSeq|Contact):.*\r\n", text, re.MULTILINE | re.IGNORECASE)
        (to,) = re.findall(r"^To:.*\r\n", text, re.MULTILINE)
        answer = (
            f"SIP/2.0 200 OK\r\n{''.join(kept)}{to[:-2]};tag=1\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n"
        )
        self._socket.sendto(answer.encode(), sender)
        return text

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@pytest.fixture(scope="module")
def small_provider() -> Iterator[SmallProvider]:
    """Open the provider."""
    try:
        made = SmallProvider()
    except OSError:
        pytest.skip("This machine has no IPv6: give its loopback the address ::1.")
    yield made
    made.close()


@pytest.fixture(scope="module")
def rig(
    switch: str, small_provider: SmallProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rig]:
    """Run the switch on an address of IPv6, with a trunk to the provider."""
    trunk = TrunkContext(
        id=TRUNK, host="::1", port=small_provider.port, username="company", password="sw0rdfish"
    )
    with run_rig(
        switch,
        tmp_path_factory.mktemp("ipv6"),
        change=lambda tenants: (dataclasses.replace(tenants[0], trunks=(trunk,)), *tenants[1:]),
        listen="[::1]",
    ) as running:
        yield running


async def test_we_register_at_an_address_of_ipv6(rig: Rig, small_provider: SmallProvider) -> None:
    """The address is in brackets wherever SIP has it, and the switch says that we are registered."""
    asked = await asyncio.to_thread(small_provider.take)
    begin = asked.splitlines()[0]
    (sender,) = re.findall(r"^From:.*<sip:company@([^>;]*)", asked, re.MULTILINE)

    async def registered() -> bool:
        found = (await rig.control.registrations()).get(TRUNK)
        return found is not None and found.state is TrunkState.REGISTERED

    assert begin.startswith(f"REGISTER sip:[::1]:{small_provider.port}")
    assert sender.startswith("[::1]")
    await until_told(registered, "a registration")
