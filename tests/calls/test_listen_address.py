"""`up --listen 0.0.0.0 --external-address`: phones elsewhere are told how to reach us, phones nearby too."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from controlplane.callflows.prompts import Prompt
from controlplane.entrypoints.ready import reachable_host
from controlplane.supervisor.instance import Instance
from tests.support.processes import open_folder
from tests.support.product import SHORT, Product, until
from tests.support.raw_sip import RawPhone, addresses_told

# One instance of each switch for all of them.
pytestmark = pytest.mark.xdist_group("listen-address")

INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
BEEP = 1000


@pytest.fixture(scope="module")
def external() -> str:
    """Return an address of this machine that is not loopback."""
    address = reachable_host("0.0.0.0", None)
    if ipaddress.ip_address(address).is_loopback:
        pytest.skip("this machine has only loopback addresses")
    return address


@pytest.fixture(scope="module")
def open_product(switch: str, external: str) -> Iterator[Product]:
    """Run a product that listens on all addresses and calls only INSIDE a local network."""
    with open_folder() as folder:
        instance = Instance(folder / "state")
        networks = {"CONTROLPLANE_SIP__LOCAL_NETWORKS": f'["{INSIDE}/32"]'}
        options = ("--switch", switch, "--listen", "0.0.0.0", "--external-address", external)
        instance.start(*options, environment={**SHORT, **networks})
        yield Product(instance)

        assert instance.stop() == 0, instance.last_words()


@pytest.fixture
def met(switch: str, external: str) -> str:
    """Return where phones nearby meet the switch: FreeSWITCH listens on the machine's own address alone."""
    return {"asterisk": INSIDE, "freeswitch": external}[switch]


async def told(product: Product, met: str, caller: str, box: str) -> tuple[str, str]:
    """Call from an address, and return which addresses the answer names."""
    async with RawPhone((met, product.server.port), address=caller).opened() as phone:
        call = phone.call(box)
        await call.wait_answered(20)
        return addresses_told(call.answer)


async def test_registered_phone_leaves_a_message_by_the_external_address(
    open_product: Product, external: str, message_wav: Path
) -> None:
    """A phone that knows only the external address registers, is told no other one, and leaves a message."""
    box = await open_product.mailbox()
    async with open_product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
        log = call.call.recording.with_name("phone.log").read_text(errors="replace")
    (message,) = await open_product.wait_for_messages(box, 1)
    (answer,) = re.findall(r"\.RX .* msg 200/INVITE/.*?--end msg--", log, re.DOTALL)

    assert message["duration_ms"] > 3000
    assert (external, (external, external)) == (open_product.server.address, addresses_told(answer))


async def test_phone_outside_the_local_networks_is_told_the_external_address(
    open_product: Product, external: str, met: str
) -> None:
    """Contact and media name the external address for a phone beyond the local networks."""
    box = await open_product.mailbox()

    assert (external, external) == await told(open_product, met, OUTSIDE, box)


async def test_phone_inside_the_local_networks_is_told_the_inner_address(
    open_product: Product, met: str
) -> None:
    """Contact and media name the address at which a phone of a local network met us."""
    box = await open_product.mailbox()

    assert (met, met) == await told(open_product, met, INSIDE, box)


async def test_caller_from_outside_leaves_a_message_by_the_named_address(
    open_product: Product, external: str
) -> None:
    """Audio that is sent to the address named in the answer becomes a message."""
    box = await open_product.mailbox()
    async with RawPhone((external, open_product.server.port), address=OUTSIDE).opened() as phone:
        call = phone.call(box)
        await call.wait_answered(20)
        await call.wait_tone(BEEP)
        for _ in range(80):
            await phone.media_sent()
        call.hang_up()
        await until(call.ended.is_set, "the end of the call")
    (message,) = await open_product.wait_for_messages(box, 1)

    assert message["duration_ms"] > 1000


async def test_own_address_of_the_switch_is_local(open_product: Product, switch: str, external: str) -> None:
    """A switch names the external address only in place of a local one, so its own is made local."""
    file, line = {
        "asterisk": ("pjsip.conf", f"local_net={external}/32"),
        "freeswitch": ("cp-configuration.xml", f'<node type="allow" cidr="{external}/32"/>'),
    }[switch]
    rendered = Path(open_product.ready["configuration_dir"]) / "live" / switch / file

    assert line in [each.strip() for each in rendered.read_text().splitlines()]
