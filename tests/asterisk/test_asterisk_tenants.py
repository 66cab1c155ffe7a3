"""Extensions of a tenant that is not the default one: they register with Asterisk only."""

from __future__ import annotations

from uuid import UUID

from tests.support.call_peers import end
from tests.support.dialplan_rig import DialplanRig
from tests.support.raw_sip import RawPhone
from tests.support.rig import ACME, PORTUGUESE, TONES

CARLA = {"user": "101", "password": "password-101", "domain": "acme.example"}


async def test_an_extension_of_another_tenant_checks_there(rig: DialplanRig, phone: RawPhone) -> None:
    """The extension 101 of acme.example logs in with its domain and is that tenant's."""
    async with rig.peer(end) as peer:
        await phone.call("*568001", **CARLA).wait_ended()

    (facts,) = peer.facts
    assert (ACME, "Carla") == (facts.tenant_id, facts.caller.name)


async def test_the_unavailable_prompt_is_in_the_language_of_the_tenant(
    rig: DialplanRig, phone: RawPhone
) -> None:
    """The prompts of the dialplan follow the tenant's language."""
    await phone.call("*56", **CARLA).wait_ended()

    assert [TONES["check-unavailable"] + PORTUGUESE] == [round(tone, -2) for tone in phone.tones()]


async def test_an_extension_of_another_tenant_is_reached_there(rig: DialplanRig, phone: RawPhone) -> None:
    """101 at acme.example is another phone than 101 of the default tenant."""
    rig.route("101", "extension", UUID(int=3), ACME)
    async with RawPhone(rig.server).opened() as callee:
        assert 200 == await callee.register("101", "password-101", domain="acme.example")
        call = phone.call("101", user="4930123", domain="acme.example")
        await call.wait_ended()

        assert (1, 486) == (len(callee.invited), call.statuses[-1])
