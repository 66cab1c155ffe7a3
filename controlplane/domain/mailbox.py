"""A mailbox and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from controlplane.domain.numbers import Number

MAX_RECIPIENTS = 15
MAX_DISPLAY_NAME = 64
MAX_MESSAGE_SECONDS = 3600


class SayDatetime(StrEnum):
    """Whether and how the date and time of a message are said by phone."""

    OFF = "off"
    H12 = "12h"
    H24 = "24h"


class AttachmentFormat(StrEnum):
    """The format of the recording in a mail."""

    MP3 = "mp3"
    WAV = "wav"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A voicemail box as its flows, its mail and the REST API see it; without its PIN.

    `language` is one that has prompts (already resolved); `time_zone` is the tenant's.
    """

    id: UUID
    tenant_id: UUID
    number: Number
    display_name: str
    language: str
    time_zone: str
    pin_required: bool
    enabled: bool
    email_recipients: tuple[str, ...]
    email_notification: bool
    email_attachment: bool
    email_attachment_format: AttachmentFormat
    say_datetime: SayDatetime
    review: bool
    min_message_seconds: int
    max_message_seconds: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages of each state a mailbox holds."""

    new: int = 0
    saved: int = 0
    deleted: int = 0
