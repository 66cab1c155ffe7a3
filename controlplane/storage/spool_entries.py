"""What lies in the spool under one name, and the lock on it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from controlplane.domain.message import recording_id_of_fallback

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_FALLBACK = re.compile(r"fb-(?P<call>.+)-[0-9]+", re.ASCII)
_ENDS = frozenset({"json", "meta", "wav", "discarded"})
_UNFINISHED_END = "json.new"


class EntryKind(StrEnum):
    """What an entry is."""

    TAKE = "take"
    FALLBACK = "fallback"
    DISCARDED = "discarded"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What lies in the spool under one name, as it was listed.

    `facts` is the file of its facts, or the mark that it is discarded; None if there was none.
    `wav` is where its audio is or would be.
    """

    name: str
    kind: EntryKind
    facts: Path | None
    wav: Path

    @property
    def call_id(self) -> str:
        """What the name says of the call; empty if it says nothing."""
        found = _FALLBACK.fullmatch(self.name)
        return found["call"] if found else ""

    def recording_id(self, *, switch: str) -> UUID | None:
        """Return the id of the take: its name, or one made of the name of a fall-back take."""
        match self.kind:
            case EntryKind.FALLBACK:
                return recording_id_of_fallback(self.name, switch=switch)
            case EntryKind.TAKE | EntryKind.DISCARDED:
                return UUID(self.name)
            case _:
                return None


class Lock:
    """A lock on an open file; the end of the process lets go of it too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def take(self) -> bool:
        """Take it without waiting; False if somebody else has it."""
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def holds(self, path: Path) -> bool:
        """Tell whether the file that is open still has this name."""
        assert self._descriptor is not None
        try:
            return os.path.samestat(os.fstat(self._descriptor), path.lstat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go; a second time does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def age_seconds(path: Path | None) -> float:
    """Return how long ago a file was changed; infinite for none, and for a time that lies ahead."""
    try:
        age = time.time() - path.stat().st_mtime if path else float("inf")
    except FileNotFoundError:
        return float("inf")
    return age if age >= 0 else float("inf")


def state_of(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when a file is written, its time and its size; None for none."""
    try:
        found = path.stat() if path else None
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None


def split(file_name: str) -> tuple[str, str] | None:
    """Return the name of an entry and which of its files this is; None for a foreign file."""
    if file_name.startswith("."):
        name, _, end = file_name[1:].partition(".")
        return (f".{name}", end) if end == _UNFINISHED_END else None
    name, dot, end = file_name.rpartition(".")
    return (name, end) if dot and end in _ENDS else None


def entry_of(root: Path, name: str, files: Mapping[str, Path]) -> Entry:
    """Return the entry of a name that has these files."""
    wav = root / f"{name}.wav"
    if _UNFINISHED_END in files:
        return Entry(name=name, kind=EntryKind.UNFINISHED, facts=files[_UNFINISHED_END], wav=wav)
    if _UUID.fullmatch(name):
        if "discarded" in files:
            return Entry(name=name, kind=EntryKind.DISCARDED, facts=files["discarded"], wav=wav)
        return Entry(name=name, kind=EntryKind.TAKE, facts=files.get("json"), wav=wav)
    if _FALLBACK.fullmatch(name):
        return Entry(name=name, kind=EntryKind.FALLBACK, facts=files.get("meta"), wav=wav)
    facts = files.get("json") or files.get("meta") or files.get("discarded")
    return Entry(name=name, kind=EntryKind.UNKNOWN, facts=facts, wav=wav)
