"""Mailboxes in JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import Field, SecretStr

from controlplane.domain.limits import Fill, Fullness
from controlplane.domain.mailbox import (
    MAX_ATTACHMENT_MB,
    AfterMail,
    AttachmentFormat,
    GreetingKind,
    KindGreeting,
    SayDatetime,
    SourceGreeting,
)
from controlplane.domain.pin import Pin
from controlplane.services.mailbox_rules import LONGEST_MINIMUM_SECONDS
from controlplane.services.mailboxes import MailboxChanges, MailboxDetails, NewMailbox
from controlplane.web.api.fields import (
    MAX_MESSAGES,
    MAX_TOTAL_SECONDS,
    RETAIN_DAYS,
    TRASH_DAYS,
    DisplayName,
    Input,
    Language,
    MailIntroduction,
    MailSubject,
    MaxMessages,
    MaxTotalSeconds,
    NumberField,
    Output,
    RetainDays,
    TrashDays,
    example,
    left_out,
)

_PinField = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=128,
        description="4 digits at least; not one digit repeated, no run, not the end of the number.",
    ),
]
_Recipients = Annotated[
    list[Annotated[str, Field(max_length=320)]],
    Field(
        max_length=15,
        description="Who is mailed. Of addresses that differ by case alone, the first is kept.",
    ),
]
_SayDatetime = Annotated[SayDatetime, Field(strict=False, description="Whether date and time are said.")]
_Format = Annotated[AttachmentFormat, Field(strict=False, description="The format of attached recordings.")]
_MaxMegabytes = Annotated[
    int,
    Field(ge=1, le=MAX_ATTACHMENT_MB, description="A recording that is larger is not attached: the link is."),
]
_NoticeOnly = Annotated[
    list[Annotated[str, Field(max_length=320)]],
    Field(max_length=15, description="Those of the recipients whose mail has the link and no recording."),
]
_AfterMail = Annotated[
    AfterMail,
    Field(
        strict=False,
        description="What becomes of a new message when the mail server has taken the mails to all.",
    ),
]
_MinSeconds = Annotated[
    int, Field(ge=0, le=LONGEST_MINIMUM_SECONDS, description="Shorter messages are not kept.")
]
_MaxSeconds = Annotated[int, Field(ge=1, le=3600, description="Recording ends then.")]
_OF_THE_TENANT = " `null`: what the tenant says."
_RetainDays = Annotated[RetainDays, Field(description=RETAIN_DAYS + _OF_THE_TENANT)]
_TrashDays = Annotated[TrashDays, Field(description=TRASH_DAYS + _OF_THE_TENANT)]
_MaxMessages = Annotated[MaxMessages, Field(description=MAX_MESSAGES + _OF_THE_TENANT)]
_MaxTotalSeconds = Annotated[MaxTotalSeconds, Field(description=MAX_TOTAL_SECONDS + _OF_THE_TENANT)]


class SourceGreetingBody(Input):
    """What callers hear who come from one source."""

    model_config = example(
        {"source": "6100", "greeting": "Sales is busy. Leave a message.", "language": None}
    )

    source: Annotated[
        str,
        Field(
            pattern=r"^\+?[0-9]{3,64}$",
            description="The number of what they passed (a group, queue, …), or the DID that they dialled.",
        ),
    ]
    greeting: Annotated[
        str | None, Field(max_length=1000, description="What is said; `null`: the mailbox's own greeting.")
    ] = None
    language: Language | None = Field(None, description="`null`: the mailbox's.")

    def value(self) -> SourceGreeting:
        """Return the domain's."""
        return SourceGreeting(source=self.source, greeting=self.greeting, language=self.language)


_SourceGreetings = Annotated[
    list[SourceGreetingBody],
    Field(max_length=50, description="Greetings and languages for callers who come from one source."),
]


