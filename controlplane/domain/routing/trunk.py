"""A trunk: a provider who sends us calls from outside. Nothing leaves through one in this version."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.destination import Pointer

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_ACCOUNT = re.compile(r"[A-Za-z0-9_.+-]{1,64}", re.ASCII)
_PASSWORD = re.compile(r"[!-~]{1,128}", re.ASCII)
_MAX_ADDRESSES = 50
# By the version of IP. 10.0.0.0/8 is the largest network of somebody's own; no provider has more of IPv6.
_SHORTEST_PREFIX = {4: 8, 6: 16}


class DidIn(StrEnum):
    """Where the number that was dialled stands in the provider's INVITE."""

    REQUEST_URI = "request_uri"
    TO = "to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """How a provider reaches us: from one of `addresses`, or by our registration at `host` as `username`.

    `addresses` are IP addresses or networks. With a `username` we register; the provider then challenges us.
    """

    addresses: tuple[str, ...] = ()
    host: str | None = None
    port: int = 5060
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    did_in: DidIn = DidIn.REQUEST_URI
    enabled: bool = True

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        if len(self.addresses) > _MAX_ADDRESSES:
            raise InvalidValue(
                f"A trunk has {_MAX_ADDRESSES} addresses at most.", error_id="too-many", field="addresses"
            )
        for index, address in enumerate(self.addresses):
            try:
                network = ipaddress.ip_network(address)
            except ValueError as error:
                raise InvalidValue(
                    "This is an IP address or a network such as 192.0.2.0/24.",
                    error_id="invalid-address",
                    field=f"addresses.{index}",
                ) from error
            shortest = _SHORTEST_PREFIX[network.version]
            if network.prefixlen < shortest:
                raise InvalidValue(
                    f"A network of a trunk has a prefix of /{shortest} or longer: whoever sends from there "
                    "is asked for no password. Name the provider's own addresses.",
                    error_id="invalid-address",
                    field=f"addresses.{index}",
                )
        if not 1 <= self.port <= 65535:  # noqa: PLR2004 (said in the sentence)
            raise InvalidValue("A port is 1 to 65535.", error_id="out-of-bounds", field="port")
        if self.host is not None and not _HOST.fullmatch(self.host) and not _is_ipv6(self.host):
            raise InvalidValue(
                "This is a host name or an IP address; one of IPv6 is without brackets and without a zone.",
                error_id="invalid-address",
                field="host",
            )
        if self.username is None:
            if self.password is not None:
                raise InvalidValue(
                    "A password belongs to a username.", error_id="missing-field", field="username"
                )
            if not self.addresses:
                raise InvalidValue(
                    "A trunk needs the addresses that calls come from, or a host and a username to register "
                    "with.",
                    error_id="missing-field",
                    field="addresses",
                )
            return
        if not _ACCOUNT.fullmatch(self.username):
            raise InvalidValue(
                "A username has 1 to 64 of letters, digits and _ . + -.",
                error_id="invalid-account",
                field="username",
            )
        if self.host is None:
            raise InvalidValue(
                "A registration needs the provider's host.", error_id="missing-field", field="host"
            )
        if self.password is None or not _PASSWORD.fullmatch(self.password):
            raise InvalidValue(
                "A registration needs a password of 1 to 128 visible ASCII characters.",
                error_id="invalid-sip-password",
                field="password",
            )

    def check_provider_of(self, before: Trunk) -> None:
        """Raise InvalidValue if a password that nobody can read would go to another provider's host."""
        there, here = ((one.host, one.port, one.username) for one in (before, self))
        if self.username is not None and there != here:
            raise InvalidValue(
                "Send the password again with another host, port or username.",
                error_id="missing-field",
                field="password",
            )

    def pointers(self) -> Iterator[Pointer]:
        """Yield nothing: a trunk names no number."""
        yield from ()


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False
