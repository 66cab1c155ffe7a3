"""Revisions of the rendered configuration on disk, and the link `live` that the switch reads through.

`<root>/revisions/<digest>/` is complete or not there: it is written under another name and
renamed. `<root>/live` is a relative link that is replaced by rename. A manifest holds the SHA-256
of each file, so that what somebody edited by hand is noticed; `<root>/edited/` keeps copies of that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.domain.configuration import Action, EditedFile
from controlplane.storage.folder_lock import folder_lock

_MANIFEST = "manifest.json"
_HALF = ".half-"
# The switch may run as another user of the group that owns the folder; nobody else reads the secrets.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a switch says when it runs a revision; the SHA-256 of each file, as `write` noted it.

    `files` is None for what a version wrote that did not note them.
    """

    digest: str
    endpoints: frozenset[str]
    files: Mapping[str, str] | None = field(default=None, repr=False)


class RevisionFolder:
    """The folder of published configuration. Methods block for disk time only; raise OSError.

    `reached` is told each step, for tests that end the process there.
    """

    def __init__(self, root: Path, *, reached: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self._revisions = root / "revisions"
        self._live = root / "live"
        self._edited = root / "edited"
        self._reached = reached

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep other publishers of this host out."""
        async with folder_lock(self.root):
            yield

    def write(self, manifest: Manifest, files: Mapping[str, str]) -> None:
        """Write a revision durably.

        One that is there already is the same and is kept; what was edited in it is put right, file
        by file, after `keep_edited` has kept a copy.
        """
        target = self._revisions / manifest.digest
        present = self.manifest(manifest.digest)
        if present is not None:
            self.keep_edited(manifest.digest)
            for edited in self.edited(manifest.digest):
                self._put_right(target, edited, files)
            os.utime(target)
            return
        self._revisions.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=self._revisions, prefix=_HALF))
        try:
            half.chmod(_FOLDER_MODE)
            listed = {
                "digest": manifest.digest,
                "endpoints": sorted(manifest.endpoints),
                "files": {path: _sha256(text.encode()) for path, text in sorted(files.items())},
            }
            for path, text in files.items():
                _write(half / path, text)
            self._reached("files-written")
            _write(half / _MANIFEST, json.dumps(listed, indent=1))
            for folder in {(half / path).parent for path in files} | {half}:
                _sync_folder(folder)
            self._reached("folder-complete")
            shutil.rmtree(target, ignore_errors=True)  # without a manifest: not ours, or damaged
            half.rename(target)
        except OSError:
            shutil.rmtree(half, ignore_errors=True)
            raise
        _sync_folder(self._revisions)
        self._reached("folder-named")

    def read(self, digest: str) -> dict[str, str]:
        """Return the files of a revision as they are now; empty if it is not there."""
        folder = self._revisions / digest
        return {
            str(path.relative_to(folder)): path.read_text(encoding="utf-8", errors="replace")
            for path in _files(folder)
        }

    def edited(self, digest: str) -> list[EditedFile]:
        """Return which files of a revision are not as they were written, by path."""
        folder = self._revisions / digest
        manifest = _read_manifest(folder)
        if manifest is None or manifest.files is None:
            return []
        found = {str(path.relative_to(folder)): _sha256(path.read_bytes()) for path in _files(folder)}
        changes = dict.fromkeys(found.keys() - manifest.files.keys(), Action.ADDED)
        for path, digest_then in manifest.files.items():
            if path not in found:
                changes[path] = Action.REMOVED
            elif found[path] != digest_then:
                changes[path] = Action.CHANGED
        return [EditedFile(path=path, change=changes[path]) for path in sorted(changes)]

    def keep_edited(self, digest: str) -> str | None:
        """Copy a revision that was edited to `edited/`; return where, None if nothing was edited.

        The same edits are copied once.
        """
        if not self.edited(digest):
            return None
        folder = self._revisions / digest
        contents = hashlib.sha256()
        for path in _files(folder):
            contents.update(f"{path.relative_to(folder)} {_sha256(path.read_bytes())}\n".encode())
        name = f"{digest[:12]}-{contents.hexdigest()[:12]}"
        target = self._edited / name
        if not target.exists():
            self._edited.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=self._edited, prefix=_HALF))
            try:
                shutil.copytree(folder, half, symlinks=True, dirs_exist_ok=True)
                half.rename(target)
            except OSError:
                shutil.rmtree(half, ignore_errors=True)
                raise
            _sync_folder(self._edited)
        return f"edited/{name}"

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

    def _put_right(self, target: Path, edited: EditedFile, files: Mapping[str, str]) -> None:
        """Write one file as it was; a switch that reads it meanwhile gets the old one or the new one."""
        path = target / edited.path
        if edited.change is Action.ADDED:
            path.unlink(missing_ok=True)
            return
        temporary = path.with_name(f"{_HALF}{path.name}")
        temporary.unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        _write(temporary, files[edited.path])
        temporary.replace(path)
        _sync_folder(path.parent)

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
        files = read.get("files")
        return Manifest(
            digest=str(read["digest"]),
            endpoints=frozenset(map(str, read["endpoints"])),
            files=None if files is None else {str(path): str(digest) for path, digest in files.items()},
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _files(folder: Path) -> list[Path]:
    """Return all files but the manifest, and but what a rewrite that died left."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / _MANIFEST and not path.name.startswith(_HALF)
    ]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
