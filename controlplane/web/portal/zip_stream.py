"""Several recordings as one ZIP file, sent while it is made: none of them is in memory as a whole."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A file to put in: its name there, where it is, and its time by the clock of whoever reads it."""

    name: str
    path: Path
    at: datetime


class _Sink(io.RawIOBase):
    """What a ZIP is written to, and taken out of again piece by piece; it cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # bytes, or a view of them
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def zipped(files: Sequence[Packed]) -> AsyncIterator[bytes]:
    """Yield a ZIP of some files; one that is gone meanwhile is left out."""
    pieces = _pieces(files)
    while True:
        piece = await asyncio.to_thread(next, pieces, None)
        if piece is None:
            return
        yield piece


def _pieces(files: Sequence[Packed]) -> Iterator[bytes]:
    sink = _Sink()
    # Sound hardly gets smaller.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.name, file.at.timetuple()[:6])
            try:
                source = file.path.open("rb")
            except FileNotFoundError:
                continue
            with source, archive.open(entry, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()
