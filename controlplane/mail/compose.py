"""A mail about a new message: text, HTML and the recording, in the mailbox's language."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from babel import Locale, dates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from controlplane.domain.caller import Caller, clean
from controlplane.domain.duration_words import written_duration
from controlplane.domain.errors import DeliveryError
from controlplane.domain.language import first_available
from controlplane.domain.limits import Quota, Usage
from controlplane.domain.message import ReachedBy, whole_seconds
from controlplane.mail.attachments import Attachment
from controlplane.mail.reached import way_in_words

_HERE = Path(__file__).parent
_HIGH = {"Importance": "high", "X-Priority": "1", "Priority": "urgent"}
"""What programs for mails show of an urgent one; each knows another of them."""
_UNFIT = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
_LINE = 200
"""A folded Message-ID or a link in pieces confuses some readers; 998 is the limit (RFC 5322 2.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessageMail:
    """The values of one mail to one recipient. `received_at` is local time of the tenant.

    `attachment_missing` says that the mailbox wants the recording attached, but it cannot be. `names` are
    the display names of what the call passed on its way, by number. `own_subject` and `own_introduction` are
    what the templates of an admin said; None: the standard words, and no introduction.
    `asked` counts how often somebody asked
    for another mail about the message: each is a mail of its own.
    """

    message_id: UUID
    recipient: str
    language: str
    mailbox_number: str
    mailbox_name: str
    caller: Caller
    received_at: datetime
    duration_ms: int
    link: str
    link_days: int
    attachment: Attachment | None = None
    attachment_missing: bool = False
    urgent: bool = False
    asked: int = 0
    reached_by: ReachedBy = field(default_factory=ReachedBy)
    names: Mapping[str, str] = field(default_factory=dict)
    tenant_name: str = ""
    own_subject: str | None = None
    own_introduction: str | None = None
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinAlarmMail:
    """The values of a mail that says that a PIN was tried too often. `alarm_id` names the occasion.

    `outside`: by callers from outside, to whom it is refused.
    """

    alarm_id: UUID
    recipient: str
    language: str
    mailbox_number: str
    mailbox_name: str
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaMail:
    """The values of a mail that says that a mailbox is almost full. `occasion_id` names the occasion."""

    occasion_id: UUID
    recipient: str
    language: str
    mailbox_number: str
    mailbox_name: str
    quota: Quota
    used: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a mail says in its language, of which templates may say a part too."""

    language: str
    locale: Locale
    words: dict[str, Any]
    received: str
    way: str


class Composer:
    """Composes mails; `sender` is one address, with or without a name. Raises ValueError if it is none."""

    def __init__(self, sender: str) -> None:
        self._sender = _address(*parseaddr(sender))
        self._catalogues = {
            path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
            for path in (_HERE / "catalogues").glob("*.toml")
        }
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def compose(self, mail: NewMessageMail, *, now: datetime) -> EmailMessage:
        """Compose the mail, dated `now`; raises DeliveryError (permanent) if the recipient is no address."""
        context = self._context(mail)
        message = self._begin(
            "new-message", context, recipient=mail.recipient, subject_id=_subject_of(mail), now=now
        )
        if mail.attachment is not None:
            maintype, subtype = mail.attachment.mime_type
            message.add_attachment(
                mail.attachment.content, maintype=maintype, subtype=subtype, filename=file_name(mail)
            )
        message["Content-Language"] = context["language"]
        if mail.urgent:
            for name, value in _HIGH.items():
                message[name] = value
        if mail.trace_id:
            message["X-Trace-ID"] = clean_line(mail.trace_id)
        return message

    def variables(self, mail: NewMessageMail) -> dict[str, str]:
        """Return what the templates of an admin can say of a mail (`own_words.VARIABLES`)."""
        said = self._said(mail)
        number = clean(mail.caller.number)
        return {
            "CALLER_NAME": clean(mail.caller.name) or number or said.words["unknown-caller"],
            "CALLER_NUMBER": number,
            "CALLER_EXTENSION_NUMBER": number,
            "DATE_TIME": said.received,
            "TENANT_NAME": mail.tenant_name,
            "PBX_WEB_DOMAIN": urlsplit(mail.link).hostname or "",
            "VOICEMAIL_DOWNLOAD_URL": mail.link,
            "VOICEMAIL_NAME": clean(mail.mailbox_name),
            "VOICEMAIL_NUMBER": clean(mail.mailbox_number),
            "DURATION": duration(mail.duration_ms, said.locale),
            "REACHED_BY": said.way,
        }

    def compose_pin_alarm(self, mail: PinAlarmMail, *, now: datetime) -> EmailMessage:
        """Compose the mail about a PIN that is refused; raises as `compose` does."""
        language, words = self._words(mail.language)
        mailbox = words["mailbox"].format(name=clean(mail.mailbox_name), number=clean(mail.mailbox_number))
        context = {
            "language": language,
            "direction": _direction(Locale.parse(language, sep="-")),
            "subject": words["pin-alarm"]["subject"].format(mailbox=mailbox),
            "heading": words["pin-alarm"]["heading"].format(mailbox=mailbox),
            "sentences": words["pin-alarm"]["outside" if mail.outside else "sentences"],
            "footer": words["footer"],
        }
        message = self._begin(
            "pin-alarm", context, recipient=mail.recipient, subject_id=mail.alarm_id, now=now
        )
        message["Content-Language"] = language
        return message

    def compose_quota(self, mail: QuotaMail, *, now: datetime) -> EmailMessage:
        """Compose the mail about a mailbox that is almost full; raises as `compose` does."""
        language, words = self._words(mail.language)
        mailbox = words["mailbox"].format(name=clean(mail.mailbox_name), number=clean(mail.mailbox_number))
        own, quota, used = words["quota"], mail.quota, mail.used
        begin, *rest = own["sentences"]
        sentences = [begin.format(percent=min(100, quota.percent(used)))]
        if quota.messages:
            sentences.append(own["messages"].format(used=used.messages, most=quota.messages))
        if quota.seconds:
            minutes = -(-used.duration_ms // 60_000)
            sentences.append(own["minutes"].format(used=minutes, most=-(-quota.seconds // 60)))
        subject = own["subject"].format(mailbox=mailbox)
        context = {
            "language": language,
            "direction": _direction(Locale.parse(language, sep="-")),
            "subject": subject,
            "heading": subject,
            "sentences": [*sentences, *rest],
            "footer": words["footer"],
        }
        # A notice has a heading and sentences, whatever it is about.
        message = self._begin(
            "pin-alarm", context, recipient=mail.recipient, subject_id=mail.occasion_id, now=now
        )
        message["Content-Language"] = language
        return message

    def _begin(
        self, template: str, context: dict[str, Any], *, recipient: str, subject_id: UUID, now: datetime
    ) -> EmailMessage:
        """Return a mail with its headers, its text and its HTML."""
        try:
            address = _address("", recipient)
        except ValueError as error:
            raise DeliveryError("The recipient is not a mail address.", permanent=True) from error

        def rendered(name: str) -> str:
            return self._templates.get_template(f"{template}/{name}").render(context)

        policy = SMTP if address.addr_spec.isascii() else SMTPUTF8
        message = EmailMessage(policy=policy.clone(cte_type="7bit", max_line_length=_LINE))
        message["From"] = self._sender
        message["To"] = address
        message["Subject"] = clean_line(rendered("subject.txt"))
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id(subject_id, recipient, self._sender.domain)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(rendered("body.txt"))
        message.add_alternative(rendered("body.html"), subtype="html")
        return message

    def _context(self, mail: NewMessageMail) -> dict[str, Any]:
        said = self._said(mail)
        language, locale, words = said.language, said.locale, said.words
        mailbox = words["mailbox"].format(name=clean(mail.mailbox_name), number=clean(mail.mailbox_number))
        caller = clean(mail.caller.label)
        labels = words["labels"]
        recording = ""
        if mail.attachment is not None:
            recording = words["attached"]
        elif mail.attachment_missing:
            recording = words["not-attached"]
        expires = words["link-expires"]
        subject = words["subject" if caller else "subject-unknown-caller"].format(
            mailbox=mailbox, caller=caller
        )
        heading = words["heading"].format(mailbox=mailbox)
        if mail.urgent:
            subject, heading = (words["urgent"].format(text=text) for text in (subject, heading))
        return {
            "language": language,
            "direction": _direction(locale),
            "subject": clean_line(mail.own_subject or "") or subject,
            "heading": heading,
            "introduction": _paragraphs(mail.own_introduction or ""),
            "facts": [
                (labels["mailbox"], mailbox),
                (labels["caller"], caller or words["unknown-caller"]),
                (labels["received"], said.received),
                (labels["duration"], duration(mail.duration_ms, locale)),
                *([(labels["reached-by"], said.way)] if said.way else []),
            ],
            "listen": words["listen"],
            "link": mail.link,
            "link_expires": expires.get(locale.plural_form(mail.link_days), expires["other"]).format(
                count=mail.link_days
            ),
            "recording": recording,
            "footer": words["footer"],
        }

    def _said(self, mail: NewMessageMail) -> _Said:
        language, words = self._words(mail.language)
        locale = Locale.parse(language, sep="-")
        received = words["received"].format(
            date=dates.format_date(mail.received_at, words["date-pattern"], locale=locale),
            time=dates.format_datetime(mail.received_at, words["time-pattern"], locale=locale),
        )
        way = way_in_words(mail.reached_by, mail.names, locale=locale)
        return _Said(language=language, locale=locale, words=words, received=received, way=way)

    def _words(self, tag: str) -> tuple[str, dict[str, Any]]:
        """Return the catalogue nearest to a tag, with its language; English if there is none."""
        language = first_available((tag,), self._catalogues)
        return language, self._catalogues[language]


def _direction(locale: Locale) -> str:
    return "rtl" if locale.character_order == "right-to-left" else "ltr"


def clean_line(text: str) -> str:
    """Make one line of a subject, in which nothing begins another header or is decoded as one (RFC 2047)."""
    return " ".join(_visible(text).split()).replace("=?", "= ?")


def _paragraphs(text: str) -> list[list[str]]:
    """Return the lines of each paragraph: what stands between empty lines."""
    lines = [" ".join(_visible(line).split()) for line in text.splitlines()]
    return [list(part) for filled, part in groupby(lines, key=bool) if filled]


def _visible(text: str) -> str:
    """Put a blank in the place of what is no character to be read."""
    return "".join(" " if unicodedata.category(char) in _UNFIT else char for char in text)


def message_id(message: UUID, recipient: str, domain: str) -> str:
    """Return the Message-ID of the mail about a message to a recipient; always the same for both."""
    digest = hashlib.sha256(recipient.lower().encode()).hexdigest()[:16]
    return f"<{message}.{digest}@{domain}>"


def _subject_of(mail: NewMessageMail) -> UUID:
    """Return what the Message-ID is made of: programs for mails show two with the same one once."""
    return uuid5(mail.message_id, str(mail.asked)) if mail.asked else mail.message_id


def file_name(mail: NewMessageMail) -> str:
    """Name the attachment, e.g. `voicemail-8001-20261123-1545.mp3` (local time)."""
    suffix = mail.attachment.format.value if mail.attachment else "wav"
    return f"voicemail-{mail.mailbox_number}-{mail.received_at:%Y%m%d-%H%M}.{suffix}"


def duration(milliseconds: int, locale: Locale) -> str:
    """Say a length in whole seconds, at least one: `1 minute, 5 seconds`."""
    minutes, seconds = divmod(whole_seconds(milliseconds), 60)
    written = [
        written_duration(minutes, "minute", locale) if minutes else "",
        written_duration(seconds, "second", locale) if seconds else "",
    ]
    return ", ".join(filter(None, written))  # Babel cannot put two parts together in every language (Spanish)


def _address(name: str, address: str) -> Address:
    """Read an address, its domain in ASCII; raises ValueError."""
    local, _at, domain = address.rpartition("@")
    if not (local and domain) or clean(address) != address:
        raise ValueError("not a mail address")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
        # The standard library reads no address with letters beyond ASCII (RFC 6532), but writes it.
        Address(addr_spec="".join(char if char.isascii() else "x" for char in local) + f"@{domain}")
        return Address(display_name=clean(name), username=local, domain=domain)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError("not a mail address") from error
