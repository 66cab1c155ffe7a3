"""The file of a backup: a tar whose last member says what is in it, and that nothing is missing."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final

from controlplane.domain.errors import ControlPlaneError

HEAD, END = "manifest.json", "end.json"
FORMAT: Final = 1
_MODE = 0o600
_PART = re.compile(r"[^/\0]+")


class BackupDamaged(ControlPlaneError):
    """The file is no backup, or not a whole one; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in a backup; `name` is a relative path without steps upwards."""

    name: str
    data: bytes
    changed_at: float

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the name."""
        return PurePosixPath(self.name).parts


class ArchiveWriter:
    """Writes a backup to a file that need not be one of a disk; `close` makes it a whole one."""

    def __init__(self, output: BinaryIO, head: dict[str, Any]) -> None:
        self._tar = tarfile.TarFile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT)
        self._digest = hashlib.sha256()
        self.add(HEAD, _json({"format": FORMAT, **head}))

    def add(self, name: str, data: bytes, *, changed_at: float = 0.0) -> None:
        """Append a file; raises OSError."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(data), int(changed_at), _MODE
        self._tar.addfile(entry, io.BytesIO(data))
        _count(self._digest, name, data)

    def close(self, end: dict[str, Any]) -> None:
        """Append what was found out on the way, and the digest of all; raises OSError."""
        self.add(END, _json({**end, "sha256": self._digest.hexdigest()}))
        self._tar.close()


def read_head(source: BinaryIO) -> dict[str, Any]:
    """Return what a backup says at its beginning; raises BackupDamaged."""
    first = next(_members(source), None)
    if first is None or first.name != HEAD:
        raise BackupDamaged("It is no backup of Shared Voicemail.")
    return _checked_head(first)


def members(source: BinaryIO) -> Iterator[Member]:
    """Yield what is in a backup, its head and its end too, in the order in which it was written.

    Raises BackupDamaged, at the latest after the last one: what was done by then must be undone.
    """
    digest = hashlib.sha256()
    ended = False
    for number, member in enumerate(_members(source)):
        if number == 0:
            if member.name != HEAD:
                raise BackupDamaged("It is no backup of Shared Voicemail.")
            _checked_head(member)
        if member.name == END:
            ended = json.loads(member.data).get("sha256") == digest.hexdigest()
            yield member
            break
        _count(digest, member.name, member.data)
        yield member
    if not ended:
        raise BackupDamaged("It is not whole: it was cut off, or changed.")


def _members(source: BinaryIO) -> Iterator[Member]:
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isreg() else None
                steps = entry.name.split("/")
                if content is None or any(
                    step in {"", ".", ".."} or not _PART.fullmatch(step) for step in steps
                ):
                    raise BackupDamaged(f"It has something that is in no backup ({entry.name!r}).")
                yield Member(name=entry.name, data=content.read(), changed_at=entry.mtime)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BackupDamaged("It is no backup of Shared Voicemail, or not a whole one.") from error


def _checked_head(member: Member) -> dict[str, Any]:
    head = json.loads(member.data)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BackupDamaged("It was made by another version: restore it with that one, or a newer one.")
    return head


def _count(digest: hashlib._Hash, name: str, data: bytes) -> None:
    digest.update(f"{name}\0{len(data)}\0".encode())
    digest.update(data)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
