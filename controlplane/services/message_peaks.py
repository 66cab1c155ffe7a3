"""How loud a message is along its length, for players that show it: a byte for each of 200 parts.

A job measures it once the message is deposited; what has none yet is measured when somebody asks.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import numpy as np

from controlplane.domain.errors import NotFound
from controlplane.storage import message_peaks, message_views
from controlplane.storage.database import Database
from controlplane.storage.wav import open_audio, read_layout

PARTS: Final = 200
_FULL: Final = 32_768


class Stored(Protocol):
    """Where recordings are."""

    def path(self, message_id: UUID) -> Path:
        """Return the file of a recording; it may be missing."""
        ...


async def read_peaks(database: Database, recordings: Stored, tenant_id: UUID, message_id: UUID) -> bytes:
    """Return the peaks of a message of a tenant; raises NotFound `no-such-message`, `recording-missing`."""
    async with database.transaction() as session:
        if await message_views.view(session, tenant_id, message_id) is None:
            raise NotFound("There is no such message.", error_id="no-such-message")
    return await measure_peaks(database, recordings, message_id)


async def measure_peaks(database: Database, recordings: Stored, message_id: UUID) -> bytes:
    """Return the peaks of a message, measured now if they were not before.

    Raises NotFound `recording-missing`, NotAWav, OSError, Unavailable.
    """
    async with database.transaction() as session:
        known = await message_peaks.get(session, message_id)
    if known is not None:
        return known
    try:
        peaks = await asyncio.to_thread(peaks_of, recordings.path(message_id))
    except FileNotFoundError as error:
        raise NotFound("The recording of this message is not there.", error_id="recording-missing") from error
    async with database.transaction() as session:
        await message_peaks.store(session, message_id, peaks)
    return peaks


def peaks_of(path: Path) -> bytes:
    """Return the loudest moment of each part of a recording of ours, 255 for full scale.

    A very short one has fewer parts.

    Raises NotAWav, OSError. Blocks some milliseconds a minute of audio.
    """
    with open_audio(path) as file:
        layout = read_layout(file)
        if not layout.is_ours:
            return b""
        file.seek(layout.audio_offset)
        samples = np.frombuffer(file.read(layout.audio_bytes), dtype="<i2")
    parts = min(PARTS, samples.size)
    if not parts:
        return b""
    starts = np.arange(parts, dtype=np.int64) * samples.size // parts
    high = np.maximum.reduceat(samples, starts).astype(np.int32)
    low = np.minimum.reduceat(samples, starts).astype(np.int32)
    loud = np.maximum(high, -low)
    return bytes((loud * 255 // _FULL).clip(0, 255).astype(np.uint8).tobytes())
