"""Two people change an object at once: the second is told what the first did, and keeps what they typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controlplane.web.portal.form_fields import Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that somebody else changed, and its value now; `mine`: the person changed it as well."""

    label: str
    value: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Who was first and when, what they changed, and the form with both changes: the person's own win."""

    who: str
    at: str
    differences: Sequence[Difference]
    entries: Entries


def root_of(name: str) -> str:
    """Return the field that an entry belongs to."""
    return name.partition("-")[0]


def changed(entries: Entries, seen: Entries) -> set[str]:
    """Return the fields whose text is another one."""
    names = {name for name in entries.keys() | seen.keys() if entries.get(name, "") != seen.get(name, "")}
    return {root_of(name) for name in names}


def brought_together(
    *,
    stored: Entries,
    entries: Entries,
    seen: Entries,
    mine: set[str],
    who: str,
    at: str,
    label: Callable[[str], str],
    value: Callable[[str], str],
) -> Clash:
    """Bring together what is stored now and what was sent; `seen` is what both began with.

    `mine` are the fields that the person changed; `label` and `value` say a field and what is stored in it.
    """
    order = list(dict.fromkeys(root_of(name) for name in stored))
    theirs = sorted(
        changed(stored, seen), key=lambda name: order.index(name) if name in order else len(order)
    )
    kept = {name: text for name, text in stored.items() if root_of(name) not in mine}
    own = {name: text for name, text in entries.items() if root_of(name) in mine}
    return Clash(
        who=who,
        at=at,
        differences=[Difference(label=label(name), value=value(name), mine=name in mine) for name in theirs],
        entries=kept | own,
    )
