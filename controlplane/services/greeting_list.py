"""What was set for the callers of a mailbox, as it is listed: by source and kind, texts beside recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from controlplane.domain.language import first_available
from controlplane.domain.mailbox import GreetingKind, KindGreeting, Mailbox
from controlplane.services.mailboxes import find_mailbox
from controlplane.speech.catalogue import available_languages
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.recording_keys import NAME, is_plain, key_of

_KINDS = list(GreetingKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording that callers hear."""

    digest: str
    seconds: float
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGreeting:
    """What was set for a source, `""` for all others; nothing was for the standard sentence.

    `spoken_language` is that of the text or the standard sentence. `last_day` is that of a temporary one.
    """

    source: str
    text: str | None
    language: str | None
    spoken_language: str
    recorded: Recorded | None
    kind: GreetingKind = GreetingKind.STANDARD
    last_day: date | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the standard greeting of its source, whatever its language."""
        return is_plain(key_of(self.kind, self.source, None if self.source else self.language))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxGreetings:
    """A mailbox and its greetings, the one of all other sources first, those of kinds last.

    `name` is the mailbox's name as somebody said it.
    """

    mailbox: Mailbox
    greetings: tuple[OwnGreeting, ...]
    name: Recorded | None = None


async def read_greetings(db: Database, *, tenant_id: UUID, number: str) -> MailboxGreetings:
    """Return what callers hear of a mailbox; raises NotFound."""
    async with db.transaction() as session:
        row, tenant = await find_mailbox(session, tenant_id, number)
    mailbox = mailboxes.mailbox_values(row, tenant, available_languages())
    recorded = {key: _recorded(own) for key, own in row.recorded_greetings.items()}
    name = recorded.pop(NAME, None)
    listed = [
        OwnGreeting(
            source="",
            text=row.greeting,
            language=None,
            spoken_language=mailbox.language,
            recorded=recorded.pop("", None),
        )
    ]
    listed += [
        OwnGreeting(
            source=own["source"],
            text=own["greeting"],
            language=own["language"],
            spoken_language=first_available((own["language"], mailbox.language), available_languages()),
            recorded=recorded.pop(own["source"].removeprefix("+"), None),
        )
        for own in row.source_greetings
    ]
    listed += [
        OwnGreeting(source=source, text=None, language=None, spoken_language=mailbox.language, recorded=one)
        for source, one in recorded.items()
        if is_plain(source)
    ]
    of_kinds = [_of_kind(own, mailbox, recorded) for own in mailbox.kind_greetings]
    listed += sorted(of_kinds, key=lambda one: (_KINDS.index(one.kind), one.source, one.language or ""))
    return MailboxGreetings(mailbox=mailbox, greetings=tuple(listed), name=name)


def _of_kind(own: KindGreeting, mailbox: Mailbox, recorded: Mapping[str, Recorded]) -> OwnGreeting:
    return OwnGreeting(
        source=own.source,
        text=own.greeting,
        language=own.language,
        spoken_language=own.spoken_language or mailbox.language,
        recorded=recorded.get(key_of(own.kind, own.source, own.language)),
        kind=own.kind,
        last_day=own.last_day,
    )


def _recorded(own: Mapping[str, Any]) -> Recorded:
    return Recorded(
        digest=own["digest"], seconds=own["seconds"], at=datetime.fromisoformat(own["at"]), by=own["by"]
    )
