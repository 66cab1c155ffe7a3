"""Revisions of the rendered configuration on disk, and the link `live` that the switch reads through.

`<root>/revisions/<digest>/` is complete or not there: it is written under another name and
renamed. `<root>/live` is a relative link that is replaced by rename.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controlplane.storage.folder_lock import folder_lock

_MANIFEST = "manifest.json"
_HALF = ".half-"
# The switch may run as another user of the group that owns the folder; nobody else reads the secrets.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a switch says when it runs a revision."""

    digest: str
    endpoints: frozenset[str]


class RevisionFolder:
    """The folder of published configuration. Methods block for disk time only; raise OSError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._revisions = root / "revisions"
        self._live = root / "live"

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep other publishers of this host out."""
        async with folder_lock(self.root):
            yield

    def write(self, manifest: Manifest, files: Mapping[str, str]) -> None:
        """Write a revision durably; one that is there already is the same and is kept."""
        target = self._revisions / manifest.digest
        if self.manifest(manifest.digest) is not None:
            os.utime(target)
            return
        self._revisions.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=self._revisions, prefix=_HALF))
        try:
            half.chmod(_FOLDER_MODE)
            listed = {"digest": manifest.digest, "endpoints": sorted(manifest.endpoints)}
            for path, text in {**files, _MANIFEST: json.dumps(listed, indent=1)}.items():
                _write(half / path, text)
            for folder in {(half / path).parent for path in files} | {half}:
                _sync_folder(folder)
            shutil.rmtree(target, ignore_errors=True)  # without a manifest: not ours, or damaged
            half.rename(target)
        except OSError:
            shutil.rmtree(half, ignore_errors=True)
            raise
        _sync_folder(self._revisions)

    def manifest(self, digest: str) -> Manifest | None:
        """Return a revision's manifest, None if the revision is not there."""
        return _read_manifest(self._revisions / digest)

    def linked(self) -> Manifest | None:
        """Return the manifest of the revision that the link names."""
        return _read_manifest(self._live)

    def link(self, digest: str) -> None:
        """Make the link name this revision, at once and durably."""
        temporary = self.root / f".live-{os.getpid()}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path("revisions") / digest)
        temporary.replace(self._live)
        _sync_folder(self.root)

    def prune(self, *, keep: int, also: Collection[str]) -> None:
        """Remove all but the newest `keep` revisions, those in `also`, and the linked one."""
        linked = self.linked()
        kept = {*also, *([] if linked is None else [linked.digest])}
        found = [entry for entry in self._revisions.iterdir() if entry.is_dir()]
        complete = [entry for entry in found if not entry.name.startswith(_HALF)]
        complete.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        newest = {entry.name for entry in complete[:keep]}
        for entry in found:
            if entry.name not in newest | kept:
                shutil.rmtree(entry, ignore_errors=True)


def _read_manifest(folder: Path) -> Manifest | None:
    try:
        read = json.loads((folder / _MANIFEST).read_text())
        return Manifest(digest=str(read["digest"]), endpoints=frozenset(map(str, read["endpoints"])))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
