"""Folders for whole instances, and which processes of this machine belong to one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may enter, and remove it with all that is in it.

    Below pytest's own folder, which is closed, PostgreSQL run by root would move to /var/lib, and stay there.
    """
    folder = Path(tempfile.mkdtemp(prefix="svm-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that know of `folder`, by argument or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            command = (process / "cmdline").read_bytes()
            known = command + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in known and command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace").strip())
    return found
