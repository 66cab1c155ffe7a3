"""The settings of a mailbox and their rules, checked all at once so that a client hears of every fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict, TypeVar

from email_validator import EmailNotValidError, validate_email

from controlplane.domain.errors import InvalidValue, InvalidValues
from controlplane.domain.limits import LIMITS, check_limit
from controlplane.domain.mailbox import (
    MAX_ATTACHMENT_MB,
    MAX_DISPLAY_NAME,
    MAX_MESSAGE_SECONDS,
    MAX_RECIPIENTS,
    AfterMail,
    AttachmentFormat,
    KindGreeting,
    SayDatetime,
    SourceGreeting,
)
from controlplane.domain.numbers import Number
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.domain.text import parse_display_name
from controlplane.services.kind_rules import stored_kind_greetings
from controlplane.speech.choice import choose_language

LONGEST_MINIMUM_SECONDS = 60
MAX_SOURCE_GREETINGS = 50
MAX_GREETING = 1000
_SOURCE = re.compile(r"\+?[0-9]{3,64}", re.ASCII)

_INTERNAL = frozenset({"local", "localhost"})
_PUBLIC = ".example.com"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMailbox:
    """A mailbox to be made; the defaults are those of the REST contract. `language` None: the tenant's."""

    number: str
    display_name: str
    pin: Pin
    language: str | None = None
    pin_required: bool = True
    enabled: bool = True
    email_recipients: Sequence[str] = ()
    email_notification: bool = False
    email_attachment: bool = True
    email_attachment_format: AttachmentFormat = AttachmentFormat.MP3
    email_attachment_max_mb: int = MAX_ATTACHMENT_MB
    email_notice_only: Sequence[str] = ()
    after_mail: AfterMail = AfterMail.KEEP
    email_subject: str | None = None
    email_introduction: str | None = None
    say_datetime: SayDatetime = SayDatetime.OFF
    review: bool = False
    min_message_seconds: int = 1
    max_message_seconds: int = 300
    greeting: str | None = None
    operator_number: str | None = None
    log_in_from_greeting: bool = False
    source_greetings: Sequence[SourceGreeting] = ()
    retain_days: int | None = None
    trash_days: int | None = None
    max_messages: int | None = None
    max_total_seconds: int | None = None
    kind_greetings: Sequence[KindGreeting] = ()

    def settings(self) -> MailboxChanges:
        """Return all but the number and the PIN, as changes to nothing."""
        return MailboxChanges(
            display_name=self.display_name,
            language=self.language,
            pin_required=self.pin_required,
            enabled=self.enabled,
            email_recipients=self.email_recipients,
            email_notification=self.email_notification,
            email_attachment=self.email_attachment,
            email_attachment_format=self.email_attachment_format,
            email_attachment_max_mb=self.email_attachment_max_mb,
            email_notice_only=self.email_notice_only,
            after_mail=self.after_mail,
            email_subject=self.email_subject,
            email_introduction=self.email_introduction,
            say_datetime=self.say_datetime,
            review=self.review,
            min_message_seconds=self.min_message_seconds,
            max_message_seconds=self.max_message_seconds,
            greeting=self.greeting,
            operator_number=self.operator_number,
            log_in_from_greeting=self.log_in_from_greeting,
            source_greetings=self.source_greetings,
            retain_days=self.retain_days,
            trash_days=self.trash_days,
            max_messages=self.max_messages,
            max_total_seconds=self.max_total_seconds,
            kind_greetings=self.kind_greetings,
        )


class MailboxChanges(TypedDict, total=False):
    """What is to change; the number never does."""

    display_name: str
    pin: Pin
    language: str | None
    pin_required: bool
    enabled: bool
    email_recipients: Sequence[str]
    email_notification: bool
    email_attachment: bool
    email_attachment_format: AttachmentFormat
    email_attachment_max_mb: int
    email_notice_only: Sequence[str]
    after_mail: AfterMail
    email_subject: str | None
    email_introduction: str | None
    say_datetime: SayDatetime
    review: bool
    min_message_seconds: int
    max_message_seconds: int
    greeting: str | None
    operator_number: str | None
    log_in_from_greeting: bool
    source_greetings: Sequence[SourceGreeting]
    retain_days: int | None
    trash_days: int | None
    max_messages: int | None
    max_total_seconds: int | None
    kind_greetings: Sequence[KindGreeting]


