"""Fetching a switch: by programs that play apt-get and dpkg-deb, so that no network is needed."""

from __future__ import annotations

import platform
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from controlplane.supervisor.asterisk_tree import AsteriskTree, cached_or_fetched
from controlplane.supervisor.debian_packages import TRUST_VARIABLE
from controlplane.supervisor.faults import CannotStart

# apt-get takes its configuration by -c; below its folder `cache/archives` is where archives go.
APT_GET = """\
#!/bin/sh
echo "$@" >> "$PLAY/calls"
case "$*" in
*indextargets*) echo http://mirror.example.org/debian; exit 0 ;;
*update*) if [ -e "$PLAY/fail" ]; then cat "$PLAY/fail"; exit 100; fi; exit 0 ;;
*install*)
    sleep 0.2
    echo "0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded."
    echo "Need to get 81.5 MB of archives."
    echo "Get:1 http://mirror.example.org/debian unstable/main asterisk 22 [1 B]"
    cp "$PLAY/asterisk.tar" "$(dirname "$(dirname "$2")")/cache/archives/asterisk.deb" ;;
esac
"""
DPKG_DEB = '#!/bin/sh\ncat "$2"\n'
LOADER = "#!/bin/sh\necho 'Asterisk 22.10.1+dfsg-1'\n"


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put programs that play apt-get and dpkg-deb first in PATH; return the folder that steers them."""
    folder = tmp_path / "play"
    tree, programs = folder / "tree", folder / "bin"
    triplet = f"{platform.machine()}-linux-gnu"
    files = {
        tree / f"usr/lib/{triplet}/ld-linux-test.so.2": LOADER,
        tree / f"usr/lib/{triplet}/asterisk/modules/res_agi.so": "",
        tree / "usr/share/asterisk/documentation/core-en_US.xml": "",
        tree / "usr/share/man/man8/asterisk.8": "left out",
        tree / "usr/sbin/asterisk": "",
        programs / "apt-get": APT_GET,
        programs / "dpkg-deb": DPKG_DEB,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o4755 if path.name == "asterisk" else 0o755)
    with tarfile.open(folder / "asterisk.tar", "w") as archive:
        archive.add(tree, arcname=".")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("PLAY", str(folder))
    monkeypatch.setenv(TRUST_VARIABLE, "1")
    return folder


def fetch(cache: Path, told: Callable[[str], None] = lambda _sentence: None) -> AsteriskTree:
    """Get an Asterisk by way of the cache."""
    return cached_or_fetched(cache, progress=told)


def test_a_tree_is_unpacked_into_the_cache(play: Path, tmp_path: Path) -> None:
    """It runs through its own loader, and says its version."""
    tree = fetch(tmp_path / "cache")

    assert ("22.10.1+dfsg-1", False) == (tree.version, tree.installed)
    assert tree.command[0].endswith("ld-linux-test.so.2")


def test_a_complete_tree_needs_no_network(play: Path, tmp_path: Path) -> None:
    """The second time nothing is asked of apt-get."""
    fetch(tmp_path / "cache")
    (play / "calls").unlink()
    fetch(tmp_path / "cache")

    assert not (play / "calls").exists()


def test_two_instances_share_one_download(play: Path, tmp_path: Path) -> None:
    """The second one waits for the first, and says so."""
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        trees = list(pool.map(lambda _: fetch(tmp_path / "cache", told.append), range(2)))

    assert trees[0] == trees[1]
    assert 1 == (play / "calls").read_text().count("--download-only")
    assert "Another instance is fetching Asterisk: waiting for it" in told


def test_a_killed_download_is_no_tree(play: Path, tmp_path: Path) -> None:
    """What was left half done is removed, and the next start fetches again."""
    half = tmp_path / "cache/asterisk/.half-dead"
    (half / "root/usr").mkdir(parents=True)
    fetch(tmp_path / "cache")

    assert not half.exists()


def test_the_mirror_of_the_host_is_used(play: Path, tmp_path: Path) -> None:
    """What is told while it is fetched names the mirror and the size."""
    told: list[str] = []
    fetch(tmp_path / "cache", told.append)

    assert any("http://mirror.example.org/debian" in sentence for sentence in told)
    assert any("81.5 MB" in sentence for sentence in told)


def test_no_privileged_program_is_unpacked(play: Path, tmp_path: Path) -> None:
    """Set-user-ID bits are gone, and what only people read is left out."""
    fetch(tmp_path / "cache")
    (program,) = (tmp_path / "cache").rglob("sbin/asterisk")

    assert (0o755, []) == (program.stat().st_mode & 0o7777, list((tmp_path / "cache").rglob("asterisk.8")))


def test_without_a_network_the_remedy_is_told(play: Path, tmp_path: Path) -> None:
    """One sentence with apt-get's own reason; nothing is left in the cache."""
    (play / "fail").write_text("E: Temporary failure resolving 'mirror.example.org'\n")
    with pytest.raises(CannotStart) as refused:
        fetch(tmp_path / "cache")

    assert "Temporary failure resolving" in str(refused.value)
    assert "check the network" in str(refused.value)
    assert ["lock"] == [path.name for path in (tmp_path / "cache/asterisk").iterdir()]


def test_unsigned_packages_are_not_trusted(
    play: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the variable that allows it, apt-get has to verify the archive's signature."""
    monkeypatch.delenv(TRUST_VARIABLE)
    (play / "bin/apt-get").write_text(
        APT_GET.replace("case", 'grep -q trusted "$(dirname "$2")/sources.list" && exit 1\ncase', 1)
    )
    try:
        told = fetch(tmp_path / "cache").version
    except CannotStart as refused:  # there is no keyring on this machine
        told = str(refused)

    assert TRUST_VARIABLE in told or told.startswith("22.")


def test_a_cache_that_cannot_be_written_is_named(play: Path, tmp_path: Path) -> None:
    """The sentence names the variable that moves it."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(CannotStart, match="CONTROLPLANE_CACHE_DIR"):
        fetch(tmp_path / "cache")
