"""Which processes of this machine belong to a state folder."""

from __future__ import annotations

import os
from pathlib import Path


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
