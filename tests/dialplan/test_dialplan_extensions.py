"""Extensions call each other, on all their phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig


@pytest.fixture
async def caller(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone that calls."""
    async with RawPhone(rig.server).opened() as opened:
        yield opened


@pytest.fixture
async def callee(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone that is called and says busy."""
    async with RawPhone(rig.server).opened() as opened:
        yield opened


async def test_an_extension_registers(callee: RawPhone) -> None:
    """The stored hash of a SIP password lets its phone in."""
    assert 200 == await callee.register("102", "password-102")


async def test_a_wrong_password_does_not_register(callee: RawPhone) -> None:
    """Nobody registers with another password."""
    assert await callee.register("102", "wrong") in {401, 403}


async def test_a_stranger_does_not_register(callee: RawPhone) -> None:
    """A number that is no extension has nowhere to register."""
    assert await callee.register("555", "password-555") in {401, 403, 404}


async def test_all_phones_of_an_extension_ring(rig: Rig, caller: RawPhone, callee: RawPhone) -> None:
    """Two phones registered as 102 both get the call, with the caller's provisioned number."""
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


async def test_nobody_at_home_is_unavailable(caller: RawPhone) -> None:
    """An extension without a phone ends in a refusal, not in silence."""
    call = caller.call("101", user="4930123")
    await call.wait_ended()

    assert call.statuses[-1] in {480, 503}


@pytest.mark.parametrize("user", [b"102,1,G(cp-check)", b"102&PJSIP/101/sip:101", b"102%7Csofia/x"])
async def test_a_contact_stays_one_address(caller: RawPhone, callee: RawPhone, user: bytes) -> None:
    """A registered contact adds neither options nor destinations to what is dialled."""
    contact = b"<sip:%s@127.0.0.1:%d>" % (user, callee.sip_port)
    assert 200 == await callee.register("102", "password-102", contact=contact)
    call = caller.call("102", user="4930123")
    await call.wait_ended()

    assert (1, 486) == (len(callee.invited), call.statuses[-1])
