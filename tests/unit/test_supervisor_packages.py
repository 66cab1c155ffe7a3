"""Where a switch's packages come from, and which unpacked tree is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_installed, tree_in
from controlplane.supervisor.debian_packages import choose_source, read_os_release
from controlplane.supervisor.faults import CannotStart

DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
UBUNTU_24 = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n"
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n'


def test_debian_takes_unstable_from_the_host_s_mirror() -> None:
    """Only the suite changes; the archive of security fixes is no mirror of unstable."""
    mirrors = ["http://ftp.example.org/debian-security", "http://ftp.example.org/debian"]
    source = choose_source(read_os_release(DEBIAN_12), mirrors)

    assert ("http://ftp.example.org/debian", ("unstable",), "main") == (
        source.mirror,
        source.suites,
        source.components,
    )


@pytest.mark.parametrize("release", [UBUNTU_24, MINT])
def test_ubuntu_and_its_children_take_ubuntu_s_own_archive(release: str) -> None:
    """Ubuntu 24.04 and what is built on it have an Asterisk 20 in universe."""
    source = choose_source(read_os_release(release), ["http://ftp.example.org/ubuntu"])

    assert ("ubuntu-noble", ("noble", "noble-updates"), "main universe") == (
        source.name,
        source.suites,
        source.components,
    )


def test_a_host_without_package_sources_is_told_what_to_do() -> None:
    """A host that names no archive is asked for one, or for an Asterisk."""
    with pytest.raises(CannotStart, match="package sources"):
        choose_source(read_os_release(DEBIAN_12), [])


def test_another_distribution_is_told_what_to_do() -> None:
    """Without packages of Debian or Ubuntu, Asterisk must be installed by its user."""
    with pytest.raises(CannotStart, match="install it"):
        choose_source({"ID": "fedora"}, [])


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path) -> None:
    """The product's own variable wins over the desktop's."""
    folders = [
        cache_folder({"CONTROLPLANE_CACHE_DIR": str(tmp_path / "a"), "XDG_CACHE_HOME": str(tmp_path / "b")}),
        cache_folder({"XDG_CACHE_HOME": str(tmp_path / "b")}),
    ]

    assert [tmp_path / "a", tmp_path / "b" / "shared-voicemail"] == folders


def test_half_a_tree_is_no_tree(tmp_path: Path) -> None:
    """A folder without loader and modules is not taken for an Asterisk."""
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/asterisk").write_text("")

    assert tree_in(tmp_path) is None


def _asterisk_saying(folder: Path, version: str) -> None:
    """Make a program `asterisk` in `folder/sbin` that tells a version, with a module and documentation."""
    for path in ("sbin", "lib/asterisk/modules", "share/asterisk/documentation"):
        (folder / path).mkdir(parents=True)
    (folder / "lib/asterisk/modules/res_agi.so").touch()
    (folder / "share/asterisk/documentation/core-en_US.xml").touch()
    program = folder / "sbin/asterisk"
    program.write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    "version", ["20.6.0", "22.10.1+dfsg-1", "certified/20.7-cert3", "certified-20.7-cert3"]
)
def test_an_installed_asterisk_of_version_20_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Asterisk 20 and later is taken from the machine, with its modules and data."""
    _asterisk_saying(tmp_path, version)
    monkeypatch.setenv("PATH", f"{tmp_path}/sbin:/usr/bin:/bin")
    found = find_installed(progress=lambda _sentence: None)

    assert found is not None
    assert (tmp_path / "lib/asterisk/modules", True) == (found.modules, found.installed)


def test_an_older_asterisk_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 18 is left alone, and that is told."""
    _asterisk_saying(tmp_path, "18.20.1")
    monkeypatch.setenv("PATH", f"{tmp_path}/sbin:/usr/bin:/bin")
    told: list[str] = []

    assert (None, 1) == (find_installed(progress=told.append), len(told))
