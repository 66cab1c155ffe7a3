"""Files that are on the disk when a function returns, for their owner and a switch of its group."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# The switch may run as another user of the group that owns the folder; nobody else reads the secrets.
FOLDER_MODE, FILE_MODE = 0o750, 0o640


def write_text(path: Path, text: str) -> None:
    """Write a new file, and make its folders; raises OSError, also where it is there already."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def share(source: Path, path: Path) -> None:
    """Make `path` the same file as `source`, which is durable; a copy where there are no such links."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        path.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(source, path)
        path.chmod(FILE_MODE)
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make what was renamed, made or removed in a folder durable; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
