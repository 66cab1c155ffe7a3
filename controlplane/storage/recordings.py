"""The recordings of messages: one WAV file each, 8 kHz, 16 bit, mono, durable before it has its name."""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import soundfile
import soxr

from controlplane.storage import wav as wav_files
from controlplane.storage.durable_files import sync_folder
from controlplane.storage.wav import FRAME_BYTES, HEADER_BYTES, RATE, Layout, NotAWav

_BLOCK = 1 << 20
_FRAMES = 1 << 16
# The switch plays them and may run as another user of the folder's group; nobody else listens.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_RECORDING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.wav", re.ASCII)


class StoreStep(StrEnum):
    """What was just done in the store; the tests of crashes stop there."""

    WRITTEN = "copy-written"
    RENAMED = "copy-renamed"


class RecordingStore:
    """A local folder, `<first two digits of the id>/<id>.wav` below `root`.

    `reached` is told of each step of a copy once it is done.
    """

    def __init__(self, root: Path, *, reached: Callable[[StoreStep], None] = lambda _: None) -> None:
        self._root = root
        self._reached = reached

    def path(self, message_id: UUID) -> Path:
        """Return where the recording of a message is; the file may be missing."""
        name = str(message_id)
        return self._root / name[:2] / f"{name}.wav"

    async def take_in(self, message_id: UUID, wav: Path) -> int:
        """Copy a recording durably under its id; return its length in milliseconds.

        The header of the copy is right whatever the source's says, and other formats of audio
        are converted. A second time replaces the first. Raises NotAWav or OSError, and then
        leaves nothing under the id that was not there before.
        """
        return await asyncio.to_thread(self._take_in, message_id, wav)

    async def remove(self, message_id: UUID) -> None:
        """Remove a recording; does nothing if there is none. Raises OSError."""
        await asyncio.to_thread(self.path(message_id).unlink, missing_ok=True)

    async def older_than(self, seconds: float) -> list[UUID]:
        """List the recordings that were taken in longer ago than that, in the order of their ids."""
        return await asyncio.to_thread(self._older_than, seconds)

    async def remove_leftovers(self, seconds: float) -> int:
        """Remove unfinished copies older than that, left by a crash; return how many."""
        return await asyncio.to_thread(self._remove_leftovers, seconds)

    def _take_in(self, message_id: UUID, wav: Path) -> int:
        target = self.path(message_id)
        self._make_folder(target.parent)
        temporary = target.parent / f".{target.name}.{secrets.token_hex(6)}"
        try:
            with wav_files.open_audio(wav) as source, _new(temporary) as copy:
                length = _copy(source, copy)
                copy.flush()
                os.fsync(copy.fileno())
            self._reached(StoreStep.WRITTEN)
            temporary.rename(target)
            self._reached(StoreStep.RENAMED)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
        return length * 1000 // (RATE * FRAME_BYTES)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        sync_folder(self._root)

    def _shards(self) -> Iterator[Path]:
        if self._root.is_dir():
            yield from sorted(folder for folder in self._root.iterdir() if folder.is_dir())

    def _older_than(self, seconds: float) -> list[UUID]:
        limit = time.time() - seconds
        return [
            UUID(file.stem)
            for folder in self._shards()
            for file in sorted(folder.iterdir())
            if _RECORDING.fullmatch(file.name) and _changed_at(file) < limit
        ]

    def _remove_leftovers(self, seconds: float) -> int:
        limit = time.time() - seconds
        old = [file for folder in self._shards() for file in folder.glob(".*") if _changed_at(file) < limit]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)


def _new(file: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(file, flags, _FILE_MODE), "wb")


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _copy(source: BinaryIO, copy: BinaryIO) -> int:
    """Write a whole WAV file of the audio in `source`; return the bytes of audio."""
    copy.write(b"\0" * HEADER_BYTES)
    written = write_audio(source, copy)
    copy.seek(0)
    copy.write(wav_files.header(written))
    return written


def write_audio(source: BinaryIO, copy: BinaryIO) -> int:
    """Write the audio of a WAV file as ours, without a header; return how many bytes. Raises NotAWav."""
    layout = wav_files.read_layout(source)
    blocks = _blocks(source, layout) if layout.is_ours else _converted(source, layout)
    return sum(copy.write(block) for block in blocks)


def _blocks(source: BinaryIO, layout: Layout) -> Iterator[bytes]:
    source.seek(layout.audio_offset)
    left = layout.audio_bytes
    while left and (block := source.read(min(left, _BLOCK))):
        left -= len(block)
        # A file that became shorter while it was read may end in half a sample.
        yield block if left else block[: len(block) - len(block) % FRAME_BYTES]


def _converted(source: BinaryIO, layout: Layout) -> Iterator[bytes]:
    """Yield the audio as 8 kHz, 16 bit, mono."""
    subtype = {(1, 8): "PCM_U8", (1, 16): "PCM_16", (1, 24): "PCM_24", (1, 32): "PCM_32"}
    subtype |= {(3, 32): "FLOAT", (3, 64): "DOUBLE", (6, 8): "ALAW", (7, 8): "ULAW"}
    kind = subtype.get((layout.format_tag, layout.bits))
    if kind is None:
        raise NotAWav(f"The audio is of a kind that cannot be read (format {layout.format_tag}).")
    resampler = soxr.ResampleStream(layout.rate, RATE, 1, dtype="float32")
    source.seek(layout.audio_offset)
    left = layout.audio_bytes
    while left:
        block = source.read(min(left, _FRAMES * layout.frame_bytes))
        left = left - len(block) if block else 0
        samples = _samples(block, layout, kind)
        yield (resampler.resample_chunk(samples, last=not left).clip(-1, 1) * 32767).astype("<i2").tobytes()


def _samples(block: bytes, layout: Layout, kind: str) -> Any:
    whole = block[: len(block) - len(block) % layout.frame_bytes]
    read, _ = soundfile.read(
        io.BytesIO(whole),
        dtype="float32",
        always_2d=True,
        format="RAW",
        subtype=kind,
        samplerate=layout.rate,
        channels=layout.channels,
        endian="LITTLE",
    )
    return read.mean(axis=1)