class KindGreetingBody(Input):
    """What callers hear when a moment is of a kind; or the standard greeting in a further language."""

    model_config = example(
        {
            "kind": "temporary",
            "source": "",
            "language": None,
            "greeting": "We are at the fair. Leave a message.",
            "last_day": "2026-12-04",
        }
    )

    kind: Annotated[
        GreetingKind,
        Field(
            strict=False,
            description=(
                "`temporary`: until its last day; `holiday` and `closed`: what the office hours say; `busy`: "
                "the call was sent on because of that; `standard`: in a further language. The first that a "
                "moment has wins."
            ),
        ),
    ]
    source: Annotated[
        str,
        Field(
            pattern=r"^(\+?[0-9]{3,64})?$",
            description="The number of what they passed, or the DID that they dialled; empty: all callers.",
        ),
    ] = ""
    language: Language | None = Field(None, description="`null`: the mailbox's.")
    greeting: Annotated[str, Field(min_length=1, max_length=1000, description="What is said.")]
    last_day: Annotated[
        date | None, Field(strict=False, description="The last day on which a temporary one is heard.")
    ] = None

    def value(self) -> KindGreeting:
        """Return the domain's."""
        return KindGreeting(
            kind=self.kind,
            source=self.source,
            language=self.language,
            greeting=self.greeting,
            last_day=self.last_day,
        )

    @classmethod
    def of(cls, own: KindGreeting) -> KindGreetingBody:
        """Make it from the domain's."""
        return cls(
            kind=own.kind,
            source=own.source,
            language=own.language,
            greeting=own.greeting or "",
            last_day=own.last_day,
        )


_KindGreetings = Annotated[
    list[KindGreetingBody],
    Field(
        max_length=100,
        description="Greetings for when it is busy, closed, a holiday, or until a day; in several languages.",
    ),
]

_Greeting = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="What callers of all other sources hear; `null`: the standard sentence.",
    ),
]

_Operator = Annotated[
    NumberField, Field(description="Where a caller goes who presses 0 during the greeting; `null`: nowhere.")
]
_LogIn = Annotated[
    bool,
    Field(description="Whether who presses * during the greeting may enter the PIN and hear the messages."),
]

