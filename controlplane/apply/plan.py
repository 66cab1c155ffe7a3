"""What applying a file changes, as data: objects with their fields, old and new, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controlplane.apply.resource import Form, Found
from controlplane.domain.configuration import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field and its values, as they are written in a file."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What becomes of one object; `note` says what happens besides: to a secret, or to messages."""

    action: Action
    words: str
    key: str
    name: str
    changes: tuple[FieldChange, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a file changes; `left` are objects of its sections that it does not name, and that stay."""

    tenant: str
    objects: tuple[Planned, ...]
    unchanged: int
    left: tuple[tuple[str, str], ...]

    def count(self, action: Action) -> int:
        """Say how many objects are added, changed or removed."""
        return sum(one.action is action for one in self.objects)


def planned_of_section(
    words: str,
    keys: Sequence[str],
    *,
    before: Mapping[str, Found],
    after: Mapping[str, Found],
    notes: Mapping[str, str],
) -> Iterator[Planned]:
    """Yield what became of the objects that a section names, and of those that are gone."""
    for key in keys:
        now = after[key].form
        note = notes.get(key)
        if key not in before:
            yield Planned(action=Action.ADDED, words=words, key=key, name=_name(now), note=note)
            continue
        changes = tuple(_changes(before[key].form, now))
        if changes or note:
            yield Planned(
                action=Action.CHANGED, words=words, key=key, name=_name(now), changes=changes, note=note
            )
    for key in sorted(before.keys() - after.keys()):
        gone = before[key]
        yield Planned(action=Action.REMOVED, words=words, key=key, name=_name(gone.form), note=gone.holds)


def changes_between(before: Form, after: Form) -> tuple[FieldChange, ...]:
    """Return the fields that differ."""
    return tuple(_changes(before, after))


def _changes(old: Any, new: Any, path: str = "") -> Iterator[FieldChange]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _changes(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and _mappings(old, new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _changes(one, other, f"{path}[{index}]")
    else:
        yield FieldChange(field=path, old=_written(old), new=_written(new))


def _mappings(*lists: list[Any]) -> bool:
    return all(isinstance(one, dict) for values in lists for one in values)


def _written(value: Any) -> str:
    return json.dumps(_without_none(value), ensure_ascii=False)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, list) else value


def _name(form: Form) -> str:
    return str(form.get("display_name") or form.get("code") or form.get("note") or "")
