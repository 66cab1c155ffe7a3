"""Unpacks packages of the distribution into a folder, without root and without touching the host.

`apt-get` runs with a configuration, lists, a cache and an (empty) status file of its own, so that
it downloads the packages with all they depend on, down to the C library; `dpkg-deb` unpacks them.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from controlplane.supervisor.faults import CannotStart

Progress = Callable[[str], None]

TRUST_VARIABLE = "CONTROLPLANE_TRUST_MIRROR"
_KEYRINGS = Path("/usr/share/keyrings")
_HOST_STATUS = Path("/var/lib/dpkg/status")
_URI = re.compile(r"https?://[^\s\]]+")
_STEPS_SHOWN = 5
# What nobody reads in a tree that only runs one program.
_LEFT_OUT = (
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/info",
    "./usr/share/perl",
    "./usr/share/gdb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What packages are fetched for, in the words of an error, and what a person can do instead."""

    program: str
    remedy: str


ASTERISK = Wanted(program="Asterisk", remedy="install Asterisk 20 or later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where packages come from: one archive, its suites and components, and the keyring of its signatures."""

    name: str
    mirror: str
    suites: tuple[str, ...]
    components: str
    keyring: Path


def read_os_release(text: str) -> dict[str, str]:
    """Read the lines `NAME=value` of /etc/os-release."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def choose_source(release: dict[str, str], mirrors: Sequence[str]) -> Source:
    """Return where an Asterisk of version 20 or later is: Ubuntu's own archive, or Debian unstable.

    `mirrors` are the archives that the host uses; raises CannotStart on another distribution.
    """
    kin = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    if "ubuntu" in kin and codename:
        return Source(
            name=f"ubuntu-{codename}",
            mirror=_mirror_of("ubuntu", mirrors),
            suites=(codename, f"{codename}-updates"),
            components="main universe",
            keyring=_KEYRINGS / "ubuntu-archive-keyring.gpg",
        )
    if "debian" in kin:
        # Debian's releases carry no Asterisk any more; unstable does, with the libraries it needs.
        return Source(
            name="debian-unstable",
            mirror=_mirror_of("debian", mirrors),
            suites=("unstable",),
            components="main",
            keyring=_KEYRINGS / "debian-archive-keyring.gpg",
        )
    raise CannotStart(
        "There is no Asterisk 20 or later on this machine, and no Debian or Ubuntu to take one"
        " from: install it."
    )


def host_mirrors() -> list[str]:
    """Return the archives that this host takes its packages from, the first one first."""
    asked = _output(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
    if not asked:  # it knows only those whose lists were downloaded
        files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.[ls]*"))]
        lines = [
            line for path in files if path.is_file() for line in path.read_text(errors="replace").splitlines()
        ]
        asked = "\n".join(
            uri for line in lines if not line.lstrip().startswith("#") for uri in _URI.findall(line)
        )
    return list(dict.fromkeys(line.strip().rstrip("/") for line in asked.splitlines() if line.strip()))


def unpack(
    packages: Sequence[str],
    source: Source | None,
    into: Path,
    *,
    progress: Progress,
    wanted: Wanted = ASTERISK,
) -> None:
    """Download `packages` with their dependencies and unpack them into `into/root`; raises CannotStart.

    `into` exists and is empty; what apt needs is made in it and removed again. Without a `source` the
    host's own package sources are asked, and what is installed on the host is not fetched.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise CannotStart(
            f"{wanted.program} cannot be fetched without apt-get and dpkg-deb: {wanted.remedy}."
        )
    apt = into / "apt"
    configuration = _write_apt_files(apt, source)
    place = "the package sources of this machine" if source is None else f"{source.mirror} ({source.name})"
    progress(f"Fetching {', '.join(packages)} from {place}")
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    apt_get = partial(_apt_lines, configuration=configuration, environment=environment, wanted=wanted)
    for _ in apt_get(["update", "--error-on=any"]):
        pass
    expected, fetched, shown = 0, 0, 0
    for line in apt_get(["install", "-y", "--download-only", "--no-install-recommends", *packages]):
        if found := re.search(r"(\d+) newly installed", line):
            expected = int(found[1])
        elif line.startswith("Need to get"):
            progress(f"  {expected} packages, {line.removeprefix('Need to get ').rstrip('.')}")
        elif line.startswith("Get:"):
            fetched += 1
            if expected and fetched * _STEPS_SHOWN // expected > shown:
                shown = fetched * _STEPS_SHOWN // expected
                progress(f"  {fetched} of {expected} packages fetched")
    archives = sorted((apt / "cache" / "archives").glob("*.deb"))
    progress(f"Unpacking {len(archives)} packages")
    root = into / "root"
    root.mkdir()
    for archive in archives:
        _unpack_one(archive, root)
    _drop_privileged_bits(root)
    shutil.rmtree(apt)


