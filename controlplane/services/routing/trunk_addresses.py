"""No two trunks share an address: a call from there would be either's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.storage import published_objects
from controlplane.storage.routing import objects

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


async def check_addresses(session: AsyncSession, *, tenant_id: UUID, trunk_id: UUID, trunk: Trunk) -> None:
    """Raise Conflict `address-taken`, naming the field, if a trunk of any tenant has one of its addresses.

    So has one whose tenant gave the address up and did not publish that yet: the switch still takes its
    calls. Others who check wait until the transaction ends.
    """
    if not trunk.addresses:
        return
    taken: list[Network] = []
    for other in await objects.everywhere(session, RoutingKind.TRUNK, lock=True):
        if other.id != trunk_id:
            taken += _networks(cast("Trunk", other.settings).addresses)
    kept: list[Network] = []
    for waiting in await published_objects.trunks_of_others(session, tenant_id):
        kept += _networks(waiting.addresses)
    for index, network in enumerate(_networks(trunk.addresses)):
        if _overlaps(network, taken):
            raise Conflict(
                f"Calls from {trunk.addresses[index]} are another trunk's already. No two trunks of an "
                "installation share an address: leave it out of `addresses` here, or take it from the "
                "other trunk.",
                error_id="address-taken",
                field=f"addresses.{index}",
            )

        if _overlaps(network, kept):
            raise Conflict(
                f"Calls from {trunk.addresses[index]} are those of another tenant's trunk until that tenant "
                "publishes its changes, which it does by hand. Leave the address out of `addresses`, or try "
                "again when that is done.",
                error_id="address-taken",
                field=f"addresses.{index}",
            )


def _overlaps(network: Network, others: Iterable[Network]) -> bool:
    return any(network.version == one.version and network.overlaps(one) for one in others)


def _networks(addresses: Iterable[str]) -> list[Network]:
    return [ipaddress.ip_network(address) for address in addresses]
