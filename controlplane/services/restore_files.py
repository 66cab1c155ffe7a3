"""The files of a restore: put aside, given their places together, and taken back if it does not end well.

All of it is below `.restoring` of each folder. In that of the recordings is a mark, which is written before
anything else and removed last: a restore that was killed is known by it, and the next one takes back what it
did.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from controlplane.domain.errors import ControlPlaneError
from controlplane.services.backup import PROMPTS, RECORDINGS, SECRETS, SPOOL, STAGED, Places
from controlplane.storage import archive
from controlplane.storage.durable_files import sync_folder

_FILES, _JOURNAL, _MARK = "files", "places.json", "restore.json"
_FOLDER_MODES = {RECORDINGS: 0o750, SPOOL: 0o770, PROMPTS: 0o755, SECRETS: 0o700}
_FILE_MODES = {RECORDINGS: 0o640, SPOOL: 0o660, PROMPTS: 0o644, SECRETS: 0o600}


class RestoreRefused(ControlPlaneError):
    """Nothing was changed; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Which restore it is: its own id, of which backup, into which database."""

    id: str
    made_at: str
    database: str


def mark_of(recordings: Path) -> Mark | None:
    """Return the mark of a restore that is under way or was killed; None without one."""
    try:
        return Mark(**json.loads((recordings / STAGED / _MARK).read_text()))
    except FileNotFoundError:
        return None
    except PermissionError:  # of another user's
        return Mark(id="unknown", made_at="unknown", database="unknown")


class Staging:
    """Files that get their places together. Left without `keep` or `leave`, nothing of them is there."""

    def __init__(self, places: Places, *, reached: Callable[[str], None] = lambda _: None) -> None:
        self._roots = {RECORDINGS: places.recordings, SPOOL: places.spool, PROMPTS: places.prompts}
        if places.secrets is not None:
            self._roots[SECRETS] = places.secrets
        self._reached = reached
        self._made: list[Path] = []
        self._lock: int | None = None
        self._over: Callable[[], None] = self._clear
        self.left: Mark | None = None
        """The mark of one that was killed; what it did stays until `take_back` or `keep`."""
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._make(self._roots[RECORDINGS], RECORDINGS)
        staged = self._roots[RECORDINGS] / STAGED
        staged.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(staged, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RestoreRefused(
                f"Another restore into {self._roots[RECORDINGS]} is under way: wait for its end."
            ) from None
        self.left = mark_of(self._roots[RECORDINGS])
        if self.left is not None:
            self._over = self.leave
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None
        try:
            self._over()
            for root in self._roots.values():
                with suppress(OSError):  # not empty, or not there
                    (root / STAGED).rmdir()
            for folder in reversed(self._made):
                with suppress(OSError):
                    folder.rmdir()
        finally:
            os.close(self._lock)

    def begin(self, mark: Mark) -> None:
        """Say on disk, for good, that a restore is under way, which is taken back if it does not end well."""
        self._remove_what_is_aside()
        self._write(self._roots[RECORDINGS] / STAGED / _MARK, asdict(mark))
        self.undo()
        self._reached("begun")

    def add(self, member: archive.Member) -> None:
        """Put a file aside, durably, if it has a place here."""
        kind, *steps = member.parts
        if kind not in self._roots or not steps:
            return
        if kind not in self.counts:
            self._make(self._roots[kind], kind)
            self.counts[kind] = 0
        path = self._roots[kind] / STAGED / _FILES / Path(*steps)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(member.data)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(_FILE_MODES[kind])
        os.utime(path, (member.changed_at, member.changed_at))
        self.counts[kind] += 1

    def count(self, member: archive.Member) -> None:
        """Count a file that has its place already."""
        self.counts[member.parts[0]] = self.counts.get(member.parts[0], 0) + 1

    def read(self, kind: str, name: str) -> str | None:
        """Return what a file says that was put aside."""
        path = self._roots[kind] / STAGED / _FILES / name if kind in self._roots else None
        return path.read_text() if path is not None and path.is_file() else None

    def place(self) -> None:
        """Give all of them their places; what lies there already stays. Raises OSError."""
        for kind in self.counts:
            root, staged = self._roots[kind], self._roots[kind] / STAGED / _FILES
            found = sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file())
            placed = [path for path in found if not (root / path).exists()]
            # First which ones: whoever comes after a kill tells them by it from what lay there.
            self._write(root / STAGED / _JOURNAL, list(map(str, placed)))
            folders = {root}
            for path in placed:
                for folder in reversed(path.parents):
                    if not (root / folder).exists():
                        (root / folder).mkdir(mode=_FOLDER_MODES[kind])
                        self._made.append(root / folder)
                    folders.add(root / folder)
                (staged / path).rename(root / path)
                self._reached(f"placed-one-of-{kind}")
            for folder in folders:
                sync_folder(folder)
        self._reached("placed")

    def take_back(self) -> None:
        """Remove what this restore, or one that was killed, put aside and gave places."""
        for root in self._roots.values():
            journal = root / STAGED / _JOURNAL
            for name in json.loads(journal.read_text()) if journal.exists() else ():
                if not (root / STAGED / _FILES / name).exists():
                    (root / name).unlink(missing_ok=True)
        self._clear()

    def undo(self) -> None:
        """Take all of it back at the end."""
        self._over = self.take_back

    def keep(self) -> None:
        """Leave all where it is, for good."""
        self._over = self._clear

    def leave(self) -> None:
        """Leave all as it is, to a later restore, which finds out what became of it."""
        self._over = lambda: None

    def _clear(self) -> None:
        self._remove_what_is_aside()
        self._reached("clearing")
        (self._roots[RECORDINGS] / STAGED / _MARK).unlink(missing_ok=True)

    def _remove_what_is_aside(self) -> None:
        for root in self._roots.values():
            for path in (root / STAGED).glob("*"):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name != _MARK:
                    path.unlink()

    def _make(self, root: Path, kind: str) -> None:
        for folder in (*reversed(root.parents), root):
            if not folder.exists():
                folder.mkdir(mode=_FOLDER_MODES[kind] if folder == root else 0o755)
                self._made.append(folder)

    def _write(self, path: Path, content: object) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        new = path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        sync_folder(path.parent)
