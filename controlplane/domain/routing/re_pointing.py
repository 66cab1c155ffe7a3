"""Settings that point at another number than before, wherever in them the old one stands."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, TypeVar

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import HANGUP, Destination, DestinationAction

Value = TypeVar("Value")

LISTS: Final = frozenset({"members", "agents", "mwi_mailboxes"})
"""Fields that list the numbers of extensions, or of mailboxes."""

ONES: Final = frozenset({"mailbox", "fallback"})
"""Fields that are one number or none."""


def re_pointed(value: Value, *, old: str, new: str | None, kind: NumberKind | None) -> Value:
    """Return settings in which `new`, a number of this kind, stands for `old`.

    Without a new number calls end where they went on to the old one, and what listed or owned it does so no
    longer. A list names no number twice. `forward_to_voicemail` is a way into the mailbox of an extension:
    to a number of another kind it becomes `forward_to_number`.
    """
    changed: Any = _changed(value, old, new, kind)
    return changed  # type: ignore[no-any-return]  # of the same type: dataclasses.replace, or itself


def _changed(value: Any, old: str, new: str | None, kind: NumberKind | None) -> Any:
    if isinstance(value, Destination):
        return _destination(value, old, new, kind)
    if isinstance(value, tuple):
        return tuple(_changed(one, old, new, kind) for one in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        before = getattr(value, field.name)
        after: Any
        if field.name in LISTS:
            after = _list(before, old, new)
        elif field.name in ONES:
            after = new if before == old else before
        else:
            after = _changed(before, old, new, kind)
        if after != before:
            changes[field.name] = after
    return dataclasses.replace(value, **changes) if changes else value


def _list(before: tuple[str, ...], old: str, new: str | None) -> tuple[str, ...]:
    named = [new if one == old else one for one in before]
    return tuple(dict.fromkeys(one for one in named if one is not None))


def _destination(destination: Destination, old: str, new: str | None, kind: NumberKind | None) -> Destination:
    if destination.number != old:
        return destination
    if new is None:
        return HANGUP
    to_voicemail = destination.action is DestinationAction.FORWARD_TO_VOICEMAIL
    if to_voicemail and kind is not NumberKind.EXTENSION:
        return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=new)
    return dataclasses.replace(destination, number=new)
