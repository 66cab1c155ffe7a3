"""Extensions call each other, on all their phones."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import ACME, DialplanRig, run_dialplan
from tests.support.raw_sip import RawPhone


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture
async def caller(rig: DialplanRig) -> AsyncIterator[RawPhone]:
    """Open a phone that calls."""
    async with RawPhone(rig.server).opened() as opened:
        yield opened


@pytest.fixture
async def callee(rig: DialplanRig) -> AsyncIterator[RawPhone]:
    """Open a phone that is called and says busy."""
    async with RawPhone(rig.server).opened() as opened:
        yield opened


async def test_an_extension_registers(callee: RawPhone) -> None:
    """The stored hash of a SIP password lets its phone in."""
    assert 200 == await callee.register("102", "password-102")


async def test_a_wrong_password_does_not_register(callee: RawPhone) -> None:
    """Nobody registers with another password."""
    assert 401 == await callee.register("102", "wrong")


async def test_a_stranger_does_not_register(callee: RawPhone) -> None:
    """A number that is no extension has nowhere to register."""
    assert await callee.register("555", "password-555") in {401, 403, 404}


async def test_all_phones_of_an_extension_ring(rig: DialplanRig, caller: RawPhone, callee: RawPhone) -> None:
    """Two phones registered as 102 both get the call, with the caller's provisioned name."""
    async with RawPhone(rig.server).opened() as second:
        assert 200 == await callee.register("102", "password-102")
        assert 200 == await second.register("102", "password-102")
        call = caller.call("102", user="101", password="password-101")
        await call.wait_ended()

        assert (1, 1) == (len(callee.invited), len(second.invited))
        assert b"sip:101@" in callee.invited[0]


async def test_busy_is_passed_on(caller: RawPhone, callee: RawPhone) -> None:
    """The caller of a busy extension is told so."""
    await callee.register("102", "password-102")
    call = caller.call("102", user="101", password="password-101")
    await call.wait_ended()

    assert 486 == call.statuses[-1]


async def test_an_outsider_reaches_an_extension(caller: RawPhone, callee: RawPhone) -> None:
    """A call from outside reaches the number of an extension."""
    await callee.register("102", "password-102")
    call = caller.call("102", user="4930123")
    await call.wait_ended()

    assert 1 == len(callee.invited)


async def test_an_extension_of_another_tenant_is_reached_there(
    rig: DialplanRig, caller: RawPhone, callee: RawPhone
) -> None:
    """101 at acme.example is another phone than 101 of the default tenant."""
    rig.route("101", "extension", UUID(int=3), ACME)
    assert 200 == await callee.register("101", "password-101", domain="acme.example")
    call = caller.call("101", user="4930123", domain="acme.example")
    await call.wait_ended()

    assert (1, 486) == (len(callee.invited), call.statuses[-1])


async def test_nobody_at_home_is_unavailable(caller: RawPhone) -> None:
    """An extension without a phone ends in a refusal, not in silence."""
    call = caller.call("101", user="4930123")
    await call.wait_ended()

    assert call.statuses[-1] in {480, 503}


@pytest.mark.parametrize("user", [b"102,1,G(cp-check)", b"102&PJSIP/101/sip:101"])
async def test_a_contact_stays_one_address(caller: RawPhone, callee: RawPhone, user: bytes) -> None:
    """A registered contact adds neither options nor destinations to Dial."""
    contact = b"<sip:%s@127.0.0.1:%d>" % (user, callee.sip_port)
    assert 200 == await callee.register("102", "password-102", contact=contact)
    call = caller.call("102", user="4930123")
    await call.wait_ended()

    assert (1, 486) == (len(callee.invited), call.statuses[-1])
