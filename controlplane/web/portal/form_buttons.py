"""What the buttons of a form do but to save it: choose a number, move one in a list.

A button says it as `do`: a verb, the field, and a place or a cursor. Nothing is stored: the form comes
back with everything that was typed, and with what the button did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from fastapi import Response

from controlplane.domain.numbers import NumberKind
from controlplane.web.portal.destination_fields import To, ToByHours
from controlplane.web.portal.destination_picker import Asked, picker_page
from controlplane.web.portal.form_fields import (
    Entries,
    FormField,
    NumberOf,
    NumbersOf,
    Tick,
    listed,
)
from controlplane.web.portal.visits import Visit

SAVE: Final = frozenset({"", "save"})
_Thing = TypeVar("_Thing")
_PLACE = re.compile(r"[0-9]{1,3}", re.ASCII)
_PICKER: Final = frozenset({"pick", "find", "on", "ok", "back"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """The form as it is after a button, and where the focus is."""

    entries: Entries
    focus: str = ""


def verb_of(visit: Visit) -> str:
    """Return what a button wants; empty or `save`: to save."""
    return visit.form.text("do").partition(" ")[0]


async def press(
    visit: Visit,
    *,
    fields: Mapping[str, FormField],
    entries: Entries,
    here: str,
    section: str,
    carried: Sequence[str] = (),
) -> Pressed | Response:
    """Do what a button wants, or answer with the page on which a number is chosen.

    `carried` are hidden fields of the form, which that page sends back as well.
    """
    verb, name, rest = [*visit.form.text("do").split(" ", 2), "", ""][:3]
    kind = field_at(fields, name)
    if kind is None:
        return Pressed(entries=entries)
    if verb in _PICKER:
        chosen = _chosen(visit, verb, name, kind, entries)
        if chosen is not None:
            return chosen
        hidden = {each: text for each, text in entries.items() if text or not _is_tick(fields, each)}
        return await picker_page(
            visit,
            Asked.of(
                visit.form.text,
                field=name,
                wanted=kind_wanted(kind, name, entries),
                many=isinstance(kind, NumbersOf),
                after=rest if verb == "on" else "",
            ),
            here=here,
            section=section,
            kept={**hidden, **{each: visit.form.text(each) for each in carried}},
            nothing_picked=verb == "ok",
        )
    if isinstance(kind, NumbersOf):
        numbers = listed(name, entries)
        place = int(rest) if _PLACE.fullmatch(rest) else len(numbers)
        if place < len(numbers):
            move(numbers, place, verb)
        others = {key: text for key, text in entries.items() if not key.startswith(f"{name}-")}
        return Pressed(entries={**others, **kind.entries(name, numbers)}, focus=f"{name}-next")
    return Pressed(entries=entries)


def field_at(fields: Mapping[str, FormField], entry: str) -> FormField | None:
    """Return the kind of field of an entry or of the entries below it; None if there is none."""
    root, *parts = entry.split("-")
    kind = fields.get(root)
    while parts and kind is not None:
        part = parts.pop(0)
        if isinstance(kind, ToByHours):
            kind = kind.parts.get(part)
        else:
            return None
    return kind


def kind_wanted(field: FormField, name: str, entries: Entries) -> NumberKind | None:
    """Return of which kind a field's number must be; None: of any."""
    if isinstance(field, NumberOf | NumbersOf):
        return field.kind
    return field.kind_of(name, entries) if isinstance(field, To) else None


def move(listed_things: list[_Thing], place: int, verb: str) -> None:
    """Move one thing of a list up or down, or drop it."""
    thing = listed_things.pop(place)
    if verb != "drop":
        step = {"up": -1, "down": 1}.get(verb, 0)
        listed_things.insert(max(0, place + step), thing)


def _chosen(visit: Visit, verb: str, name: str, kind: FormField, entries: Entries) -> Pressed | None:
    """Return the form with what was chosen, or without on the way back; None: it is still to be chosen."""
    picked = [number for number in visit.form.all("picked") if number]
    if verb == "back" or not isinstance(kind, To | NumberOf | NumbersOf):
        return Pressed(entries=entries, focus=_focus(kind, name))
    if verb == "ok" and picked:
        return Pressed(entries=_with(kind, name, entries, picked), focus=_focus(kind, name))
    return None


def _is_tick(fields: Mapping[str, FormField], entry: str) -> bool:
    """Say whether an entry is that of a box, which a form does not send if it is not ticked."""
    return isinstance(field_at(fields, entry), Tick)


def _with(kind: FormField, name: str, entries: Entries, picked: Sequence[str]) -> Entries:
    """Put what was chosen into the form."""
    if isinstance(kind, NumbersOf):
        return {**entries, **kind.entries(name, list(dict.fromkeys([*listed(name, entries), *picked])))}
    if isinstance(kind, To):
        action = entries.get(f"{name}-action", "")
        with_number = action if action.startswith("forward_") else "forward_to_number"
        return {**entries, f"{name}-action": with_number, f"{name}-number": picked[0]}
    return {**entries, name: picked[0]}


def _focus(kind: FormField, name: str) -> str:
    if isinstance(kind, NumbersOf):
        return f"{name}-next"
    return f"{name}-number" if isinstance(kind, To) else name
