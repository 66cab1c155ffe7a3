"""The form of an object: from what is stored to text, back, and what is wrong with it in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from controlplane.domain.mailbox import MAX_DISPLAY_NAME
from controlplane.services.numbers import owners_of
from controlplane.web.portal.clashes import changed, root_of
from controlplane.web.portal.form_buttons import field_at, kind_wanted
from controlplane.web.portal.form_fields import LEFT_OUT, Entries, FormField
from controlplane.web.portal.forms import Fault, Faults, Form
from controlplane.web.portal.object_kinds import Owners
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong, entry_of

_FIGURE = re.compile(r"[0-9]{1,9}", re.ASCII)


def entries_of(fields: Mapping[str, FormField], values: Mapping[str, Any]) -> Entries:
    """Return the entries of values in JSON."""
    found: Entries = {}
    for name, kind in fields.items():
        found |= kind.entries(name, values.get(name))
    return found


def entries_sent(fields: Mapping[str, FormField], form: Form) -> Entries:
    """Return the entries that a form sent."""
    found: Entries = {}
    for name, kind in fields.items():
        found |= kind.sent(name, form)
    return found


def body_of(fields: Mapping[str, FormField], entries: Entries) -> dict[str, Any]:
    """Return the values in JSON, as the schemas of the REST API take them."""
    values = {name: kind.body(name, entries) for name, kind in fields.items()}
    return {name: value for name, value in values.items() if value is not LEFT_OUT}


def changes_of(fields: Mapping[str, FormField], entries: Entries, seen: Entries) -> dict[str, Any]:
    """Return the values that are another ones than those the person saw."""
    names = changed(entries, seen) if seen else set(fields)
    return {name: value for name, value in body_of(fields, entries).items() if name in names}


def packed(entries: Entries) -> str:
    """Write the entries as one text: what was stored when the form was shown, to see what was changed."""
    return json.dumps(entries)


def unpacked(text: str) -> Entries:
    """Read them; empty for what is none of ours: then all counts as changed."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}


def version_of(form: Form) -> int:
    """Return the version of the object that the form was made of; 0, which none has, if it says none."""
    text = form.text("version")
    return int(text) if _FIGURE.fullmatch(text) else 0


async def owners_in(visit: Visit, fields: Mapping[str, FormField], entries: Entries) -> Owners:
    """Return who has the numbers that are named in a form."""
    named = {number for name, kind in fields.items() for _, number in kind.numbers(name, entries)}
    return await owners_of(visit.deps.db, tenant_id=visit.person.tenant_id, wanted=named)


def wrong_numbers(fields: Mapping[str, FormField], entries: Entries, owners: Owners) -> list[Wrong]:
    """Say which of the named numbers nobody has, or something of another kind."""
    found = []
    for name, field in fields.items():
        for entry, number in field.numbers(name, entries):
            owner = owners.get(number)
            part = entry.removesuffix("-number")
            kind = field_at(fields, part) or field
            wanted = kind_wanted(kind, part, entries)
            if owner is None and number.isascii() and number.isdigit():
                found.append(_wrong(entry, "no-such-number", number))
            elif owner is not None and wanted is not None and owner.kind is not wanted:
                found.append(_wrong(entry, "wrong-kind-of-number", number, kind=owner.kind.value))
    return found


def in_words(
    fields: Mapping[str, FormField],
    wrongs: list[Wrong],
    words: Words,
    entries: Entries,
) -> Faults:
    """Say what is wrong in the words of the person, in the order of the form, one thing of each entry."""
    faults: dict[str, Fault] = {}
    for wrong in wrongs:
        entry = entry_of(wrong.field)
        text = _sentence(wrong, entry, words, entries)
        place = entry if entry in entries else _shown_at(entry, fields, entries)
        faults.setdefault(place, Fault(field=place, text=text))
    order = list(fields)
    return Faults(
        sorted(
            faults.values(),
            key=lambda each: order.index(root_of(each.field)) if root_of(each.field) in order else len(order),
        )
    )


def _sentence(wrong: Wrong, entry: str, words: Words, entries: Entries) -> str:
    root, part = root_of(entry), entry.rpartition("-")[2]
    number = entries.get(entry) or entries.get(f"{entry}-number") or entries.get("number", "")
    values: dict[str, object] = {
        "name_most": MAX_DISPLAY_NAME,
        "number": number,
        "line": _line_of(entry, entries),
        **wrong.details,
    }
    if "kind" in values:
        values["kind"] = words(f"kinds.{values['kind']}")
    keys = [f"{root}-{part}-{wrong.error_id}", f"{root}-{wrong.error_id}"]
    keys += [f"{part}-{wrong.error_id}", wrong.error_id]
    key = next((f"object-errors.{key}" for key in keys if words.has(f"object-errors.{key}")), None)
    if key is None:
        return words.error_of(wrong.error_id, wrong.sentence, wrong.details)
    try:
        return words(key, **values)
    except (KeyError, IndexError):
        return wrong.sentence


def _shown_at(entry: str, fields: Mapping[str, FormField], entries: Entries) -> str:
    """Return the entry beside which a fault of several entries is told."""
    if root_of(entry) not in fields:
        # What has pages of its own is told at its place on this one.
        return root_of(entry)
    kind = field_at(fields, entry)
    return f"{entry}-action" if kind is not None and kind.control == "destination" else _above(entry, entries)


def _above(entry: str, entries: Entries) -> str:
    """Return the entry that a part of it is told at: `addresses` of `addresses-3`."""
    above = entry
    while above not in entries and "-" in above:
        above = above.rpartition("-")[0]
    return above if above in entries else entry


def _line_of(entry: str, entries: Entries) -> str:
    """Return the line of a field of several that a fault is about."""
    root, _, place = entry.rpartition("-")
    lines = entries.get(root, "").splitlines()
    return lines[int(place)] if place.isascii() and place.isdigit() and int(place) < len(lines) else ""


def _wrong(entry: str, error_id: str, number: str, **details: object) -> Wrong:
    return Wrong(
        field=entry,
        error_id=error_id,
        sentence=f"This cannot be {number}.",
        details={**details, "number": number},
    )
