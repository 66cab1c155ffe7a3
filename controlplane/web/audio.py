"""Recordings over HTTP: WAV from the store, MP3 made on demand; ranges and conditions (RFC 9110 13, 14)."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

import soundfile
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from controlplane.domain.errors import NotFound
from controlplane.mail import attachments
from controlplane.web.errors import Unsatisfiable
from controlplane.web.etag import matches

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.ASCII)
_CHUNK = 64 * 1024
_KEPT_BYTES = 32 * 1024 * 1024


class AudioFormat(StrEnum):
    """A format in which a recording can be fetched."""

    WAV = "wav"
    MP3 = "mp3"


MEDIA_TYPES = {AudioFormat.WAV: "audio/wav", AudioFormat.MP3: "audio/mpeg"}


class Stored(Protocol):
    """Where recordings are."""

    def path(self, message_id: UUID) -> Path:
        """Return the file of a recording; it may be missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A recording in one format: bytes in memory, or a file."""

    source: bytes | Path
    size: int
    media_type: str
    etag: str


class AudioFiles:
    """Finds recordings and makes MP3s; keeps the latest of them, because players ask for parts."""

    def __init__(self, recordings: Stored, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self._recordings = recordings
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[UUID, bytes] = OrderedDict()
        self._encoding = asyncio.Lock()

    async def get(self, message_id: UUID, wanted: AudioFormat) -> Audio:
        """Return a recording; raises NotFound `recording-missing` or `recording-damaged`."""
        path = self._recordings.path(message_id)
        try:
            # Asked of the disk each time: a recording that was purged must not be heard from memory.
            size = (await asyncio.to_thread(path.stat)).st_size
            source: bytes | Path = path if wanted is AudioFormat.WAV else await self._mp3(message_id, path)
        except FileNotFoundError as error:
            raise NotFound(
                "The recording of this message is not there.", error_id="recording-missing"
            ) from error
        except soundfile.LibsndfileError as error:
            raise NotFound(
                "This recording cannot be converted; fetch it as WAV.", error_id="recording-damaged"
            ) from error
        return Audio(
            source=source,
            size=len(source) if isinstance(source, bytes) else size,
            media_type=MEDIA_TYPES[wanted],
            # A recording never changes, so that its name is its version.
            etag=f'"{message_id.hex}-{wanted.value}"',
        )

    async def _mp3(self, message_id: UUID, path: Path) -> bytes:
        async with self._encoding:
            found = self._kept.get(message_id)
            if found is None:
                found = await asyncio.to_thread(attachments.mp3, path)
                self._kept[message_id] = found
            self._kept.move_to_end(message_id)
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > self._kept_bytes:
                self._kept.popitem(last=False)
            return found


def audio_response(request: Request, audio: Audio, *, file_name: str, cache_control: str) -> Response:
    """Answer with a recording or the part of it that was asked for; 304 if the client has it.

    Of several ranges in one request, all of it is sent, as RFC 9110 14.2 allows. Raises Unsatisfiable.
    """
    headers = {
        "ETag": audio.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "Content-Disposition": f'inline; filename="{file_name}"',
    }
    if matches(request.headers.get("if-none-match"), audio.etag):
        return Response(status_code=304, headers=headers)
    wanted = None
    if request.headers.get("if-range", audio.etag) == audio.etag:
        wanted = byte_range(request.headers.get("range"), audio.size)
    first, last = wanted or (0, audio.size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{audio.size}"
    return StreamingResponse(
        _chunks(audio.source, first, last + 1),
        206 if wanted is not None else 200,
        media_type=audio.media_type,
        headers=headers,
    )


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte asked for; None for all, and for what is no single range.

    Raises Unsatisfiable when no byte of it exists.
    """
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None or not (match["first"] or match["last"]):
        return None
    if match["first"]:
        first = int(match["first"])
        last = min(int(match["last"]) if match["last"] else size - 1, size - 1)
        if match["last"] and int(match["last"]) < first:
            return None  # Not a valid range: RFC 9110 14.1.1 has it ignored.
    else:
        first, last = max(0, size - int(match["last"])), size - 1
    if first > last:
        raise Unsatisfiable("The recording is shorter than that.", details={"size": size})
    return first, last


async def _chunks(source: bytes | Path, first: int, end: int) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        yield source[first:end]
        return
    file = await asyncio.to_thread(source.open, "rb")
    try:
        await asyncio.to_thread(file.seek, first)
        left = end - first
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(_CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
