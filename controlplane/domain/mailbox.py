"""A mailbox and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from controlplane.domain.limits import Quota
from controlplane.domain.message import ReachedBy
from controlplane.domain.numbers import Number

MAX_RECIPIENTS = 15
MAX_DISPLAY_NAME = 64
MAX_MESSAGE_SECONDS = 3600
MAX_SUBJECT = 300
MAX_INTRODUCTION = 4000
"""Of the templates, in characters."""
MAX_ATTACHMENT_MB = 15
"""What is attached at most; with base64 it stays below the 25 MB that common servers take."""


class SayDatetime(StrEnum):
    """Whether and how the date and time of a message are said by phone."""

    OFF = "off"
    H12 = "12h"
    H24 = "24h"


class AttachmentFormat(StrEnum):
    """The format of the recording in a mail."""

    MP3 = "mp3"
    WAV = "wav"


class AfterMail(StrEnum):
    """What becomes of a new message once the mail server has taken the mail to every recipient."""

    KEEP = "keep"
    MARK_READ = "mark_read"
    TRASH = "trash"


class MailboxOrder(StrEnum):
    """By what a list of mailboxes is sorted; those that are equal follow by their numbers."""

    NUMBER = "number"
    NAME = "name"
    NEW = "new"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGreeting:
    """What callers hear who come from one source: a number that they passed, or dialled from outside.

    `greeting` None is the mailbox's own; `language` None is the mailbox's. `recording` is the digest of what
    somebody recorded, which is played instead.
    """

    source: str
    greeting: str | None = None
    language: str | None = None
    recording: str | None = None


class GreetingKind(StrEnum):
    """When a greeting is heard; the first that a moment has wins."""

    TEMPORARY = "temporary"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    BUSY = "busy"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindGreeting:
    """A greeting of a kind, of one source (without its plus sign; `""`: all other callers) in one language.

    `language` None is the mailbox's; `spoken_language` is one that has prompts. `last_day` is the last on
    which a temporary one is heard. Without words and without a `recording` it is not heard at all. A standard
    one is here only in a further language, for all callers.
    """

    kind: GreetingKind
    source: str = ""
    language: str | None = None
    greeting: str | None = None
    last_day: date | None = None
    recording: str | None = None
    spoken_language: str | None = None


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
    greeting: str | None = None
    """What is said to callers of all other sources; None: the standard sentence."""
    operator_number: str | None = None
    """Where a caller goes who presses 0 during the greeting."""
    log_in_from_greeting: bool = False
    """Whether who presses * during the greeting is asked for the PIN, and hears the messages."""
    recordings: Mapping[str, str] = field(default_factory=dict)
    """The digests of recorded greetings by their source without a plus sign, `""` for all other sources."""
    email_notice_only: tuple[str, ...] = ()
    """Those of the recipients whose mail has no recording."""
    email_attachment_max_mb: int = MAX_ATTACHMENT_MB
    after_mail: AfterMail = AfterMail.KEEP
    retain_days: int | None = None
    """Of this and the next three None is what the tenant says, 0 no limit."""
    trash_days: int | None = None
    max_messages: int | None = None
    max_total_seconds: int | None = None
    quota: Quota = field(default_factory=Quota)
    """What holds of the last two, with the tenant's."""
    email_subject: str | None = None
    email_introduction: str | None = None
    """Templates of what its mails say; None: the tenant's."""
    kind_greetings: tuple[KindGreeting, ...] = ()
    """Those of kinds and further languages, with what was recorded."""
    name_recording: str | None = None
    """The digest of the mailbox's name as somebody said it, for the standard sentence."""

    @property
    def digests(self) -> frozenset[str]:
        """Those of everything that was recorded."""
        of_kinds = (one.recording for one in self.kind_greetings)
        found = (*self.recordings.values(), self.name_recording, *of_kinds)
        return frozenset(digest for digest in found if digest is not None)

    def greeting_for(self, way: ReachedBy) -> SourceGreeting:
        """Return what a caller hears who came this way: that of the nearest source that has one.

        A source that has a language alone hears the standard sentence in it, and not words or a recording in
        another one.
        """
        by_source = {one.source.removeprefix("+"): one for one in self.greetings}
        passed = [step.number for step in reversed(way.path)]
        if way.did is not None:
            passed.append(way.did.removeprefix("+"))
        return next((by_source[number] for number in passed if number in by_source), self.own_greeting)

    @property
    def own_greeting(self) -> SourceGreeting:
        """What callers hear of all sources that have no greeting."""
        return SourceGreeting(
            source="", greeting=self.greeting, language=self.language, recording=self.recordings.get("")
        )

    @property
    def greetings(self) -> tuple[SourceGreeting, ...]:
        """The greetings of sources, as they are heard: with a language, and with what was recorded."""
        own = self.own_greeting
        said = []
        for one in self.source_greetings:
            language, recording = (
                one.language or self.language,
                self.recordings.get(one.source.removeprefix("+")),
            )
            if one.greeting is None and recording is None and language == self.language:
                said.append(replace(own, source=one.source))
            else:
                said.append(replace(one, language=language, recording=recording))
        texts = {one.source.removeprefix("+") for one in said}
        said += [
            SourceGreeting(source=source, language=self.language, recording=digest)
            for source, digest in self.recordings.items()
            if source and source not in texts
        ]
        return tuple(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages of each state a mailbox holds."""

    new: int = 0
    saved: int = 0
    deleted: int = 0