class Faults:
    """Collects what is wrong with several fields."""

    def __init__(self) -> None:
        self._errors: list[InvalidValue] = []

    def check(self, rule: Callable[[], Value]) -> Value | None:
        """Return what the rule returns; None if the value breaks it."""
        try:
            return rule()
        except InvalidValue as error:
            self._errors += error.errors if isinstance(error, InvalidValues) else [error]
            return None

    def done(self) -> None:
        """Raise what was found: InvalidValue, or InvalidValues if there are several."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise InvalidValues(self._errors)


def check_new(new: NewMailbox, policy: PinPolicy) -> tuple[Number, dict[str, Any]]:
    """Return the number and the columns of a mailbox to be made, without the PIN.

    Raises InvalidValue (InvalidValues for several fields).
    """
    faults = Faults()
    number = faults.check(lambda: Number.parse(new.number))
    faults.check(lambda: check_operator(new.operator_number, number=new.number))
    faults.check(lambda: policy.check(new.pin, number=new.number))
    values = checked_settings(new.settings(), faults)
    faults.check(lambda: check_lengths(new.min_message_seconds, new.max_message_seconds))
    faults.done()
    values["email_notice_only"] = notice_only_of(
        values["email_recipients"], values["email_notice_only"], is_new=True
    )
    assert number is not None
    return number, values


def check_changes(changes: MailboxChanges, policy: PinPolicy, *, number: str) -> dict[str, Any]:
    """Return the columns of what is to change of a mailbox, without the PIN, which is checked.

    Raises InvalidValue (InvalidValues for several fields).
    """
    faults = Faults()
    values = checked_settings(changes, faults)
    faults.check(lambda: check_operator(changes.get("operator_number"), number=number))
    if "pin" in changes:
        faults.check(lambda: policy.check(changes["pin"], number=number))
    faults.done()
    return values


def checked_settings(changes: MailboxChanges, faults: Faults) -> dict[str, Any]:
    """Return the columns for what is to change, without the PIN; faults go to `faults`."""
    values: dict[str, Any] = {key: value for key, value in changes.items() if key != "pin"}
    if "display_name" in changes:
        name = changes["display_name"]
        values["display_name"] = faults.check(lambda: parse_display_name(name, max_length=MAX_DISPLAY_NAME))
    language = changes.get("language")
    if language is not None:
        faults.check(lambda: choose_language(language))
    if "email_recipients" in changes:
        values["email_recipients"] = _recipients(changes["email_recipients"], faults, "email_recipients")
    if "email_notice_only" in changes:
        values["email_notice_only"] = _recipients(changes["email_notice_only"], faults, "email_notice_only")
    size = changes.get("email_attachment_max_mb")
    if size is not None:
        faults.check(partial(_check_attachment_size, size))
    for field, allowed in (
        ("min_message_seconds", range(LONGEST_MINIMUM_SECONDS + 1)),
        ("max_message_seconds", range(1, MAX_MESSAGE_SECONDS + 1)),
    ):
        if field in values:
            faults.check(partial(_check_range, values[field], allowed, field))
    for field in (name for name in LIMITS if name in values):
        faults.check(partial(check_limit, values[field], field))
    text = changes.get("greeting")
    if text is not None:
        faults.check(partial(_check_words, text, "greeting"))
    if "source_greetings" in changes:
        values["source_greetings"] = _source_greetings(changes["source_greetings"], faults)
    if "kind_greetings" in changes:
        greetings = changes["kind_greetings"]
        values["kind_greetings"] = faults.check(lambda: stored_kind_greetings(greetings))
    for field in ("say_datetime", "email_attachment_format", "after_mail"):
        if field in values:
            values[field] = values[field].value
    return values


def check_operator(operator: str | None, *, number: str) -> None:
    """Raise InvalidValue unless the operator of the mailbox with a number can be one."""
    if operator is None:
        return
    Number.parse(operator, field="operator_number")
    if operator == number:
        raise InvalidValue(
            "This is the mailbox itself; name another number.",
            error_id="invalid-destination",
            field="operator_number",
        )


def _source_greetings(wanted: Sequence[SourceGreeting], faults: Faults) -> list[dict[str, Any]]:
    """Return what is stored of greetings per source; each source at most once."""
    if len(wanted) > MAX_SOURCE_GREETINGS:
        faults.check(_refuse_number_of_greetings)
        return []
    seen: set[str] = set()
    stored = []
    for index, own in enumerate(wanted):
        path = f"source_greetings.{index}"
        faults.check(partial(_check_source_greeting, own, path, seen))
        seen.add(own.source.removeprefix("+"))
        stored.append({"source": own.source, "greeting": own.greeting, "language": own.language})
    return stored


def _check_source_greeting(own: SourceGreeting, path: str, seen: set[str]) -> None:
    if not _SOURCE.fullmatch(own.source):
        raise InvalidValue(
            "A source is a number of the tenant, or one that is dialled from outside.",
            error_id="invalid-number",
            field=f"{path}.source",
        )
    if own.source.removeprefix("+") in seen:
        raise InvalidValue("This source is there twice.", error_id="named-twice", field=f"{path}.source")
    if own.greeting is not None:
        _check_words(own.greeting, f"{path}.greeting")
    if own.language is not None:
        choose_language(own.language, field=f"{path}.language")


def parse_source(source: str, *, field: str = "source") -> str:
    """Return the source of a greeting without its plus sign, "" for all others; raises InvalidValue."""
    if source and not _SOURCE.fullmatch(source):
        raise InvalidValue(
            "A source is a number of the tenant, or one that is dialled from outside.",
            error_id="invalid-source",
            field=field,
        )
    return source.removeprefix("+")


def check_greeting(text: str | None, language: str | None) -> None:
    """Raise InvalidValue (`text`, `language`) for words or a language that a greeting cannot have."""
    if text is not None:
        _check_words(text, "text")
    if language is not None:
        choose_language(language)


def _check_words(text: str, field: str) -> None:
    if not 1 <= len(text.strip()) <= MAX_GREETING:
        raise InvalidValue(
            f"A greeting has 1 to {MAX_GREETING} characters.", error_id="invalid-text", field=field
        )


def _refuse_number_of_greetings() -> None:
    raise InvalidValue(
        f"There can be {MAX_SOURCE_GREETINGS} of these.", error_id="too-many", field="source_greetings"
    )


def check_lengths(shortest: int, longest: int) -> None:
    """Raise InvalidValue (`lengths-contradict`) unless a message can be as long as it must be."""
    if shortest >= longest:
        raise InvalidValue(
            "The shortest message must be shorter than the longest one.",
            error_id="lengths-contradict",
            field="min_message_seconds",
        )


def _check_range(value: int, allowed: range, field: str) -> None:
    if value not in allowed:
        raise InvalidValue(
            f"This is a number of seconds from {allowed.start} to {allowed.stop - 1}.",
            error_id="out-of-range",
            field=field,
        )


def _check_attachment_size(megabytes: int) -> None:
    if not 1 <= megabytes <= MAX_ATTACHMENT_MB:
        raise InvalidValue(
            f"This is a number of megabytes from 1 to {MAX_ATTACHMENT_MB}.",
            error_id="out-of-range",
            field="email_attachment_max_mb",
        )


def notice_only_of(recipients: Sequence[str], notice_only: Sequence[str], *, is_new: bool) -> list[str]:
    """Return those of the recipients who get no recording, as their addresses are written there.

    One who is a recipient no more is left out. Raises InvalidValue (`not-a-recipient`) if `is_new`: for
    what somebody says now.
    """
    by_lower = {address.lower(): address for address in recipients}
    for index, address in enumerate(notice_only):
        if is_new and address.lower() not in by_lower:
            raise InvalidValue(
                f"{address} is not among the recipients of this mailbox: add it there too, or leave it out.",
                error_id="not-a-recipient",
                field=f"email_notice_only[{index}]",
                details={"address": address},
            )
    wanted = {address.lower() for address in notice_only}
    return [address for lower, address in by_lower.items() if lower in wanted]


def _recipients(wanted: Sequence[str], faults: Faults, field: str) -> list[str]:
    """Return the addresses in their normal form; of those that differ by case alone, the first."""
    if len(wanted) > MAX_RECIPIENTS:
        faults.check(partial(_refuse_number_of_recipients, field))
        return []
    by_lower: dict[str, str] = {}
    for index, text in enumerate(wanted):
        address = faults.check(partial(_address, text, f"{field}[{index}]"))
        if address is not None:
            by_lower.setdefault(address.lower(), address)
    return list(by_lower.values())


def _refuse_number_of_recipients(field: str) -> None:
    raise InvalidValue(
        f"A mailbox has at most {MAX_RECIPIENTS} recipients.",
        error_id="too-many-recipients",
        field=field,
    )


def parse_recipient(text: str, *, field: str = "recipient") -> str:
    """Return a mail address in its normal form; raises InvalidValue (`invalid-address`)."""
    return _address(text, field)


def _address(text: str, field: str) -> str:
    # `company.local` and `localhost` are known to internal mail servers, but refused by the library
    # whatever its options: they are checked as a part of a domain that it takes.
    last = text.rpartition("@")[2].rpartition(".")[2].lower()
    suffix = _PUBLIC if last in _INTERNAL else ""
    try:
        found = validate_email(text + suffix, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise InvalidValue(
            "This is not a mail address such as sales@example.com.",
            error_id="invalid-address",
            field=field,
        ) from error
    return found.normalized.removesuffix(suffix)
