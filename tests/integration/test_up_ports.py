"""The ports of an `up`: free ones, given ones, the same ones again, never those of a neighbour."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from controlplane.entrypoints.ready import reachable_host
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.ports import GivenPorts, PortClaims, Ports, check_address, check_external_address


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[PortClaims]:
    """Choose ports for a first instance."""
    made = PortClaims("127.0.0.1", tmp_path / "ports.json")
    yield made
    made.release()


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[PortClaims]:
    """Choose ports for an instance beside it."""
    made = PortClaims("127.0.0.1", tmp_path / "neighbour.json")
    yield made
    made.release()


def all_ports(ports: Ports) -> set[int]:
    """Return every port of an instance."""
    return {
        ports.http,
        ports.sip,
        ports.fastagi,
        ports.manager,
        *range(ports.rtp_first, ports.rtp_last + 1),
    }


def occupy(stack: ExitStack, kind: socket.SocketKind) -> int:
    """Bind a port of loopback and return it."""
    taken = stack.enter_context(socket.socket(socket.AF_INET, kind))
    taken.bind(("127.0.0.1", 0))
    if kind is socket.SOCK_STREAM:
        taken.listen()
    return int(taken.getsockname()[1])


def test_neighbours_share_no_port(claims: PortClaims, neighbour: PortClaims) -> None:
    """Two instances that start at the same time get different ports, for audio too."""
    first, second = claims.choose(GivenPorts()), neighbour.choose(GivenPorts())

    assert not all_ports(first) & all_ports(second)


def test_there_are_200_ports_for_audio(claims: PortClaims) -> None:
    """A range holds a hundred calls."""
    ports = claims.choose(GivenPorts())

    assert 200 == ports.rtp_last - ports.rtp_first + 1


def test_the_next_start_has_the_same_ports(claims: PortClaims, tmp_path: Path) -> None:
    """Phones and links find a restarted instance where it was."""
    first = claims.choose(GivenPorts())
    claims.release()
    again = PortClaims("127.0.0.1", tmp_path / "ports.json")
    second = again.choose(GivenPorts())
    again.release()

    assert first == second


def test_a_port_that_was_taken_meanwhile_is_replaced(claims: PortClaims, tmp_path: Path) -> None:
    """The other ports stay."""
    first = claims.choose(GivenPorts())
    claims.release()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", first.sip))
        again = PortClaims("127.0.0.1", tmp_path / "ports.json")
        second = again.choose(GivenPorts())
        again.release()

    assert second.sip != first.sip
    assert replace(first, sip=0) == replace(second, sip=0)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_given_port_in_use_is_one_sentence(claims: PortClaims, kind: socket.SocketKind) -> None:
    """SIP needs its port for UDP and for TCP; the sentence names the port and the option."""
    with ExitStack() as stack:
        port = occupy(stack, kind)
        with pytest.raises(CannotStart) as refused:
            claims.choose(GivenPorts(sip=port))

    assert f"Port {port} for SIP is in use on 127.0.0.1" in str(refused.value)
    assert "--sip-port" in str(refused.value)


def test_a_given_range_in_use_is_one_sentence(claims: PortClaims) -> None:
    """One taken port spoils a range that was asked for."""
    with ExitStack() as stack:
        port = occupy(stack, socket.SOCK_DGRAM)
        with pytest.raises(CannotStart, match="--rtp-ports"):
            claims.choose(GivenPorts(rtp=(port - 5, port + 5)))


def test_given_ports_are_used(claims: PortClaims, neighbour: PortClaims) -> None:
    """What the user asks for is what is used."""
    free = neighbour.choose(GivenPorts())
    neighbour.release()
    wanted = GivenPorts(http=free.http, sip=free.sip, rtp=(free.rtp_first, free.rtp_first + 19))
    ports = claims.choose(wanted)

    assert wanted == GivenPorts(http=ports.http, sip=ports.sip, rtp=(ports.rtp_first, ports.rtp_last))


def test_a_damaged_memory_is_no_obstacle(claims: PortClaims, tmp_path: Path) -> None:
    """The file of the last choice may be anything."""
    (tmp_path / "ports.json").write_text('{"sip": "x", "http": 99999999, "manager": -1}')

    assert claims.choose(GivenPorts()).sip > 0


@pytest.mark.parametrize("address", ["203.0.113.77", "localhost", "256.1.1.1", ""])
def test_an_address_of_another_machine_is_one_sentence(address: str) -> None:
    """Only an address of this machine can be listened on."""
    with pytest.raises(CannotStart, match="--listen"):
        check_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_an_address_of_this_machine_is_fine(address: str) -> None:
    """Loopback, and all addresses."""
    check_address(address)


def test_all_addresses_are_told_as_one() -> None:
    """Nobody can dial 0.0.0.0."""
    assert reachable_host("0.0.0.0", None) != "0.0.0.0"


@pytest.mark.parametrize(
    "address", ["bad host", "", "-a.example", "a..example", "256.1.1.1", "a.example:5060", "a" * 64, "a,b"]
)
def test_external_address_that_is_none_is_one_sentence(address: str) -> None:
    """Phones are told it as it is."""
    with pytest.raises(CannotStart, match="--external-address"):
        check_external_address(address)


@pytest.mark.parametrize("address", ["203.0.113.5", "2001:db8::5", "voicemail.example.org", "pbx"])
def test_external_address_is_an_address_or_a_name(address: str) -> None:
    """Whatever phones can find."""
    check_external_address(address)


def test_port_of_the_system_is_a_lack_of_permission(
    claims: PortClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing uses the port: freeing it would be no remedy."""

    def refuse(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    bind = socket.socket.bind
    monkeypatch.setattr(
        socket.socket,
        "bind",
        lambda self, address: (bind if self.family == socket.AF_UNIX or address[1] != 80 else refuse)(
            self, address
        ),
    )
    with pytest.raises(CannotStart) as refused:
        claims.choose(GivenPorts(http=80))

    assert str(refused.value) == (
        "This user has no permission to listen on port 80 for HTTP: name one from 1024 on with --http-port."
    )


@pytest.fixture
def few_files() -> Iterator[tuple[int, int]]:
    """Let this process have few files open, as a login shell does."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_files")
def test_large_range_for_audio_is_no_lack_of_files(claims: PortClaims) -> None:
    """A range of more ports than a process may usually have files open is claimed all the same."""
    chosen = claims.choose(GivenPorts(rtp=(61_000, 62_999)))

    assert (chosen.rtp_first, chosen.rtp_last) == (61_000, 62_999)


def test_range_beyond_what_is_allowed_is_told(claims: PortClaims, few_files: tuple[int, int]) -> None:
    """Where the limit of files cannot be raised so far, the sentence says what to do."""
    if few_files[1] == resource.RLIM_INFINITY:
        pytest.skip("this process may have any number of files open")
    with pytest.raises(CannotStart, match="--rtp-ports"):
        claims.choose(GivenPorts(rtp=(1024, 1024 + few_files[1])))
