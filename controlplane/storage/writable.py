"""Whether a folder can be written, found out by doing it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def check_writable(folder: Path) -> None:
    """Write a small file and remove it again; raises OSError.

    Its name is one that the scanner of the spool does not take for a recording.
    """
    handle, name = tempfile.mkstemp(prefix=".ready-", dir=folder)
    try:
        os.write(handle, b"x")
    finally:
        os.close(handle)
        Path(name).unlink()
