"""The state folder of one `up`: everything it keeps is below it, and one `up` at a time owns it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from controlplane.supervisor.faults import CannotStart

FREE_BYTES_NEEDED = 100_000_000
HALF_RESTORED = ".restoring"
LOCK = "lock"
_MEGABYTE = 1_000_000
_PUNCTUATION_OF_PATHS = "_./+@~- "


def write_private(path: Path, text: str) -> None:
    """Replace a file by one of mode 0600, at once: readers meet the old or the new one, on disk for good."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:  # mkstemp makes it 0600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)  # else a power failure may take the name away


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_half_restored(root: Path) -> bool:
    """Say whether a restore into a state folder is under way, or was killed."""
    return (root / HALF_RESTORED).exists()


def about_half_restored(root: Path) -> str:
    """Return what is wrong with such a folder, and what to do."""
    return (
        f"A restore into {root} was broken off, or is under way: repeat it"
        f" (controlplane restore FILE --state-dir {root}), which begins anew, or remove the folder."
    )


class StateFolder:
    """A folder that was found fit and is held by a lock until this process ends or `release`s it."""

    def __init__(self, root: Path, *, restoring: bool = False) -> None:
        """Make the folder if it is missing, check it and lock it; raises CannotStart.

        With `restoring` it says on disk that it is half of something, until `restored`.
        """
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 (links stay: a path may be short by one)
        # To a dialplan `,` `&` `|` are separators, `%` a counter, `$` a variable, `;` a comment.
        unfit = [char for char in str(self.root) if not char.isalnum() and char not in _PUNCTUATION_OF_PATHS]
        if unfit:
            raise CannotStart(
                f"The state folder's path has the character {unfit[0]!r}, which the switch cannot take:"
                " name another folder with --state-dir."
            )
        self._lock: int | None = None
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            if restoring:
                (self.root / HALF_RESTORED).touch(mode=0o600)
            elif is_half_restored(self.root):
                self.release()
                raise CannotStart(about_half_restored(self.root))
            self.make_folders()
            write_private(self.root / ".writable", "yes\n")
            (self.root / ".writable").unlink()
        except OSError as error:
            raise CannotStart(
                f"The state folder {self.root} cannot be written ({error.strerror}):"
                " name another one with --state-dir, or make it yours."
            ) from error
        free = shutil.disk_usage(self.root).free
        if free < FREE_BYTES_NEEDED:
            needed = FREE_BYTES_NEEDED // _MEGABYTE
            raise CannotStart(
                f"Only {free // _MEGABYTE} MB are free in {self.root}, {needed} MB are needed:"
                " make room, or name another folder with --state-dir."
            )

    @property
    def secrets(self) -> Path:
        """Where what must stay private is kept, a file each."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.root / "log"

    @property
    def ready_file(self) -> Path:
        """What says that everything runs, and where."""
        return self.root / "ready.json"

    def make_folders(self) -> None:
        """Make the folders that every state folder has; raises OSError."""
        for folder in (self.secrets, self.logs):
            folder.mkdir(mode=0o700, exist_ok=True)

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """Return the secret `name`, made by `make` the first time; the file has mode 0600."""
        kept = self.kept(name)
        if kept is None:
            kept = make()
            write_private(self.secrets / name, kept + "\n")
        return kept

    def kept(self, name: str) -> str | None:
        """Return the secret `name`; None if it was never made, or its file is empty."""
        try:
            return (self.secrets / name).read_text().strip() or None
        except FileNotFoundError:
            return None

    def run_folder(self) -> Path:
        """Make a folder with a short path for sockets, 0700 and ours; the same one at each start."""
        name = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]
        given = os.environ.get("XDG_RUNTIME_DIR")
        parent = Path(given) if given and os.access(given, os.W_OK | os.X_OK) else Path("/tmp")  # noqa: S108 (below)
        folder = parent / f"shared-voicemail-{os.geteuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise CannotStart(f"{folder} belongs to somebody else: remove it.")
        folder.chmod(0o700)
        return folder

    def restored(self) -> None:
        """Say that the folder is whole: the last step of a restore."""
        (self.root / HALF_RESTORED).unlink()
        _sync(self.root)

    def release(self) -> None:
        """Let another `up` have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        path = self.root / LOCK
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 32).decode(errors="replace").strip() or "?"
            os.close(lock)
            raise CannotStart(
                f"Another `controlplane up` (process {owner}) uses {self.root}:"
                " stop it, or name another folder with --state-dir."
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock
