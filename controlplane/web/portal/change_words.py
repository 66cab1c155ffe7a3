"""What changed of an object, in the words of the person: fields, values, and from what to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.services.pending_changes import ChangedField, ChangedObject
from controlplane.web.portal.mailbox_words import author, language_name
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.words import Words

_LONGEST: Final = 160
_MOST_FIELDS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldField:
    """A field; without `before` and `after` only that it changed is told."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldObject:
    """An object; `path` is its page, if it is there and its kind has one. `more_fields` are not listed."""

    kind: str
    name: str
    label: str | None
    path: str | None
    action: str
    who: str
    at: str
    fields: Sequence[ToldField]
    more_fields: int
    undone: bool


def told_object(one: ChangedObject, words: Words, *, time_zone: str) -> ToldObject:
    """Return a change as a page shows it."""
    if one.fields is None:
        fields = [ToldField(label=field_label((name,), words), before=None, after=None) for name in one.named]
    else:
        fields = [_told_field(each, words) for each in one.fields]
    key = f"kinds.{one.kind}"
    return ToldObject(
        kind=words(key) if words.has(key) else one.kind,
        name=one.name,
        label=one.label,
        path=None if one.action == "removed" else page_of(one.kind, one.name),
        action=one.action.value,
        who=", ".join(dict.fromkeys(author(each, words) for each in one.authors)),
        at=words.moment(one.changed_at, time_zone),
        fields=fields[:_MOST_FIELDS],
        more_fields=len(fields[_MOST_FIELDS:]),
        undone=one.action == "changed" and one.fields == (),
    )


def _told_field(one: ChangedField, words: Words) -> ToldField:
    label = field_label(one.path, words)
    if one.secret:
        return ToldField(label=label, before=None, after=None)
    name = one.path[-1]
    return ToldField(
        label=label,
        before=value_in_words(name, one.before, words),
        after=value_in_words(name, one.after, words),
    )


def field_label(path: Sequence[str], words: Words) -> str:
    """Say which field a path such as `keys.1.destination.office_hours` means."""
    parts = []
    for place, part in enumerate(path):
        # `office_hours` is a schedule by itself, and a time of the day within a destination.
        sections = ("changed-fields", "slots", "mailbox") if place == 0 else ("slots", "changed-fields")
        found = next((f"{section}.{part}" for section in sections if words.has(f"{section}.{part}")), None)
        parts.append(part.replace("_", " ") if found is None else words(found))
    return ", ".join(parts)


def value_in_words(name: str, value: object, words: Words) -> str:
    """Say a value: a destination, yes or no, a list, and text that is cut to what can be read."""
    match value:
        case None | [] | "":
            return words("changes.nothing")
        case bool():
            return words("changes.yes" if value else "changes.no")
        case Mapping() if "action" in value:
            return _destination(value, words)
        case Mapping():
            return _cut(f"{value.get('start', '')}-{value.get('end', '')}")
        case list():
            return _cut(", ".join(value_in_words(name, one, words) for one in value))
        case str() if name == "language":
            return language_name(value, words)
        case str() if words.has(f"changed-values.{value}"):
            return words(f"changed-values.{value}")
        case _:
            return _cut(str(value))


def _destination(value: Mapping[str, object], words: Words) -> str:
    number = value.get("number")
    key = f"changed-values.{value['action']}"
    said = words(key) if words.has(key) else str(value["action"])
    return said if number is None else f"{said} {number}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
