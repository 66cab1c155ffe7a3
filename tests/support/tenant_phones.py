"""The phones of two tenants that have the same number, as tests that run on either switch.

A class of a tier inherits them and has a fixture `rig`: the rendered dialplan with the tenants of
`dialplan_rig`, both of which have an extension 101.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

import pytest
from tests.support.dialplan_rig import ACME, DEFAULT, PORTUGUESE, TONES
from tests.support.raw_sip import RawPhone

PASSWORD = "password-101"
THEIRS = "acme.example"


class Rig(Protocol):
    """What a running switch offers."""

    @property
    def server(self) -> tuple[str, int]:
        """Where SIP is."""

    def route(self, number: str, kind: str, object_id: UUID, tenant: UUID = DEFAULT) -> None:
        """Write a route file."""


class TenantPhones:
    """101 of the default tenant and 101 of acme.example are two phones."""

    @pytest.fixture
    async def ours(self, rig: Rig) -> AsyncIterator[RawPhone]:
        """Register the default tenant's 101, which says busy when it is called."""
        rig.route("101", "extension", UUID(int=3), ACME)
        async with RawPhone(rig.server).opened() as phone:
            assert 200 == await phone.register("101", PASSWORD)
            yield phone

    @pytest.fixture
    async def theirs(self, rig: Rig) -> AsyncIterator[RawPhone]:
        """Register the 101 of the other tenant."""
        rig.route("101", "extension", UUID(int=3), ACME)
        async with RawPhone(rig.server).opened() as phone:
            assert 200 == await phone.register("101", PASSWORD, domain=THEIRS)
            yield phone

    @pytest.fixture
    async def caller(self, rig: Rig) -> AsyncIterator[RawPhone]:
        """Open a phone that calls."""
        async with RawPhone(rig.server).opened() as phone:
            yield phone

    async def test_each_rings_for_its_own_tenant(
        self, ours: RawPhone, theirs: RawPhone, caller: RawPhone
    ) -> None:
        """A caller from outside reaches the one whose domain he dials."""
        call = caller.call("101", user="4930123", domain=THEIRS)
        await call.wait_ended()
        rang_first = (len(ours.invited), len(theirs.invited))
        call = caller.call("101", user="4930123")
        await call.wait_ended()

        assert (0, 1) == rang_first
        assert (1, 1) == (len(ours.invited), len(theirs.invited))

    async def test_extension_calls_within_its_tenant(
        self, ours: RawPhone, theirs: RawPhone, caller: RawPhone
    ) -> None:
        """Who logged in as theirs reaches theirs by the number, and is shown with their name."""
        call = caller.call("101", user="101", name=b"The Boss", domain=THEIRS, password=PASSWORD)
        await call.wait_ended()

        assert (0, 1, 486) == (len(ours.invited), len(theirs.invited), call.statuses[-1])
        assert b"Carla" in theirs.invited[0]
        assert b"The Boss" not in theirs.invited[0]

    async def test_feature_code_is_that_of_the_tenant(self, caller: RawPhone) -> None:
        """`*56` speaks the language of the tenant of whoever logged in."""
        call = caller.call("*568001", user="101", domain=THEIRS, password=PASSWORD)
        await call.wait_ended()

        wanted = TONES["check-unavailable"] + PORTUGUESE
        assert any(abs(tone - wanted) < 25 for tone in caller.tones())

    async def test_number_of_a_tenant_in_from_needs_its_password(self, caller: RawPhone) -> None:
        """Nobody passes as theirs without a log-in."""
        call = caller.call("8001", user="101", domain=THEIRS)
        await call.wait_ended()

        assert {401, 407} & set(call.statuses)
        assert 200 not in call.statuses

    async def test_unregistering_leaves_the_other_one(self, rig: Rig, ours: RawPhone) -> None:
        """A phone that says goodbye takes nobody else's registration with it."""
        async with RawPhone(rig.server).opened() as phone:
            assert 200 == await phone.register("101", PASSWORD, domain=THEIRS)
        async with RawPhone(rig.server).opened() as caller:
            gone = caller.call("101", user="4930123", domain=THEIRS)
            await gone.wait_ended()
            there = caller.call("101", user="4930123")
            await there.wait_ended()

        assert (True, 486, 1) == (gone.statuses[-1] in {480, 503}, there.statuses[-1], len(ours.invited))

    @pytest.mark.parametrize("domain", ["127.0.0.1", "acme.example", "ACME.Example", "unheard.example"])
    async def test_every_way_of_writing_the_domain_is_known(self, rig: Rig, domain: str) -> None:
        """Capital letters mean nothing, and a domain that nobody has is the default tenant's."""
        async with RawPhone(rig.server).opened() as phone:
            assert 200 == await phone.register("101", PASSWORD, domain=domain)

    @pytest.mark.parametrize(("number", "password"), [("101", "wrong"), ("102", "password-102")])
    async def test_password_and_number_are_the_tenants(self, rig: Rig, number: str, password: str) -> None:
        """A wrong password opens nothing, and a number that acme lacks is the default tenant's phone.

        Neither is in acme's context.
        """
        async with RawPhone(rig.server).opened() as phone:
            status = await phone.register(number, password, domain=THEIRS)
        async with RawPhone(rig.server).opened() as caller:
            call = caller.call("*568001", user=number, domain=THEIRS, password=password)
            await call.wait_ended()
            tones = caller.tones()

        assert (status == 200) is (number == "102")
        assert not any(abs(tone - TONES["check-unavailable"] - PORTUGUESE) < 25 for tone in tones)
