"""What is told to the second of two people who change an object at once."""

from __future__ import annotations

from controlplane.web.portal import object_form
from controlplane.web.portal.clashes import Clash, brought_together, changed, root_of
from controlplane.web.portal.form_fields import Entries, Line
from controlplane.web.portal.last_change import last_change
from controlplane.web.portal.object_kinds import Details, ObjectPages, Owners
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.week_field import WeekField
from controlplane.web.portal.words import Words


async def clash_of(visit: Visit, pages: ObjectPages, now: Details, entries: Entries, seen: Entries) -> Clash:
    """Bring together what is stored now and what was sent; `seen` is what both began with."""
    words, fields = visit.words, pages.fields_of(now)
    stored = object_form.entries_of(fields, now.values)
    owners = await object_form.owners_in(visit, fields, stored)
    last = await last_change(visit, pages.word, now.key)
    return brought_together(
        stored=stored,
        entries=entries,
        seen=seen,
        mine=changed(entries, seen),
        who=last.who,
        at=last.at or words.moment(now.updated_at, visit.person.time_zone),
        label=lambda name: _label(pages, name, words),
        value=lambda name: _value(pages, name, stored, words, owners),
    )


def _label(pages: ObjectPages, name: str, words: Words) -> str:
    """Return what a field is called."""
    key = f"{pages.word}.{name}"
    return words(key if words.has(key) else f"object.{name}")


def _value(pages: ObjectPages, name: str, stored: Entries, words: Words, owners: Owners) -> str:
    """Say what is stored in a field."""
    kind = pages.fields[name] if name in pages.fields else Line()
    own = {each: text for each, text in stored.items() if root_of(each) == name}
    text = own.get(name, "")
    if kind.control == "tick":
        return words("mailbox.on" if text else "mailbox.off")
    if kind.control == "choice":
        return words(f"{pages.word}.{name}-{text}") if text else words("object.nothing")
    if kind.control in {"destination", "by_hours"}:
        action = next((text for each, text in own.items() if each.endswith("-action") and text), "")
        number = next((text for each, text in own.items() if each.endswith("-number") and text), "")
        owner = owners.get(number)
        named = f"{number} {owner.display_name}" if owner is not None else number
        return named or (words(f"destinations.{action}") if action else words("object.nothing"))
    if isinstance(kind, WeekField):
        return kind.in_words(name, own, words)
    return ", ".join(text for text in own.values() if text) or words("object.nothing")
