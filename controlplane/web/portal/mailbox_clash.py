"""What is told to the second of two people who change a mailbox at once."""

from __future__ import annotations

from typing import Final

from controlplane.services.mailboxes import MailboxDetails
from controlplane.web.portal.clashes import Clash, brought_together, changed
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.mailbox_form import entries_of, sources_in
from controlplane.web.portal.mailbox_words import author, language_name
from controlplane.web.portal.words import Words

_CHOICES: Final = frozenset({"email_attachment_format", "after_mail", "say_datetime"})
_ADDRESSES: Final = frozenset({"email_recipients", "email_notice_only"})


def clash_of(now: MailboxDetails, entries: Entries, seen: Entries, *, words: Words, time_zone: str) -> Clash:
    """Bring together what is stored now and what was sent; `seen` is what both began with."""
    stored = entries_of(now)
    mine = changed({**entries, "number": stored["number"]}, seen) | ({"pin"} if entries.get("pin") else set())
    return brought_together(
        stored=stored,
        entries=entries,
        seen=seen,
        mine=mine,
        who=author(now.updated_by, words),
        at=words.moment(now.mailbox.updated_at, time_zone),
        label=lambda name: words(f"mailbox.{name}"),
        value=lambda name: _value(name, stored, words),
    )


def _value(name: str, stored: Entries, words: Words) -> str:
    text = stored.get(name, "")
    if name == "source_greetings":
        return words.count("mailbox.sources", sources_in(stored))
    if name == "language":
        return language_name(text, words) if text else words("mailbox.language-of-tenant")
    if name in _CHOICES:
        return words(f"mailbox.{name}-{text}")
    if text in {"", "yes"} and name not in _ADDRESSES:
        return words("mailbox.on" if text else "mailbox.off")
    return ", ".join(text.splitlines()) or words("mailbox.nobody")
