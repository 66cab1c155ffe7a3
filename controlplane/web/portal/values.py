"""What settings of objects are, before and after a change, in words that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from controlplane.domain.audit import AuditEntry
from controlplane.web.portal.words import Words

_LONGEST: Final = 300
_ALIKE: Final = frozenset({"number", "display_name", "language"})
"""Fields that have the same label for every kind."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A field as it was and as it is; empty where there was or is nothing."""

    field: str
    before: str
    after: str


def changes_of(entry: AuditEntry, words: Words) -> list[Change]:
    """Return what an entry tells of its fields; of a secret only that it was set."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    found = [
        Change(
            field=field_name(entry.kind, name, words),
            before=_value(name, entry.before.get(name), words),
            after=_value(name, entry.after.get(name), words),
        )
        for name in names
    ]
    hidden = words("audit.secret-set")
    found += [
        Change(field=field_name(entry.kind, name, words), before="", after=hidden) for name in entry.secrets
    ]
    return [change for change in found if change.before or change.after]


def field_name(kind: str, name: str, words: Words) -> str:
    """Return the label of a field as the forms have it; else its own name with blanks."""
    as_of_mailboxes = kind == "mailbox" or name in _ALIKE
    for section in ("audit-fields", "mailbox" if as_of_mailboxes else "slots", "changed-fields"):
        key = f"{section}.{name}"
        if words.has(key):
            return words(key)
    return name.replace("_", " ").capitalize()


def _value(name: str, value: Any, words: Words) -> str:
    match name, value:
        case "recorded_greetings", Mapping():
            text = ", ".join(_recording(source, one, words) for source, one in value.items())
        case "role", str() if words.has(f"roles.{value.replace('_', '-')}"):
            text = words(f"roles.{value.replace('_', '-')}")
        case _:
            text = _in_words(value, words)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _recording(source: str, one: Any, words: Words) -> str:
    """Say for whose callers a recording is, and how long; who made it when is what the entry says."""
    seconds = one.get("seconds", 0) if isinstance(one, Mapping) else 0
    length = words.count("wait.seconds", max(1, round(seconds)))
    whose = source or words("audit.everybody")
    return f"{whose} ({length})"


def _in_words(value: Any, words: Words) -> str:
    match value:
        case None:
            return ""
        case bool():
            return words("audit.yes" if value else "audit.no")
        case str() | int() | float():
            return str(value)
        case {"number": str(number), **rest} if not set(rest) - {"action"}:
            return number
        case {"action": str(action)} if len(value) == 1:
            return action.replace("_", " ")
        case Mapping():
            parts = ((name, _in_words(each, words)) for name, each in value.items())
            return ", ".join(f"{name.replace('_', ' ')}: {text}" for name, text in parts if text)
        case Sequence():
            return ", ".join(_in_words(each, words) for each in value)
        case _:
            return str(value)


def typed_day(text: str) -> date | None:
    """Return the day that was typed; None for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
