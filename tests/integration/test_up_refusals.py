"""What `up` refuses to start with: one sentence with the remedy, exit code 2, nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from controlplane.supervisor.asterisk_tree import find_installed
from controlplane.supervisor.state import StateFolder
from tests.support.processes import open_folder, processes_of


def up(state_dir: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `controlplane up` until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", "up", "--state-dir", str(state_dir), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return what was said on stderr; it is a single line."""
    lines = done.stderr.strip().splitlines()

    assert ([done.stderr.strip()], 2) == (lines, done.returncode)
    return lines[0]


def test_an_occupied_port_is_named(tmp_path: Path) -> None:
    """The sentence has the port and the option that names another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
        said = one_sentence(up(tmp_path / "state", "--sip-port", str(port)))

    assert said == (
        f"controlplane: Port {port} for SIP is in use on 127.0.0.1: free it, or name another with --sip-port."
    )


def test_a_folder_in_use_is_named(tmp_path: Path) -> None:
    """A second `up` on a state folder leaves the first one alone."""
    holder = StateFolder(tmp_path / "state")
    said = one_sentence(up(tmp_path / "state"))
    holder.release()

    assert f"Another `controlplane up` (process {os.getpid()})" in said


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the way is no state folder."""
    (tmp_path / "state").write_text("")

    assert "cannot be written" in one_sentence(up(tmp_path / "state"))


def test_a_foreign_address_is_named(tmp_path: Path) -> None:
    """Only an address of this machine can be listened on."""
    said = one_sentence(up(tmp_path / "state", "--listen", "203.0.113.7"))

    assert "This machine has no address 203.0.113.7" in said


def test_an_external_address_that_is_none_is_named(tmp_path: Path) -> None:
    """Before anything is started or made."""
    said = one_sentence(up(tmp_path / "state", "--external-address", "bad host"))

    assert ("'bad host'" in said, "--external-address" in said, (tmp_path / "state").exists()) == (
        True,
        True,
        False,
    )


def test_port_of_the_settings_is_the_one_of_the_option(tmp_path: Path) -> None:
    """Who sets CONTROLPLANE_SIP__PORT gets that port or is told why not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
        said = one_sentence(up(tmp_path / "state", CONTROLPLANE_SIP__PORT=str(port)))

    assert f"Port {port} for SIP is in use" in said


def test_a_useless_range_is_named(tmp_path: Path) -> None:
    """A range of ports has two ends."""
    assert "--rtp-ports" in one_sentence(up(tmp_path / "state", "--rtp-ports", "12345"))


def test_a_wrong_setting_is_named_and_the_database_stopped() -> None:
    """A setting is checked after PostgreSQL was started: that is stopped again."""
    with open_folder() as folder:
        done = up(folder / "state", CONTROLPLANE_CALLS__PIN_TRIES="many")
        left = processes_of(folder)

    assert "CONTROLPLANE_CALLS__PIN_TRIES" in one_sentence(done)
    assert left == []


@pytest.mark.parametrize("options", [("--switch", "pigeon"), ("--sip-port", "0"), ("--colour", "red")])
def test_wrong_use_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    """An unknown option, or a value that it cannot have, is exit code 2, and nothing is made."""
    done = up(tmp_path / "state", *options)

    assert (2, False) == (done.returncode, (tmp_path / "state").exists())


def test_without_asterisk_and_without_packages_the_remedy_is_told(tmp_path: Path) -> None:
    """No Asterisk here, none in the cache, no apt-get: install it."""
    if find_installed(progress=lambda _sentence: None) is not None:
        pytest.skip("an Asterisk is installed here")
    (tmp_path / "bin").mkdir()
    said = one_sentence(
        up(tmp_path / "state", PATH=str(tmp_path / "bin"), CONTROLPLANE_CACHE_DIR=str(tmp_path / "c"))
    )

    assert "install Asterisk 20 or later" in said


def test_settings_are_needed_outside_of_up() -> None:
    """A process that is started by hand names each setting that it misses."""
    done = subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", "web"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )

    assert one_sentence(done).startswith("controlplane: set CONTROLPLANE_PATHS__RECORDINGS, ")
