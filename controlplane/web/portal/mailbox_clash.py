"""Two people change a mailbox at once: the second is told what the first did, and keeps what they typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.services.mailboxes import MailboxDetails
from controlplane.web.portal.mailbox_form import Entries, changed, entries_of, sources_in
from controlplane.web.portal.mailbox_words import author, language_name
from controlplane.web.portal.words import Words

_CHOICES: Final = frozenset({"email_attachment_format", "say_datetime"})


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


def clash_of(now: MailboxDetails, entries: Entries, seen: Entries, *, words: Words, time_zone: str) -> Clash:
    """Bring together what is stored now and what was sent; `seen` is what both began with."""
    stored = entries_of(now)
    mine = changed({**entries, "number": stored["number"]}, seen) | ({"pin"} if entries.get("pin") else set())
    theirs = changed(stored, seen)
    kept = {name: text for name, text in stored.items() if name.partition("-")[0] not in mine}
    own = {name: text for name, text in entries.items() if name.partition("-")[0] in mine}
    return Clash(
        who=author(now.updated_by, words),
        at=words.moment(now.mailbox.updated_at, time_zone),
        differences=[
            Difference(label=words(f"mailbox.{name}"), value=_value(name, stored, words), mine=name in mine)
            for name in _in_order(theirs, stored)
        ],
        entries=kept | own,
    )


def _in_order(names: set[str], stored: Entries) -> list[str]:
    order = list(dict.fromkeys([name.partition("-")[0] for name in stored]))
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _value(name: str, stored: Entries, words: Words) -> str:
    text = stored.get(name, "")
    if name == "source_greetings":
        return words.count("mailbox.sources", sources_in(stored))
    if name == "language":
        return language_name(text, words) if text else words("mailbox.language-of-tenant")
    if name in _CHOICES:
        return words(f"mailbox.{name}-{text}")
    if text in {"", "yes"} and name != "email_recipients":
        return words("mailbox.on" if text else "mailbox.off")
    return ", ".join(text.splitlines()) or words("mailbox.nobody")
