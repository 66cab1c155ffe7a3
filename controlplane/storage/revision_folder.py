"""Revisions of the rendered configuration on disk, and the link `live` that the switch reads through.

`<root>/revisions/<digest>/` is complete or not there: it is written under another name and
renamed. `<root>/live` is a relative link that is replaced by rename. A manifest holds the SHA-256
of each file, so that what somebody edited by hand is noticed; `<root>/edited/` keeps copies of that.

A file that a revision has in common with the one that is linked is the same file by a hard link. So who edits
a file of `live` in place edits older revisions too: each notices it by its own manifest, and a file that was
edited is never shared on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from controlplane.domain.configuration import Action, EditedFile
from controlplane.storage.durable_files import FOLDER_MODE, sync_folder
from controlplane.storage.folder_lock import folder_lock
from controlplane.storage.manifest import Manifest, read_manifest, sha256_of
from controlplane.storage.revision_draft import HALF, Draft, files_of

__all__ = ["Draft", "Manifest", "RevisionFolder"]


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

    @contextmanager
    def draft(self, *, writes: bool = True) -> Iterator[Draft]:
        """Begin a revision, beside the linked one; what was not completed is gone at the end.

        Without `writes` nothing is written, and it cannot be completed.
        """
        before = self.linked()
        draft = Draft(
            self._revisions,
            base=self._live.resolve(),
            before=before,
            edited=[] if before is None else self.edited(before.digest),
            writes=writes,
        )
        try:
            yield draft
        finally:
            draft.discard()

    def complete(self, draft: Draft, *, digest: str, endpoints: Collection[str]) -> Manifest:
        """Give a draft its name, durably.

        A revision that is there already is the same and is kept; what was edited in it is put right, file
        by file, after `keep_edited` has kept a copy.
        """
        manifest = draft.manifest(digest=digest, endpoints=endpoints)
        target = self._revisions / digest
        if self.manifest(digest) is not None:
            self.keep_edited(digest)
            for edited in self.edited(digest):
                self._put_right(target, edited, draft)
            os.utime(target)
            return manifest
        half = draft.gathered()
        self._reached("files-written")
        draft.seal(manifest)
        self._reached("folder-complete")
        shutil.rmtree(target, ignore_errors=True)  # without a manifest: not ours, or damaged
        half.rename(target)
        sync_folder(self._revisions)
        self._reached("folder-named")
        return manifest

    def write(self, manifest: Manifest, files: Mapping[str, str]) -> None:
        """Write a revision of which all texts are at hand."""
        with self.draft() as draft:
            for path, text in files.items():
                draft.add(path, text)
            self.complete(draft, digest=manifest.digest, endpoints=manifest.endpoints)

    def edited(self, digest: str) -> list[EditedFile]:
        """Return which files of a revision are not as they were written, by path."""
        folder = self._revisions / digest
        manifest = read_manifest(folder)
        if manifest is None or manifest.files is None:
            return []
        found = {path: sha256_of((folder / path).read_bytes()) for path in files_of(folder)}
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
        for path in files_of(folder):
            contents.update(f"{path} {sha256_of((folder / path).read_bytes())}\n".encode())
        name = f"{digest[:12]}-{contents.hexdigest()[:12]}"
        target = self._edited / name
        if not target.exists():
            self._edited.mkdir(mode=FOLDER_MODE, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=self._edited, prefix=HALF))
            try:
                shutil.copytree(folder, half, symlinks=True, dirs_exist_ok=True)
                half.rename(target)
            except OSError:
                shutil.rmtree(half, ignore_errors=True)
                raise
            sync_folder(self._edited)
        return f"edited/{name}"

    def manifest(self, digest: str) -> Manifest | None:
        """Return a revision's manifest, None if the revision is not there."""
        return read_manifest(self._revisions / digest)

    def linked(self) -> Manifest | None:
        """Return the manifest of the revision that the link names."""
        return read_manifest(self._live)

    def link(self, digest: str) -> None:
        """Make the link name this revision, at once and durably."""
        temporary = self.root / f".live-{os.getpid()}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path("revisions") / digest)
        temporary.replace(self._live)
        sync_folder(self.root)

    def _put_right(self, target: Path, edited: EditedFile, draft: Draft) -> None:
        """Write one file as it was; a switch that reads it meanwhile gets the old one or the new one."""
        path = target / edited.path
        if edited.change is Action.ADDED:
            path.unlink(missing_ok=True)
            return
        temporary = path.with_name(f"{HALF}{path.name}")
        temporary.unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        draft.place(edited.path, temporary)
        temporary.replace(path)
        sync_folder(path.parent)

    def prune(self, *, keep: int, also: Collection[str]) -> None:
        """Remove all but the newest `keep` revisions, those in `also`, and the linked one."""
        linked = self.linked()
        kept = {*also, *([] if linked is None else [linked.digest])}
        found = [entry for entry in self._revisions.iterdir() if entry.is_dir()]
        complete = [entry for entry in found if not entry.name.startswith(HALF)]
        complete.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        newest = {entry.name for entry in complete[:keep]}
        for entry in found:
            if entry.name not in newest | kept:
                shutil.rmtree(entry, ignore_errors=True)
