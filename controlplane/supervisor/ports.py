"""Which TCP and UDP ports an `up` uses: given ones, those of its last start, or free ones.

Several instances start side by side, and a range for RTP is bound only during calls. So each
chosen port is also claimed, by the name of an abstract Unix socket: seen by every user of the
network namespace, as ports are, and gone with the process that holds it.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import random
import re
import resource
import socket
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from controlplane.supervisor.faults import CannotStart

RTP_RANGE = 200
_LOWEST, _HIGHEST = 20_000, 32_700  # below Linux's range for outgoing connections (32768 and up)
_RTP_LOWEST, _RTP_HIGHEST = 10_000, 19_999
_TRIES = 200
_HIGHEST_OF_ALL = 65_535
_UDP = socket.SOCK_DGRAM
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", re.ASCII | re.IGNORECASE)
_FILES_FOR_THE_REST = 512  # what `up` has open besides one claim a port


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of one instance; `rtp_first` and `rtp_last` are inclusive."""

    http: int
    sip: int
    fastagi: int
    manager: int
    rtp_first: int
    rtp_last: int

    @property
    def rtp(self) -> str:
        """The range as the settings spell it."""
        return f"{self.rtp_first}-{self.rtp_last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPorts:
    """What the user asked for; None means: choose."""

    http: int | None = None
    sip: int | None = None
    rtp: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A port to be chosen: what for, the option that names it, where, and which one is usual."""

    what: str
    option: str = ""
    address: str
    kinds: tuple[socket.SocketKind, ...]
    usual: int | None = None


def parse_range(text: str) -> tuple[int, int]:
    """Read `A-B`, inclusive; raises CannotStart."""
    first, _, last = text.partition("-")
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise CannotStart(f"`{text}` is no range of ports: write --rtp-ports 10000-10199.")
    bounds = int(first), int(last)
    if not 1024 <= bounds[0] < bounds[1] <= _HIGHEST_OF_ALL or bounds[1] - bounds[0] < 9:  # noqa: PLR2004 (two calls at least)
        raise CannotStart(f"`{text}` is no usable range of ports: from 1024 to 65535, ten ports at least.")
    return bounds


def check_address(address: str) -> None:
    """Raise CannotStart unless this machine can listen on `address` (an IP address)."""
    try:
        ipaddress.ip_address(address)
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        raise CannotStart(
            f"This machine has no address {address}: name one of its own with --listen, or 0.0.0.0 for all."
        ) from None


def check_external_address(address: str) -> None:
    """Raise CannotStart unless phones could be told `address`: an IP address or a host's name."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        # A name that ends in figures is a mistyped IP address.
        if not _HOST_NAME.fullmatch(address) or address.rpartition(".")[2].isdigit():
            raise CannotStart(
                f"{address!r} is neither an IP address nor the name of a host: correct --external-address."
            ) from None


