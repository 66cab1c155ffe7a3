"""What the templates of both switches see of calls from outside: trunks and inbound rules."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import astuple, dataclass, field
from uuid import UUID

from controlplane.domain.routing.trunk import DidIn


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkContext:
    """A trunk that takes calls: from `addresses`, or by a registration where there is a `username`."""

    id: UUID
    addresses: tuple[str, ...] = ()
    host: str = ""
    port: int = 5060
    username: str | None = None
    password: str = field(default="", repr=False)
    did_in: DidIn = DidIn.REQUEST_URI

    @property
    def context(self) -> str:
        """The dialplan's context of its calls, and the name of its endpoint."""
        return f"cp-trunk-{self.id}"

    @property
    def domain(self) -> str:
        """The host as it stands in a SIP address: one of IPv6 in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def did_in_to(self) -> bool:
        """Whether To has the number that was dialled."""
        return self.did_in is DidIn.TO

    @property
    def ranges(self) -> tuple[tuple[str, str], ...]:
        """The first and the last address of each network, in hex: 8 digits of IPv4, 32 of IPv6."""
        networks = [ipaddress.ip_network(address) for address in self.addresses]
        return tuple(
            (network.network_address.packed.hex(), network.broadcast_address.packed.hex())
            for network in networks
        )

    def gateway(self, secret: str) -> str:
        """Return its name as a gateway of FreeSWITCH, which another setting changes, and nobody can guess.

        The switch keeps a gateway that it has, and takes a call to its name for the provider's.
        """
        digest = hmac.new(secret.encode(), repr(astuple(self)).encode(), hashlib.sha256).hexdigest()
        return f"{self.context}-{digest[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRuleContext:
    """An inbound rule that counts. No masks mean any; `trunk` None is any, and none.

    `hours` is a schedule, None is always open; `destinations` are tokens of plans for office hours,
    outside, and holidays.
    """

    dids: tuple[str, ...]
    callers: tuple[str, ...]
    trunk: UUID | None
    hours: UUID | None
    destinations: tuple[str, str, str]
