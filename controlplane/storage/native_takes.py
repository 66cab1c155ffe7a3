"""Puts what the switch's own voicemail recorded into our spool, as a take that the dialplan might have left.

The facts go into the WAV as tags, so that the take has one file, and one rename makes it whole.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import BinaryIO

from controlplane.domain.native_message import NativeMessage
from controlplane.storage import wav as wav_files
from controlplane.storage.durable_files import sync_folder
from controlplane.storage.facts import title_of
from controlplane.storage.wav import Layout, NotAWav, Tags

_MODE = 0o660


def is_in_spool(root: Path, message: NativeMessage) -> bool:
    """Tell whether its take lies in the spool now."""
    return (root / f"{message.name}.wav").exists()


def is_put_aside(root: Path, message: NativeMessage) -> bool:
    """Tell whether its take was put into quarantine."""
    return (root / "quarantine" / f"{message.name}.reason").exists()


def has_audio(message: NativeMessage) -> bool:
    """Tell whether there is anything in it; what is no WAV file counts, and is looked at later."""
    try:
        return wav_files.inspect(message.audio).audio_bytes > 0
    except NotAWav:
        return True


def place(root: Path, message: NativeMessage) -> None:
    """Copy its audio into the spool, durably and with its facts; a repeat writes the same. Raises OSError."""
    target = root / f"{message.name}.wav"
    temporary = root / f".{target.name}.new"
    with wav_files.open_audio(message.audio) as source, _created(temporary) as copy:
        try:
            layout = wav_files.read_layout(source)
        except NotAWav:
            source.seek(0)  # It goes as it is to where such files are put aside.
            shutil.copyfileobj(source, copy)
        else:
            copy.write(_header(layout, _tags(message)))
            source.seek(layout.audio_offset)
            _copy(source, copy, layout.audio_bytes)
        copy.flush()
        os.fsync(copy.fileno())
    temporary.rename(target)
    sync_folder(root)


def _created(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    return os.fdopen(descriptor, "wb")


def _copy(source: BinaryIO, copy: BinaryIO, length: int) -> None:
    while length > 0 and (data := source.read(min(length, 1 << 20))):
        copy.write(data)
        length -= len(data)


def _tags(message: NativeMessage) -> Tags:
    return Tags(
        title=title_of(
            tenant_id=message.tenant_id,
            mailbox_id=message.mailbox_id,
            call_id=message.call_id,
            at=message.started_at,
            reached_by=message.reached_by,
        ),
        artist=message.caller.number,
        comment=message.caller.name,
    )


def _header(layout: Layout, tags: Tags) -> bytes:
    """Return what stands before the audio: its format, the tags, its length."""
    form = struct.pack(
        "<HHIIHH",
        layout.format_tag,
        layout.channels,
        layout.rate,
        layout.rate * layout.frame_bytes,
        layout.frame_bytes,
        layout.bits,
    )
    info = b"INFO" + b"".join(
        _chunk(name, text.encode(errors="replace") + b"\0")
        for name, text in ((b"INAM", tags.title), (b"IART", tags.artist), (b"ICMT", tags.comment))
    )
    chunks = _chunk(b"fmt ", form) + _chunk(b"LIST", info)
    size = 4 + len(chunks) + 8 + layout.audio_bytes
    return (
        struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
        + chunks
        + struct.pack("<4sI", b"data", layout.audio_bytes)
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)
