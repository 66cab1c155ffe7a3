"""A mailbox and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from controlplane.domain.message import ReachedBy
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


class MailboxOrder(StrEnum):
    """By what a list of mailboxes is sorted; those that are equal follow by their numbers."""

    NUMBER = "number"
    NAME = "name"
    NEW = "new"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGreeting:
    """What callers hear who come from one source: a number that they passed, or dialled from outside.

    `greeting` None is the mailbox's own; `language` None is the mailbox's.
    """

    source: str
    greeting: str | None = None
    language: str | None = None


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
    source_greetings: tuple[SourceGreeting, ...] = ()
    """Their languages are ones that have prompts."""

    def greeting_for(self, way: ReachedBy) -> SourceGreeting:
        """Return what a caller hears who came this way: that of the nearest source that has one."""
        by_source = {one.source.removeprefix("+"): one for one in self.source_greetings}
        passed = [step.number for step in reversed(way.path)]
        if way.did is not None:
            passed.append(way.did.removeprefix("+"))
        found = next((by_source[number] for number in passed if number in by_source), None)
        return SourceGreeting(
            source="" if found is None else found.source,
            greeting=None if found is None else found.greeting,
            language=(found and found.language) or self.language,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages of each state a mailbox holds."""

    new: int = 0
    saved: int = 0
    deleted: int = 0