_SETTINGS: dict[str, Any] = {
    "display_name": "Sales",
    "language": None,
    "pin_required": True,
    "enabled": True,
    "email_recipients": ["sales@example.com"],
    "email_notification": True,
    "email_attachment": True,
    "email_attachment_format": "mp3",
    "email_attachment_max_mb": 15,
    "email_notice_only": [],
    "after_mail": "keep",
    "email_subject": None,
    "email_introduction": None,
    "say_datetime": "12h",
    "review": False,
    "min_message_seconds": 1,
    "max_message_seconds": 300,
    "greeting": None,
    "operator_number": None,
    "log_in_from_greeting": False,
    "source_greetings": [],
    "retain_days": None,
    "trash_days": None,
    "max_messages": 100,
    "max_total_seconds": None,
    "kind_greetings": [],
}
MAILBOX: dict[str, Any] = {
    "id": "3f0f6c0e-5b3f-4a0e-9f5e-0d7b6a4f2c11",
    "number": "8001",
    **_SETTINGS,
    "prompt_language": "en",
    "counts": {"new": 2, "saved": 1, "deleted": 0},
    "usage": {
        "messages": 3,
        "max_messages": 100,
        "seconds": None,
        "max_total_seconds": 0,
        "percent": 3,
        "state": "room",
    },
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class MailboxIn(Input):
    """A mailbox to be made."""

    model_config = example(
        {
            "number": "8001",
            "display_name": "Sales",
            "pin": "290174",
            "email_recipients": ["sales@example.com"],
            "email_notification": True,
        }
    )

    number: NumberField
    display_name: DisplayName
    pin: _PinField
    language: Language | None = Field(None, description="`null`: the tenant's.")
    pin_required: bool = Field(True, description="Whether the PIN is asked for.")
    enabled: bool = Field(True, description="Whether it takes messages.")
    email_recipients: _Recipients = Field(default_factory=list)
    email_notification: bool = Field(False, description="Whether a new message is mailed.")
    email_attachment: bool = Field(True, description="Whether the recording is attached.")
    email_attachment_format: _Format = AttachmentFormat.MP3
    email_attachment_max_mb: _MaxMegabytes = MAX_ATTACHMENT_MB
    email_notice_only: _NoticeOnly = Field(default_factory=list)
    after_mail: _AfterMail = AfterMail.KEEP
    email_subject: MailSubject | None = Field(None, description="`null`: the tenant's.")
    email_introduction: MailIntroduction | None = Field(None, description="`null`: the tenant's.")
    say_datetime: _SayDatetime = SayDatetime.OFF
    review: bool = Field(False, description="Whether a caller who ends by a key may listen and record again.")
    min_message_seconds: _MinSeconds = 1
    max_message_seconds: _MaxSeconds = 300
    greeting: _Greeting | None = None
    operator_number: _Operator | None = None
    log_in_from_greeting: _LogIn = False
    source_greetings: _SourceGreetings = Field(default_factory=list)
    retain_days: _RetainDays | None = None
    trash_days: _TrashDays | None = None
    max_messages: _MaxMessages | None = None
    max_total_seconds: _MaxTotalSeconds | None = None
    kind_greetings: _KindGreetings = Field(default_factory=list)

    def new_mailbox(self) -> NewMailbox:
        """Return what the service takes."""
        values = self.model_dump(exclude={"pin", "source_greetings", "kind_greetings"})
        return NewMailbox(
            **values,
            pin=Pin(self.pin.get_secret_value()),
            source_greetings=[own.value() for own in self.source_greetings],
            kind_greetings=[own.value() for own in self.kind_greetings],
        )


class MailboxPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"display_name": "Sales team", "say_datetime": "24h"})

    display_name: DisplayName = left_out()
    pin: _PinField = left_out()
    language: Language | None = left_out("`null`: the tenant's.")
    pin_required: bool = left_out()
    enabled: bool = left_out()
    email_recipients: _Recipients = left_out()
    email_notification: bool = left_out()
    email_attachment: bool = left_out()
    email_attachment_format: _Format = left_out()
    email_attachment_max_mb: _MaxMegabytes = left_out()
    email_notice_only: _NoticeOnly = left_out()
    after_mail: _AfterMail = left_out()
    email_subject: MailSubject | None = left_out("`null`: the tenant's.")
    email_introduction: MailIntroduction | None = left_out("`null`: the tenant's.")
    say_datetime: _SayDatetime = left_out()
    review: bool = left_out()
    min_message_seconds: _MinSeconds = left_out()
    max_message_seconds: _MaxSeconds = left_out()
    greeting: _Greeting | None = left_out()
    operator_number: _Operator | None = left_out()
    log_in_from_greeting: _LogIn = left_out()
    source_greetings: _SourceGreetings = left_out()
    retain_days: _RetainDays | None = left_out()
    trash_days: _TrashDays | None = left_out()
    max_messages: _MaxMessages | None = left_out()
    max_total_seconds: _MaxTotalSeconds | None = left_out()
    kind_greetings: _KindGreetings = left_out()

    def changes(self) -> MailboxChanges:
        """Return what the service takes."""
        sent = self.model_dump(exclude_unset=True, exclude={"pin", "source_greetings", "kind_greetings"})
        changes = cast("MailboxChanges", sent)
        if "source_greetings" in self.model_fields_set:
            changes["source_greetings"] = [own.value() for own in self.source_greetings]
        if "kind_greetings" in self.model_fields_set:
            changes["kind_greetings"] = [own.value() for own in self.kind_greetings]
        if "pin" in self.model_fields_set:
            changes["pin"] = Pin(self.pin.get_secret_value())
        return changes


class CountsOut(Output):
    """How many messages of each state a mailbox holds; `deleted` is the trash."""

    new: int
    saved: int
    deleted: int


