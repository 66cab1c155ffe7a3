"""The phones of two tenants with the same number."""

from __future__ import annotations

from tests.support.call_peers import end
from tests.support.raw_sip import RawPhone
from tests.support.rig import ACME, Rig
from tests.support.tenant_phones import TenantPhones


class TestTenantPhones(TenantPhones):
    """All of it."""


async def test_an_extension_of_another_tenant_checks_there(rig: Rig, phone: RawPhone) -> None:
    """The extension 101 of acme.example logs in with its domain and is that tenant's."""
    async with rig.peer(end) as peer:
        call = phone.call("*568001", user="101", domain="acme.example", password="password-101")
        await call.wait_ended()

    (facts,) = peer.facts
    assert (ACME, "8001", "101", "Carla") == (
        facts.tenant_id,
        facts.dialled,
        facts.extension,
        facts.caller.name,
    )
