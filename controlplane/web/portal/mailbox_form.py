"""The form of a mailbox: its fields as text, and what the schemas and rules of the REST API say of them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from controlplane.domain.errors import InvalidValue
from controlplane.domain.mailbox import (
    MAX_ATTACHMENT_MB,
    MAX_DISPLAY_NAME,
    MAX_MESSAGE_SECONDS,
    MAX_RECIPIENTS,
)
from controlplane.domain.pin import PinPolicy
from controlplane.services.mailbox_rules import (
    LONGEST_MINIMUM_SECONDS,
    MAX_GREETING,
    MAX_SOURCE_GREETINGS,
    check_changes,
    check_lengths,
)
from controlplane.services.mailboxes import MailboxDetails
from controlplane.web.api.schemas_mailboxes import MailboxIn, MailboxPatch
from controlplane.web.portal.clashes import changed
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Fault, Faults, Form
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema

KNOWN: Final = (
    "number",
    "display_name",
    "language",
    "pin",
    "pin_required",
    "email_recipients",
    "email_notification",
)
"""The fields that every phone system of this kind has; all others are under More."""
_TICKS: Final = ("pin_required", "email_notification", "enabled", "email_attachment", "review")
_LINES: Final = (
    "number",
    "display_name",
    "language",
    "pin",
    "email_attachment_format",
    "after_mail",
    "say_datetime",
)
_ADDRESSES: Final = ("email_recipients", "email_notice_only")
_LIMITS: Final = ("min_message_seconds", "max_message_seconds")
_FIGURES: Final = ("email_attachment_max_mb", *_LIMITS)
_ORDER: Final = (
    *KNOWN,
    "enabled",
    "email_attachment",
    "email_attachment_format",
    "email_attachment_max_mb",
    "email_notice_only",
    "after_mail",
    "say_datetime",
    "review",
    "min_message_seconds",
    "max_message_seconds",
    "source_greetings",
)
_SOURCE_PARTS: Final = ("source", "greeting", "language")
_SOURCE_FIELD = re.compile(r"source_greetings-([0-9]{1,3})-(source|greeting|language|remove)", re.ASCII)
_FIGURE = re.compile(r"[0-9]{1,9}", re.ASCII)
_SEPARATORS = re.compile(r"[,;\r\n]")
_PLACE = re.compile(r"[.\[]([0-9]+)\]?")


def entries_of(details: MailboxDetails) -> Entries:
    """Return the fields of a mailbox that exists; its PIN is not among them."""
    mailbox = details.mailbox
    entries = {name: _tick(getattr(mailbox, name)) for name in _TICKS}
    entries |= {name: str(getattr(mailbox, name)) for name in _FIGURES}
    entries |= {
        "number": mailbox.number,
        "display_name": mailbox.display_name,
        "language": details.language or "",
        **{name: "\n".join(getattr(mailbox, name)) for name in _ADDRESSES},
        "email_attachment_format": mailbox.email_attachment_format.value,
        "after_mail": mailbox.after_mail.value,
        "say_datetime": mailbox.say_datetime.value,
    }
    for row, own in enumerate(details.source_greetings):
        parts = (own.source, own.greeting or "", own.language or "")
        entries |= {_source(row, part): text for part, text in zip(_SOURCE_PARTS, parts, strict=True)}
    return entries


def new_entries() -> Entries:
    """Return the fields of a mailbox to be made, with the defaults of the REST API."""
    fields = MailboxIn.model_fields
    entries = {name: _tick(fields[name].default) for name in _TICKS}
    entries |= {name: str(fields[name].default) for name in _FIGURES}
    return entries | {
        name: fields[name].default.value for name in ("email_attachment_format", "after_mail", "say_datetime")
    }


def entries_sent(form: Form) -> Entries:
    """Return the fields as they were sent; sources without any text, or to be removed, are left out."""
    entries = {name: _tick(form.ticked(name)) for name in _TICKS}
    entries |= {name: form.text(name).strip() for name in (*_LINES, *_FIGURES)}
    entries |= {name: "\n".join(addresses_in(form.text(name))) for name in _ADDRESSES}
    rows: dict[int, Entries] = {}
    for name in form.names():
        match = _SOURCE_FIELD.fullmatch(name)
        if match is not None:
            rows.setdefault(int(match[1]), {})[match[2]] = form.text(name).replace("\r\n", "\n").strip()
    filled = [row for _, row in sorted(rows.items()) if any(row.values()) and not row.get("remove")]
    for place, row in enumerate(filled):
        entries |= {_source(place, part): row.get(part, "") for part in _SOURCE_PARTS}
    return entries


def sources_in(entries: Entries) -> int:
    """Return how many sources have a greeting or a language of their own."""
    return sum(bool(_SOURCE_FIELD.fullmatch(name)) and name.endswith("-source") for name in entries)


def addresses_in(text: str) -> list[str]:
    """Return mail addresses that stand on lines of their own, or between commas."""
    return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


def packed(entries: Entries) -> str:
    """Write the fields as one text: what was stored when the form was shown, to see what was changed."""
    return json.dumps({name: text for name, text in entries.items() if name != "pin"})


def unpacked(text: str) -> Entries:
    """Read them; empty for what is none of ours: then all counts as changed."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}


