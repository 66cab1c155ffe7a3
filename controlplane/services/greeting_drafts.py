"""Greetings that somebody makes and hears before callers do: a draft is tried, then used or dropped.

What is heard is what callers will hear: a recording after its conversion, a text spoken by the voice of
calls. A draft that nobody settles goes after a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.language import first_available
from controlplane.domain.mailbox import GreetingKind
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services import mailbox_greetings, receptionist_greetings
from controlplane.services.hearing import MAX_TEXT, greeting_words, words_of
from controlplane.services.kind_rules import check_kind
from controlplane.services.mailbox_rules import parse_source
from controlplane.services.mailboxes import find_mailbox
from controlplane.services.routing.objects import update_object
from controlplane.speech.catalogue import available_languages
from controlplane.speech.choice import choose_language
from controlplane.speech.recorded import greeting_from
from controlplane.storage import spoken_texts, tenants
from controlplane.storage.database import Database
from controlplane.storage.mailboxes import mailbox_values
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import NAME
from controlplane.storage.routing import objects
from controlplane.storage.tables import GreetingDraftRow

LONGEST_TEXT: Final = {NumberKind.MAILBOX: MAX_TEXT, NumberKind.VIRTUAL_RECEPTIONIST: 2000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose greetings they are: a mailbox or a virtual receptionist of a tenant."""

    tenant_id: UUID
    kind: NumberKind
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """For whom and for when a greeting is; `language` None is that of the owner.

    A virtual receptionist has but one, the standard greeting of all callers.
    """

    kind: GreetingKind = GreetingKind.STANDARD
    source: str = ""
    language: str | None = None
    last_day: date | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the standard greeting of its source, whose language comes with its text."""
        return self.kind is GreetingKind.STANDARD and (bool(self.source) or self.language is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A greeting to be tried: `wav`, or `text` in the language `language` (None: that of the owner).

    `said` are the sentences that callers hear of a text, in `spoken_language`.
    """

    id: UUID
    target: For
    wav: bytes | None
    text: str | None
    language: str | None
    said: tuple[str, ...]
    spoken_language: str


async def try_recording(db: Database, owner: Owner, *, target: For, content: bytes, by: str) -> UUID:
    """Keep an uploaded recording to be tried; raises NotFound, InvalidValue (of `target`, `greeting`)."""
    _check(owner, target)
    object_id, _, _ = await _owner(db, owner)
    wav = await asyncio.to_thread(greeting_from, content)
    return await _insert(db, owner, object_id, target=target, by=by, wav=wav, language=target.language)


async def try_text(
    db: Database, owner: Owner, *, target: For, text: str, language: str | None, by: str
) -> UUID:
    """Keep a text to be tried; raises NotFound, InvalidValue (of `target`, `text`, `language`).

    Without a text a source of a mailbox says the standard sentence, in a language that must then be chosen.
    `language` is that of the standard greeting of a source; all others have theirs in `target`.
    """
    _check(owner, target)
    if not target.is_plain:
        language = target.language
    if text.strip() or not (target.is_plain and target.source and language):
        words_of(text, most=LONGEST_TEXT[owner.kind])
    if language is not None:
        choose_language(language)
    object_id, _, _ = await _owner(db, owner)
    return await _insert(db, owner, object_id, target=target, by=by, text=text.strip(), language=language)


async def read_draft(db: Database, owner: Owner, draft_id: UUID) -> Draft:
    """Return a greeting to be tried; raises NotFound."""
    object_id, name, spoken = await _owner(db, owner)
    async with db.transaction() as session:
        row = await spoken_texts.draft(session, draft_id, tenant_id=owner.tenant_id, object_id=object_id)
    if row is None or row.source == NAME:
        raise NotFound("This greeting was used or dropped meanwhile.", error_id="no-such-draft")
    language = first_available((row.language, spoken), available_languages())
    said: list[str] = []
    if row.text is not None:
        said = (
            words_of(row.text, most=LONGEST_TEXT[owner.kind])
            if row.text
            else greeting_words(name, None, language)
        )
    return Draft(
        id=row.id,
        target=For(
            kind=GreetingKind(row.kind),
            source=row.source,
            language=None if row.kind == GreetingKind.STANDARD and row.source else row.language,
            last_day=row.last_day,
        ),
        wav=row.wav,
        text=row.text,
        language=row.language,
        said=tuple(said),
        spoken_language=language,
    )


