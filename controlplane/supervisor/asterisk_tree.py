"""Finds an Asterisk of version 20 or later on this machine, or unpacks one into a cache.

The cache is shared by all state folders of a user. An unpacked tree is complete or not there
(it is renamed into place), and a complete one is used again without a network. It runs through
its own loader with its own C library, so the host's release does not matter.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controlplane.supervisor.debian_packages import (
    Progress,
    choose_source,
    host_mirrors,
    read_os_release,
    unpack,
)
from controlplane.supervisor.faults import CannotStart

OLDEST_MAJOR = 20
_PACKAGES = ("asterisk", "asterisk-modules")
_VERSION = re.compile(r"Asterisk (?:certified[/-])?((\d+)\.\S+)")
_NEEDED_MODULE = "res_agi.so"
_DOCUMENTATION = Path("documentation/core-en_US.xml")
_FREE_BYTES_NEEDED = 600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskTree:
    """An Asterisk that can be run: the words before its arguments, its version and its folders."""

    command: tuple[str, ...]
    version: str
    modules: Path
    data: Path
    installed: bool

    @property
    def described(self) -> str:
        """What it is, for people."""
        return f"Asterisk {self.version} ({'installed' if self.installed else 'unpacked'})"


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of what is fetched once and shared by several state folders."""
    if given := environment.get("CONTROLPLANE_CACHE_DIR"):
        return Path(given).absolute()
    if base := environment.get("XDG_CACHE_HOME"):
        return Path(base).absolute() / "shared-voicemail"
    try:
        return Path.home() / ".cache" / "shared-voicemail"
    except RuntimeError:
        raise CannotStart(
            "There is no home folder: name a folder for downloads in CONTROLPLANE_CACHE_DIR."
        ) from None


def find_or_unpack(cache: Path, *, progress: Progress) -> AsteriskTree:
    """Return an installed Asterisk, else the cached one, else fetch one; raises CannotStart."""
    return find_installed(progress=progress) or cached_or_fetched(cache, progress=progress)


def cached_or_fetched(cache: Path, *, progress: Progress) -> AsteriskTree:
    """Return the cached Asterisk, else fetch one from the distribution's packages; raises CannotStart."""
    trees = cache / "asterisk"
    try:
        trees.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(trees / "lock", progress):
            return _cached(trees) or _fetch(trees, progress)
    except OSError as error:
        raise CannotStart(
            f"{trees} cannot be written ({error.strerror}): make room,"
            " or name another folder in CONTROLPLANE_CACHE_DIR."
        ) from error


def find_installed(*, progress: Progress) -> AsteriskTree | None:
    """Return the Asterisk of this machine if it is one that we can run."""
    program = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    version = _version_of((program,))
    if version is None or int(version.partition(".")[0]) < OLDEST_MAJOR:
        progress(f"{program} is {version or 'of an unknown version'}, not {OLDEST_MAJOR} or later: not used")
        return None
    prefix = Path(program).resolve().parent.parent
    libraries = (prefix / "lib", prefix / "lib64", *sorted((prefix / "lib").glob("*-linux-gnu*")))
    modules = _first_with(_NEEDED_MODULE, [library / "asterisk" / "modules" for library in libraries])
    data = _first_with(
        _DOCUMENTATION,
        [
            prefix / "share/asterisk",
            prefix / "var/lib/asterisk",
            Path("/usr/share/asterisk"),
            Path("/var/lib/asterisk"),
        ],
    )
    if modules is None or data is None:
        progress(f"{program} has no modules or no documentation that we can find: not used")
        return None
    return AsteriskTree(command=(program,), version=version, modules=modules, data=data, installed=True)


def tree_in(root: Path) -> AsteriskTree | None:
    """Return the Asterisk unpacked in `root`, or None if it is not complete or does not run."""
    program = root / "usr/sbin/asterisk"
    loaders = sorted(root.glob("usr/lib/*-linux-gnu*/ld-linux-*.so*")) or sorted(
        root.glob("lib/*-linux-gnu*/ld-linux-*.so*")
    )
    modules = _first_with(_NEEDED_MODULE, sorted(root.glob("usr/lib/*-linux-gnu*/asterisk/modules")))
    data = root / "usr/share/asterisk"
    if not program.exists() or not loaders or modules is None or not (data / _DOCUMENTATION).exists():
        return None
    libraries = [
        folder
        for folder in (modules.parent.parent, root / "lib" / modules.parent.parent.name)
        if folder.is_dir()
    ]
    path = ":".join(str(folder) for folder in libraries)
    command = (str(loaders[0]), "--argv0", "asterisk", "--library-path", path, str(program))
    version = _version_of(command)
    if version is None or int(version.partition(".")[0]) < OLDEST_MAJOR:
        return None
    return AsteriskTree(command=command, version=version, modules=modules, data=data, installed=False)


def _cached(trees: Path) -> AsteriskTree | None:
    """Return the newest complete tree of this kind of machine."""
    candidates = sorted(
        trees.glob(f"*-{platform.machine()}/root"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    return next((tree for tree in map(tree_in, candidates) if tree is not None), None)


def _fetch(trees: Path, progress: Progress) -> AsteriskTree:
    if shutil.disk_usage(trees).free < _FREE_BYTES_NEEDED:
        raise CannotStart(
            f"{_FREE_BYTES_NEEDED // 1_000_000} MB must be free in {trees} to fetch Asterisk:"
            " make room, or name another folder in CONTROLPLANE_CACHE_DIR."
        )
    try:
        release = read_os_release(Path("/etc/os-release").read_text())
    except OSError:
        release = {}
    source = choose_source(release, host_mirrors())
    for left in trees.glob(".half-*"):  # of a start that was killed; we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    half = Path(tempfile.mkdtemp(dir=trees, prefix=".half-"))
    try:
        half.chmod(0o755)
        unpack(_PACKAGES, source, half, progress=progress)
        tree = tree_in(half / "root")
        if tree is None:
            raise CannotStart(
                f"The Asterisk of {source.name} does not run here, or is older than {OLDEST_MAJOR}:"
                " install Asterisk 20 or later."
            )
        place = trees / f"{source.name}-{platform.machine()}"
        shutil.rmtree(place, ignore_errors=True)  # an incomplete one of ours
        half.rename(place)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    placed = tree_in(place / "root")
    assert placed is not None, "a tree runs from wherever it is moved"
    progress(f"Asterisk {placed.version} is in {place}")
    return placed


def _first_with(content: str | Path, folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / content).exists()), None)


def _version_of(command: tuple[str, ...]) -> str | None:
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return found[1] if found else None


@contextmanager
def _one_at_a_time(path: Path, progress: Progress) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another instance is fetching Asterisk: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