class PortClaims:
    """Chooses ports and holds the claims on them until `release`."""

    def __init__(self, listen: str, remembered: Path) -> None:
        """Choose for `listen`, the address of SIP and HTTP; the file `remembered` keeps the choice."""
        self._listen = listen
        self._remembered = remembered
        self._claims: list[socket.socket] = []

    def choose(self, given: GivenPorts) -> Ports:
        """Return ports that are free and claimed; raises CannotStart when a given one is not."""
        if given.rtp is not None:
            _allow_files(given.rtp[1] - given.rtp[0] + 1 + _FILES_FOR_THE_REST)
        last = self._last_choice()
        tcp = (socket.SOCK_STREAM,)
        http = self._one(
            Wanted(what="HTTP", option="--http-port", address=self._listen, kinds=tcp, usual=8000),
            given.http,
            last.get("http"),
        )
        sip = self._one(
            Wanted(what="SIP", option="--sip-port", address=self._listen, kinds=(*tcp, _UDP), usual=5060),
            given.sip,
            last.get("sip"),
        )
        inner = {
            name: self._one(Wanted(what=name, address="127.0.0.1", kinds=tcp), None, last.get(name))
            for name in ("fastagi", "manager")
        }
        rtp_first, rtp_last = self._rtp_range(given.rtp, (last.get("rtp_first"), last.get("rtp_last")))
        chosen = Ports(http=http, sip=sip, **inner, rtp_first=rtp_first, rtp_last=rtp_last)
        self._remembered.write_text(json.dumps(asdict(chosen)) + "\n")
        return chosen

    def release(self) -> None:
        """Give the claims up."""
        while self._claims:
            self._claims.pop().close()

    def _last_choice(self) -> dict[str, int]:
        try:
            found = json.loads(self._remembered.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {
            str(name): port
            for name, port in found.items()
            if isinstance(port, int) and 1 <= port <= _HIGHEST_OF_ALL
        }

    def _one(self, wanted: Wanted, given: int | None, last: int | None) -> int:
        if given is not None:
            if not self._claim([given], wanted.address, wanted.kinds):
                if any(_why_not(wanted.address, given, kind) == errno.EACCES for kind in wanted.kinds):
                    raise CannotStart(
                        f"This user has no permission to listen on port {given} for {wanted.what}:"
                        f" name one from 1024 on with {wanted.option}."
                    )
                raise CannotStart(
                    f"Port {given} for {wanted.what} is in use on {wanted.address}:"
                    f" free it, or name another with {wanted.option}."
                )
            return given
        drawn = (random.randint(_LOWEST, _HIGHEST) for _ in range(_TRIES))  # noqa: S311 (no secret)
        for port in (*filter(None, (last, wanted.usual)), *drawn):
            if self._claim([port], wanted.address, wanted.kinds):
                return port
        raise CannotStart(f"No free port was found for {wanted.what} on {wanted.address}.")

    def _rtp_range(
        self, given: tuple[int, int] | None, last: tuple[int | None, int | None]
    ) -> tuple[int, int]:
        if given is not None:
            if not self._claim(range(given[0], given[1] + 1), self._listen, (_UDP,)):
                raise CannotStart(
                    f"A port of {given[0]}-{given[1]} for audio is in use on {self._listen}:"
                    " name another range with --rtp-ports."
                )
            return given
        # Ranges of all instances begin at multiples of their size, so that two of them never overlap.
        starts = list(range(_RTP_LOWEST, _RTP_HIGHEST, RTP_RANGE))
        random.shuffle(starts)
        if last[0] is not None and last[1] is not None and last[0] < last[1]:
            starts.insert(0, last[0])
        for first in starts:
            end = last[1] if first == last[0] and last[1] is not None else first + RTP_RANGE - 1
            if self._claim(range(first, end + 1), self._listen, (_UDP,)):
                return first, end
        raise CannotStart(
            f"No {RTP_RANGE} free UDP ports in a row were found: name a range with --rtp-ports."
        )

    def _claim(self, ports: Iterable[int], address: str, kinds: Sequence[socket.SocketKind]) -> bool:
        """Claim all of `ports`, or none; a port counts as free when it can be bound for each kind."""
        claims: list[socket.socket] = []
        for port in ports:
            claim = _claim_name(port)
            if claim is not None:
                claims.append(claim)
            if claim is None or any(_why_not(address, port, kind) for kind in kinds):
                for each in claims:
                    each.close()
                return False
        self._claims += claims
        return True


def _allow_files(wanted: int) -> None:
    """Have so many files open at once; raises CannotStart if this process may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            raise CannotStart(
                f"A range of so many ports for audio needs {wanted} open files, and {hard} are allowed:"
                " name a smaller one with --rtp-ports, or raise `ulimit -Hn`."
            ) from None


def _claim_name(port: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0shared-voicemail/port/{port}")
    except OSError:
        claim.close()
        return None
    return claim


def _why_not(address: str, port: int, kind: socket.SocketKind) -> int | None:
    """Return the number of the error that binding a port ends with; None if it can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # Connections of the last run that wait for their end are no obstacle to a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return None