async def use_draft(
    db: Database, jobs: Jobs, owner: Owner, draft_id: UUID, *, by: str, clock: Callable[[], datetime]
) -> Draft:
    """Let callers hear a greeting that was tried, and return it; raises NotFound, InvalidValue."""
    draft = await read_draft(db, owner, draft_id)
    tenant_id, number, target = owner.tenant_id, owner.number, draft.target
    if owner.kind is NumberKind.MAILBOX:
        if draft.wav is not None:
            await mailbox_greetings.use_recording(
                db,
                jobs,
                tenant_id=tenant_id,
                number=number,
                source=target.source,
                wav=draft.wav,
                by=by,
                clock=clock,
                kind=target.kind,
                language=target.language,
                last_day=target.last_day,
            )
        else:
            await mailbox_greetings.say_greeting(
                db,
                jobs,
                tenant_id=tenant_id,
                number=number,
                source=target.source,
                text=draft.text or None,
                language=draft.language,
                by=by,
                kind=target.kind,
                last_day=target.last_day,
            )
    elif draft.wav is not None:
        await receptionist_greetings.use_recording(
            db, jobs, tenant_id=tenant_id, number=number, wav=draft.wav
        )
    else:
        await say_at_receptionist(db, jobs, tenant_id=tenant_id, number=number, text=draft.text, by=by)
    await drop_draft(db, draft_id)
    return draft


async def drop_draft(db: Database, draft_id: UUID) -> None:
    """Forget a greeting that was tried."""
    async with db.transaction() as session:
        await spoken_texts.remove_draft(session, draft_id)


async def say_at_receptionist(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, text: str | None, by: str
) -> None:
    """Have a virtual receptionist say a text (None: the standard words), and no recording.

    Raises NotFound.
    """
    await update_object(
        db,
        jobs,
        tenant_id=tenant_id,
        kind=RoutingKind.VIRTUAL_RECEPTIONIST,
        key=number,
        name=None,
        changes={"greeting": text},
        by=by,
    )
    try:
        await receptionist_greetings.remove_recorded_greeting(db, jobs, tenant_id=tenant_id, number=number)
    except NotFound as error:
        if error.error_id != "no-greeting-recorded":
            raise


def _check(owner: Owner, target: For) -> None:
    source = parse_source(target.source)
    if owner.kind is not NumberKind.MAILBOX and (source or target != For(source=target.source)):
        raise InvalidValue(
            "A virtual receptionist greets all callers alike.", error_id="invalid-source", field="source"
        )
    if not target.is_plain:
        check_kind(target.kind, target.source, target.language, target.last_day)


async def _owner(db: Database, owner: Owner) -> tuple[UUID, str, str]:
    """Return id, name and language of a mailbox or virtual receptionist; raises NotFound."""
    languages = available_languages()
    async with db.transaction() as session:
        if owner.kind is NumberKind.MAILBOX:
            found = await find_mailbox(session, owner.tenant_id, owner.number)
            mailbox = mailbox_values(*found, languages)
            return mailbox.id, mailbox.display_name, mailbox.language
        kind = RoutingKind.VIRTUAL_RECEPTIONIST
        row = await objects.find(session, owner.tenant_id, kind, owner.number)
        tenant = await tenants.get(session, owner.tenant_id)
        if row is None or tenant is None:
            raise NotFound(
                "There is no virtual receptionist with this number.", error_id="no-such-virtual-receptionist"
            )
        return row.id, row.name, first_available((row.settings.get("language"), tenant.language), languages)


async def _insert(
    db: Database,
    owner: Owner,
    object_id: UUID,
    *,
    target: For,
    by: str,
    wav: bytes | None = None,
    text: str | None = None,
    language: str | None = None,
) -> UUID:
    row = GreetingDraftRow(
        id=uuid4(),
        tenant_id=owner.tenant_id,
        object_id=object_id,
        made_by=by,
        source=target.source,
        kind=target.kind.value,
        last_day=target.last_day,
        wav=wav,
        text=text,
        language=language,
    )
    async with db.transaction() as session:
        await spoken_texts.insert_draft(session, row)
    return row.id
