"""Finds a headless Chromium for the tests of pages, or unpacks Debian's into the shared cache.

`python -m tests.support.chromium` does so before the tests start, and says what is missing if it cannot.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controlplane.supervisor.asterisk_tree import cache_folder
from controlplane.supervisor.debian_packages import Progress, Wanted, read_os_release, unpack
from controlplane.supervisor.faults import CannotStart

_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PACKAGES = ("chromium-headless-shell", "fonts-inter")
_WANTED = Wanted(
    program="Chromium", remedy="install chromium-headless-shell or chromium, or name one in CHROMIUM"
)
_FREE_BYTES_NEEDED = 700_000_000
_SHELL = Path("usr/lib/chromium/chromium-headless-shell")
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir>
<alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
<alias><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
</fontconfig>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """A program to start, and the variables that it needs."""

    program: Path
    environment: Mapping[str, str]

    def version(self) -> str | None:
        """Return what it says of itself; None if it does not run."""
        try:
            done = subprocess.run(
                [self.program, "--version"],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                env={**os.environ, **self.environment},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 and done.stdout else None


def find_or_unpack(environment: Mapping[str, str], *, progress: Progress) -> Chromium:
    """Return the Chromium named by CHROMIUM, an installed one, the cached one, or fetch it.

    Raises CannotStart with a reason to print.
    """
    if given := environment.get("CHROMIUM"):
        return Chromium(program=Path(given), environment={})
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found is not None and Chromium(program=Path(found), environment={}).version():
            return Chromium(program=Path(found), environment={})
    trees = cache_folder(environment) / "chromium"
    try:
        trees.mkdir(parents=True, exist_ok=True)
        lock = os.open(trees / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _cached_or_fetched(trees, progress)
        finally:
            os.close(lock)
    except OSError as error:
        raise CannotStart(f"{trees} cannot be written ({error.strerror}): {_WANTED.remedy}.") from error


def _cached_or_fetched(trees: Path, progress: Progress) -> Chromium:
    release = read_os_release(Path("/etc/os-release").read_text())
    place = trees / f"{release.get('ID')}-{release.get('VERSION_CODENAME')}-{platform.machine()}"
    kept = _in_tree(place)
    if kept is not None:
        return kept
    if shutil.disk_usage(trees).free < _FREE_BYTES_NEEDED:
        raise CannotStart(
            f"{_FREE_BYTES_NEEDED // 1_000_000} MB must be free in {trees} for Chromium: {_WANTED.remedy}."
        )
    for left in trees.glob(".half-*"):  # of a run that was killed; we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    half = Path(tempfile.mkdtemp(dir=trees, prefix=".half-"))
    try:
        half.chmod(0o755)
        unpack(_PACKAGES, None, half, progress=progress, wanted=_WANTED)
        shutil.rmtree(place, ignore_errors=True)  # an incomplete one of ours
        half.rename(place)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    fetched = _in_tree(place)
    if fetched is None:
        raise CannotStart(f"The Chromium of this distribution does not run here: {_WANTED.remedy}.")
    return fetched


def _in_tree(place: Path) -> Chromium | None:
    """Return the Chromium unpacked below `place`, with its own libraries before the host's."""
    root = place / "root"
    if not (root / _SHELL).exists():
        return None
    fonts = place / "fonts.conf"
    fonts.write_text(_FONTS.format(root=root, cache=place / "fonts-cache"))
    libraries = [
        folder for pattern in ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*") for folder in root.glob(pattern)
    ]
    # Some keep theirs in folders of their own, to which the package's scripts would have pointed.
    libraries += sorted({path.parent for folder in libraries for path in folder.glob("*/lib*.so*")})
    found = Chromium(
        program=root / _SHELL,
        environment={
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "FONTCONFIG_FILE": str(fonts),
        },
    )
    return found if found.version() else None


if __name__ == "__main__":
    try:
        print(find_or_unpack(os.environ, progress=print).version())  # noqa: T201 (for who runs it)
    except CannotStart as error:
        # The tests of pages say the same, and are skipped.
        print(error)  # noqa: T201
        sys.exit(0)