class UsageOut(Output):
    """How full a mailbox is, the trash aside."""

    messages: int
    max_messages: int = Field(description="What the mailbox or its tenant says; 0: no limit.")
    seconds: int | None = Field(description="`null` where they are not limited.")
    max_total_seconds: int = Field(description="What the mailbox or its tenant says; 0: no limit.")
    percent: int = Field(description="By what is nearer to its limit; 0 without one.")
    state: Fullness = Field(description="`almost_full` from 80 % on; `full`: callers can leave nothing.")

    @classmethod
    def of(cls, fill: Fill) -> UsageOut:
        """Make it from the domain's value."""
        return cls(
            messages=fill.used.messages,
            max_messages=fill.quota.messages,
            seconds=fill.used.duration_ms // 1000 if fill.quota.seconds else None,
            max_total_seconds=fill.quota.seconds,
            percent=fill.percent,
            state=fill.fullness,
        )


class MailboxOut(Output):
    """A mailbox; its PIN is never told."""

    model_config = example(MAILBOX)

    id: UUID
    number: str
    display_name: str
    language: str | None = Field(description="What was set; `null`: the tenant's.")
    prompt_language: str = Field(description="What is spoken.")
    pin_required: bool
    enabled: bool
    email_recipients: list[str]
    email_notification: bool
    email_attachment: bool
    email_attachment_format: AttachmentFormat
    email_attachment_max_mb: int
    email_notice_only: list[str]
    after_mail: AfterMail
    email_subject: str | None = Field(description="A template; `null`: the tenant's.")
    email_introduction: str | None = Field(description="A template; `null`: the tenant's.")
    say_datetime: SayDatetime
    review: bool
    min_message_seconds: int
    max_message_seconds: int
    greeting: str | None = Field(description="`null`: the standard sentence.")
    operator_number: str | None
    log_in_from_greeting: bool
    source_greetings: list[SourceGreetingBody]
    retain_days: int | None
    trash_days: int | None
    max_messages: int | None
    max_total_seconds: int | None
    kind_greetings: list[KindGreetingBody]
    counts: CountsOut
    usage: UsageOut
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, details: MailboxDetails) -> MailboxOut:
        """Make it from the service's value."""
        mailbox, counts = details.mailbox, details.counts
        return cls(
            id=mailbox.id,
            number=mailbox.number,
            display_name=mailbox.display_name,
            language=details.language,
            prompt_language=mailbox.language,
            pin_required=mailbox.pin_required,
            enabled=mailbox.enabled,
            email_recipients=list(mailbox.email_recipients),
            email_notification=mailbox.email_notification,
            email_attachment=mailbox.email_attachment,
            email_attachment_format=mailbox.email_attachment_format,
            email_attachment_max_mb=mailbox.email_attachment_max_mb,
            email_notice_only=list(mailbox.email_notice_only),
            after_mail=mailbox.after_mail,
            email_subject=mailbox.email_subject,
            email_introduction=mailbox.email_introduction,
            say_datetime=mailbox.say_datetime,
            review=mailbox.review,
            min_message_seconds=mailbox.min_message_seconds,
            max_message_seconds=mailbox.max_message_seconds,
            greeting=mailbox.greeting,
            operator_number=mailbox.operator_number,
            log_in_from_greeting=mailbox.log_in_from_greeting,
            source_greetings=[
                SourceGreetingBody(source=own.source, greeting=own.greeting, language=own.language)
                for own in details.source_greetings
            ],
            retain_days=mailbox.retain_days,
            trash_days=mailbox.trash_days,
            max_messages=mailbox.max_messages,
            max_total_seconds=mailbox.max_total_seconds,
            kind_greetings=[KindGreetingBody.of(own) for own in details.kind_greetings],
            counts=CountsOut(new=counts.new, saved=counts.saved, deleted=counts.deleted),
            usage=UsageOut.of(details.fill),
            created_at=mailbox.created_at,
            updated_at=mailbox.updated_at,
        )


class MailboxPage(Output):
    """Some mailboxes, in the order of their numbers' digits."""

    model_config = example({"items": [MAILBOX], "next": "WyI4MDAxIl0"})

    items: list[MailboxOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")
