"""The settings that `up` gives its processes, and what it tells about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.entrypoints.private_settings import Surroundings, environment_of
from controlplane.entrypoints.ready import in_url, reachable_host
from controlplane.services.pin_hashing import parse_keys
from controlplane.settings import Settings, load
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.ports import Ports, parse_range
from controlplane.supervisor.state import StateFolder

PORTS = Ports(http=8000, sip=5060, fastagi=20001, manager=20002, rtp_first=10000, rtp_last=10199)


def environment(folder: Path, user: dict[str, str], switch: str = "asterisk") -> dict[str, str]:
    """Return the environment that `up` makes of the user's."""
    state = StateFolder(folder / "state")
    surroundings = Surroundings(
        listen="0.0.0.0", external_address="203.0.113.5", host="203.0.113.5", ports=PORTS, switch=switch
    )
    try:
        return environment_of(user, state, surroundings, database_url="postgresql://x@/x?host=/run/x")
    finally:
        state.release()


def settings(folder: Path, user: dict[str, str]) -> Settings:
    """Return what every process reads of it."""
    return load(environment(folder, user))


def test_the_environment_is_complete(tmp_path: Path) -> None:
    """All settings that have no default are there, and the default secrets are replaced."""
    read = settings(tmp_path, {"PATH": "/usr/bin"})

    assert ("0.0.0.0", 5060, "203.0.113.5", "10000-10199") == (
        read.sip.host,
        read.sip.port,
        read.sip.external_address,
        read.sip.rtp_ports,
    )
    assert "change-me" not in {read.link_key.get_secret_value(), read.fastagi.secret.get_secret_value()}


def test_freeswitch_and_we_share_ports_and_secrets(tmp_path: Path) -> None:
    """Both sockets have a port that was chosen and a secret that nobody knows."""
    read = load(environment(tmp_path, {}, "freeswitch"))
    secrets = {
        read.outbound_socket.secret.get_secret_value(),
        read.event_socket.password.get_secret_value(),
    }

    assert ("freeswitch", 20001, 20002) == (read.switch, read.outbound_socket.port, read.event_socket.port)
    assert len(secrets - {"change-me", "ClueCon", ""}) == 2


def test_secrets_stay_from_start_to_start(tmp_path: Path) -> None:
    """A link in yesterday's mail and every PIN still work after a restart."""
    first, second = settings(tmp_path, {}), settings(tmp_path, {})

    assert (first.link_key, first.pins.keys) == (second.link_key, second.pins.keys)


def test_the_pin_key_is_one_that_hashes(tmp_path: Path) -> None:
    """The key that is made has the form and the length that hashing wants."""
    keys = parse_keys(settings(tmp_path, {}).pins.keys.get_secret_value())

    assert [32] == [len(key) for key in keys.values()]


def test_what_the_user_set_passes_through(tmp_path: Path) -> None:
    """Mail and limits are the user's; so are keys, also as files."""
    (tmp_path / "key").write_text("from-a-file\n")
    read = settings(
        tmp_path,
        {
            "CONTROLPLANE_SMTP__HOST": "mail.example.org",
            "CONTROLPLANE_CALLS__SILENCE_SECONDS": "2",
            "CONTROLPLANE_LINK_KEY_FILE": str(tmp_path / "key"),
        },
    )

    assert ("mail.example.org", 2, "from-a-file") == (
        read.smtp.host,
        read.calls.silence_seconds,
        read.link_key.get_secret_value(),
    )


def test_what_is_up_s_own_cannot_be_set_wrong(tmp_path: Path) -> None:
    """The database and the secret of FastAGI belong to this `up`, whatever the environment says."""
    read = settings(
        tmp_path,
        {
            "CONTROLPLANE_DATABASE_URL": "postgresql://elsewhere/x",
            "CONTROLPLANE_FASTAGI__SECRET_FILE": "/nowhere",
        },
    )

    assert "/run/x" in read.database_url.get_secret_value()


@pytest.mark.parametrize("text", ["", "10000", "a-b", "10000-10001", "80-90", "10000-70000", "20000-10000"])
def test_a_useless_range_is_refused(text: str) -> None:
    """A range for audio has two ends in order, is not below 1024, and holds two calls at least."""
    with pytest.raises(CannotStart):
        parse_range(text)


def test_a_range_is_read() -> None:
    """Both ends belong to the range."""
    assert parse_range("10000-10199") == (10000, 10199)


@pytest.mark.parametrize(
    ("listen", "external", "host"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("192.0.2.7", None, "192.0.2.7"),
        ("0.0.0.0", "a.example", "a.example"),
    ],
)
def test_people_are_told_an_address_that_they_can_use(listen: str, external: str | None, host: str) -> None:
    """The outer address if there is one, else the one that is listened on."""
    assert host == reachable_host(listen, external)


def test_an_ipv6_address_is_bracketed() -> None:
    """As URLs want it."""
    assert ["[::1]", "127.0.0.1"] == [in_url("::1"), in_url("127.0.0.1")]


def test_no_two_processes_are_told_the_same_port(tmp_path: Path) -> None:
    """A monitoring port is of one process; `up` runs three that would want it."""
    read = settings(tmp_path, {"CONTROLPLANE_MONITORING__PORT": "9101"})

    assert read.monitoring.port is None