def _mirror_of(distribution: str, mirrors: Sequence[str]) -> str:
    """Return the first mirror whose path is the distribution's main archive; raises CannotStart."""
    for mirror in mirrors:
        if mirror.rstrip("/").rpartition("/")[2] == distribution:
            return mirror
    raise CannotStart(
        f"This machine's package sources name no archive of {distribution} to take an Asterisk from:"
        " add one below /etc/apt, or install Asterisk 20 or later."
    )


def _write_apt_files(apt: Path, source: Source | None) -> Path:
    for folder in ("state/lists/partial", "cache/archives/partial", "etc"):
        (apt / folder).mkdir(parents=True)
    configuration = apt / "etc" / "apt.conf"
    status = _HOST_STATUS if source is None else apt / "status"
    # The host's own configuration (its proxy, above all) holds; its hooks, which act on the host, do not.
    configuration.write_text(
        "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n"
        "#clear APT::Update::Post-Invoke-Success;\n"
        "#clear DPkg::Pre-Invoke;\n#clear DPkg::Post-Invoke;\n#clear DPkg::Pre-Install-Pkgs;\n"
        + ("" if source is None else _only(source, apt))
        + f'Dir::State "{apt}/state";\nDir::State::status "{status}";\n'
        f'Dir::Cache "{apt}/cache";\nDir::Cache::archives "archives";\nDir::Cache::pkgcache "";\n'
        'Dir::Log "/dev/null";\n'
        'Debug::NoLocking "1";\nAcquire::Languages "none";\n'
        'Acquire::Retries "3";\nAcquire::http::Timeout "20";\n'
        'APT::Sandbox::User "root";\nAPT::Install-Recommends "0";\n'
    )
    return configuration


def _only(source: Source, apt: Path) -> str:
    """Return the lines by which apt asks this source alone, for a machine with nothing on it."""
    (apt / "status").touch()
    if os.environ.get(TRUST_VARIABLE) == "1":
        option = "trusted=yes"
    elif source.keyring.exists():
        option = f"signed-by={source.keyring}"
    else:
        raise CannotStart(
            f"The signatures of {source.mirror} cannot be checked without {source.keyring}: install Asterisk,"
            f" or that keyring, or set {TRUST_VARIABLE}=1 to trust the mirror."
        )
    lines = [f"deb [{option}] {source.mirror} {suite} {source.components}\n" for suite in source.suites]
    (apt / "etc" / "sources.list").write_text("".join(lines))
    return (
        "#clear APT::Default-Release;\n"
        f'Dir::Etc::sourcelist "{apt}/etc/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
        'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "/dev/null";\n'
    )


def _apt_lines(
    arguments: Sequence[str], *, configuration: Path, environment: dict[str, str], wanted: Wanted
) -> Iterator[str]:
    """Run apt-get and yield what it says; raises CannotStart with its own reason when it fails."""
    complaints: list[str] = []
    with subprocess.Popen(
        ["apt-get", "-c", str(configuration), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    ) as apt:
        assert apt.stdout is not None
        for line in apt.stdout:
            if line.startswith(("E:", "Err:", "W:")):
                complaints.append(line.strip())
            yield line.strip()
    if apt.returncode != 0:
        reason = next((line for line in complaints if line.startswith(("E:", "Err:"))), "apt-get failed")
        raise CannotStart(
            f"{wanted.program} could not be fetched ({reason}): check the network and the package mirror,"
            f" or {wanted.remedy}."
        )


def _unpack_one(archive: Path, root: Path) -> None:
    left_out = [f"--exclude={path}" for path in _LEFT_OUT]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as reader:
        done = subprocess.run(
            ["tar", "-x", "--no-same-owner", *left_out, "-C", str(root)],
            stdin=reader.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0 or reader.returncode != 0:
        raise CannotStart(
            f"{archive.name} could not be unpacked ({done.stderr.strip()[-200:]}):"
            f" make room below {root.parent}."
        )


def _drop_privileged_bits(root: Path) -> None:
    """Take set-user-ID and set-group-ID from every file: unpacked by root, they would be a way in."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