def body_of(entries: Entries) -> dict[str, Any]:
    """Return the fields as the schemas of the REST API take them, without an empty number or PIN."""
    body: dict[str, Any] = {name: entries.get(name) == "yes" for name in _TICKS}
    for name in _FIGURES:
        text = entries.get(name, "")
        body[name] = int(text) if _FIGURE.fullmatch(text) else text
    for name in ("number", "pin"):
        if entries.get(name):
            body[name] = entries[name]
    body["display_name"] = entries.get("display_name", "")
    body["language"] = entries.get("language") or None
    body["email_attachment_format"] = entries.get("email_attachment_format", "")
    body["after_mail"] = entries.get("after_mail", "")
    body["say_datetime"] = entries.get("say_datetime", "")
    body |= {name: addresses_in(entries.get(name, "")) for name in _ADDRESSES}
    body["source_greetings"] = [
        {
            "source": entries.get(_source(row, "source"), ""),
            "greeting": entries.get(_source(row, "greeting")) or None,
            "language": entries.get(_source(row, "language")) or None,
        }
        for row in range(sources_in(entries))
    ]
    return body


def changes_of(entries: Entries, seen: Entries) -> dict[str, Any]:
    """Return the fields that differ from what the person saw; the lengths always, which limit each other."""
    body = body_of(entries)
    body.pop("number", None)
    names = (changed(entries, seen) if seen else set(body)) | {"pin", *_LIMITS}
    return {name: value for name, value in body.items() if name in names}


def version_of(form: Form) -> int:
    """Return the version of the mailbox that the form was made of; 0, which none has, if it says none."""
    text = form.text("version")
    return int(text) if _FIGURE.fullmatch(text) else 0


def check_new(body: dict[str, Any], policy: PinPolicy) -> tuple[MailboxIn | None, list[Wrong]]:
    """Return the schema of a mailbox to be made, and all that is wrong: then it may be None."""
    return _check(MailboxIn, body, policy, number=str(body.get("number", "")))


def check_changed(
    body: dict[str, Any], policy: PinPolicy, *, number: str
) -> tuple[MailboxPatch | None, list[Wrong]]:
    """Do the same for changes of the mailbox with this number."""
    return _check(MailboxPatch, body, policy, number=number)


def in_words(wrongs: list[Wrong], words: Words, entries: Entries, policy: PinPolicy) -> Faults:
    """Say what is wrong in the words of the person; the names of the fields are those of the form."""
    faults = []
    for wrong in wrongs:
        place = _PLACE.search(wrong.field)
        index = int(place[1]) if place else 0
        field = re.sub(r"\[([0-9]+)\]\.?|\.([0-9]+)\.", r"-\1\2-", wrong.field).rstrip("-")
        root = field.partition("-")[0]
        addresses: list[str] = []
        if root in _ADDRESSES:
            field = root
            addresses = addresses_in(entries.get(root, ""))
        values = {
            "pin_least": policy.min_length,
            "pin_most": policy.max_length,
            "name_most": MAX_DISPLAY_NAME,
            "recipients_most": MAX_RECIPIENTS,
            "greeting_most": MAX_GREETING,
            "sources_most": MAX_SOURCE_GREETINGS,
            "minimum_most": LONGEST_MINIMUM_SECONDS,
            "seconds_most": MAX_MESSAGE_SECONDS,
            "megabytes_most": MAX_ATTACHMENT_MB,
            "address": addresses[index] if place and index < len(addresses) else "",
            "number": entries.get("number", ""),
            **wrong.details,
        }
        if "kind" in values:
            values["kind"] = words(f"kinds.{values['kind']}")
        part = field.rpartition("-")[2]
        keys = [f"{root}-{part}-{wrong.error_id}", f"{root}-{wrong.error_id}", wrong.error_id]
        key = next((f"mailbox-errors.{key}" for key in keys if words.has(f"mailbox-errors.{key}")), None)
        text = words.error_of(wrong.error_id, wrong.sentence) if key is None else words(key, **values)
        faults.append(Fault(field=field, text=text))
    return Faults(sorted(faults, key=_place))


def _place(fault: Fault) -> int:
    """Return where in the form a field is."""
    root = fault.field.partition("-")[0]
    return _ORDER.index(root) if root in _ORDER else len(_ORDER)


def _check(
    schema: type[Any], body: dict[str, Any], policy: PinPolicy, *, number: str
) -> tuple[Any, list[Wrong]]:
    """Check by the schema, and what it lets through by the rules, so that all faults are told at once."""
    read: BaseModel | None = None
    wrongs: list[Wrong] = []
    try:
        read = schema.model_validate(body)
    except ValidationError as error:
        wrongs += wrongs_of_schema(error, schema)
    bad = {re.split(r"[.\[]", wrong.field)[0] for wrong in wrongs} | {"number"}
    fit = {name: value for name, value in body.items() if name not in bad}
    try:
        check_changes(MailboxPatch.model_validate(fit).changes(), policy, number=number)
        if not wrongs and all(name in body for name in _LIMITS):
            check_lengths(*(body[name] for name in _LIMITS))
    except InvalidValue as error:
        wrongs += wrongs_of(error)
    return read, wrongs


def _source(row: int, part: str) -> str:
    return f"source_greetings-{row}-{part}"


def _tick(value: bool) -> str:
    return "yes" if value else ""
