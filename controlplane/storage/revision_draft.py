"""A revision that is being made: what is new is written at once, the rest is shared with the linked one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from controlplane.domain.configuration import EditedFile
from controlplane.storage.durable_files import FOLDER_MODE, share, sync_folder, write_text
from controlplane.storage.manifest import NAME, Manifest, WrittenPart, sha256_of

HALF = ".half-"
"""How the names of folders begin that are not complete, and of files that are about to be replaced."""


def files_of(folder: Path) -> list[str]:
    """Return all files of a revision but the manifest, and but what a rewrite that died left."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME and not path.name.startswith(HALF)
    ]


class Draft:
    """Files of a revision by path. Methods block for disk time only; raise OSError.

    `base` is the folder of the linked revision, `before` its manifest, `edited` what somebody edited in it:
    of that nothing is taken over.
    """

    def __init__(
        self,
        revisions: Path,
        *,
        base: Path,
        before: Manifest | None,
        edited: Sequence[EditedFile],
        writes: bool,
    ) -> None:
        self.before = before
        self.edited = edited
        self._revisions = revisions
        self._base = base
        self._writes = writes
        self._not_ours = {file.path for file in edited}
        self._files: dict[str, str] = {}
        self._parts: dict[str, WrittenPart] = {}
        self._new: set[str] = set()
        self._half: Path | None = None

    def take_over(self, path: str, source: str, endpoints: Sequence[str] = ()) -> str | None:
        """Have a part that was made of these sources as it is; return its SHA-256, None without it."""
        digest = None if self.before is None else self.before.part(path, source)
        if digest is None or path in self._not_ours:
            return None
        self._files[path] = digest
        self._parts[path] = WrittenPart(source, tuple(endpoints))
        return digest

    def add(self, path: str, text: str, *, source: str = "", endpoints: Sequence[str] = ()) -> None:
        """Have a file of this text; with a `source` it is a part."""
        digest = sha256_of(text.encode())
        self._files[path] = digest
        if source:
            self._parts[path] = WrittenPart(source, tuple(endpoints))
        known = {} if self.before is None else self.before.files or {}
        if known.get(path) == digest and path not in self._not_ours:
            return
        self._new.add(path)
        if self._writes:
            write_text(self._folder() / path, text)

    def text_before(self, path: str) -> str | None:
        """Return what the linked revision has at a path now, whoever wrote it; None if there is nothing."""
        if self.before is None:
            return None
        try:
            return (self._base / path).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def left_out(self) -> list[str]:
        """Return the paths that the linked revision has, and that are not here."""
        found = [] if self.before is None else files_of(self._base)
        return [path for path in found if path not in self._files]

    def manifest(self, *, digest: str, endpoints: Collection[str]) -> Manifest:
        """Return what is noted of it."""
        return Manifest(
            digest=digest, endpoints=frozenset(endpoints), files=dict(self._files), parts=dict(self._parts)
        )

    def gathered(self) -> Path:
        """Return the folder with all files in it."""
        half = self._folder()
        for path in self._files:
            if path not in self._new:
                share(self._base / path, half / path)
        return half

    def seal(self, manifest: Manifest) -> None:
        """Note what it is, and have all of it on the disk."""
        half = self._folder()
        write_text(half / NAME, manifest.text())
        for folder in {parent for path in self._files for parent in (half / path).parents}:
            if folder.is_relative_to(half):
                sync_folder(folder)

    def place(self, path: str, target: Path) -> None:
        """Put one of its files somewhere else, too."""
        share((self._folder() if path in self._new else self._base) / path, target)

    def discard(self) -> None:
        """Remove what was written, unless it has got its name."""
        if self._half is not None:
            shutil.rmtree(self._half, ignore_errors=True)

    def _folder(self) -> Path:
        if self._half is None:
            self._revisions.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._half = Path(tempfile.mkdtemp(dir=self._revisions, prefix=HALF))
            self._half.chmod(FOLDER_MODE)
        return self._half
