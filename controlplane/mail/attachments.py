"""A recording as the attachment of a mail, or as a download: WAV as it is, or MP3."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import soundfile
import soxr

from controlplane.domain.mailbox import AttachmentFormat

_MP3_RATE = 16_000
"""MP3 of 8 kHz (MPEG-2.5) is outside the standard, and some players and phones do not play it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The bytes of a recording in one format."""

    content: bytes
    format: AttachmentFormat

    @property
    def mime_type(self) -> tuple[str, str]:
        """The type and subtype for Content-Type."""
        return ("audio", "mpeg") if self.format is AttachmentFormat.MP3 else ("audio", "wav")


def mp3(wav: Path) -> bytes:
    """Encode a recording as MP3, 16 kHz mono, about 200 kB a minute.

    Takes CPU time: call it in a thread. Raises FileNotFoundError, or
    soundfile.LibsndfileError for what is no audio.
    """
    with wav.open("rb") as file:
        samples, rate = soundfile.read(file, dtype="float32")
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    written = io.BytesIO()
    soundfile.write(
        written,
        soxr.resample(samples, rate, _MP3_RATE),
        _MP3_RATE,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=0.5,
    )
    return written.getvalue()


def encode(wav: Path, wanted: AttachmentFormat, *, max_bytes: int) -> Attachment | None:
    """Return the recording in the format wanted; None if it is larger than a mail may carry.

    A WAV that is too large becomes MP3; a file that cannot be encoded is attached as it is.
    Takes CPU time: call it in a thread. Raises FileNotFoundError.
    """
    attachment = _encode(wav, wanted, max_bytes)
    return attachment if len(attachment.content) <= max_bytes else None


def _encode(wav: Path, wanted: AttachmentFormat, max_bytes: int) -> Attachment:
    if wanted is AttachmentFormat.MP3 or wav.stat().st_size > max_bytes:
        try:
            return Attachment(content=mp3(wav), format=AttachmentFormat.MP3)
        except soundfile.LibsndfileError:
            return Attachment(content=wav.read_bytes(), format=AttachmentFormat.WAV)
    return Attachment(content=wav.read_bytes(), format=AttachmentFormat.WAV)
