"""What callers hear of a mailbox, by kind and source: a recording, a text, or the standard sentence.

`kind`, `source` and `language` say which greeting is meant; without a kind it is the standard one, whose
language for a source stands beside its text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.mailbox import GreetingKind, KindGreeting
from controlplane.services.kind_rules import MAX_KIND_GREETINGS, check_kind, stored_kind_greeting, too_many
from controlplane.services.mailbox_recordings import change_heard, keep_recording, recording_at
from controlplane.services.mailbox_rules import MAX_SOURCE_GREETINGS, check_greeting, parse_source
from controlplane.services.mailboxes import find_mailbox
from controlplane.speech.recorded import greeting_from
from controlplane.storage import mailbox_greetings
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import is_of_kind, key_of
from controlplane.storage.tables import MailboxRow


async def record_greeting(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    source: str,
    content: bytes,
    by: str,
    clock: Callable[[], datetime],
    kind: GreetingKind = GreetingKind.STANDARD,
    language: str | None = None,
    last_day: date | None = None,
) -> None:
    """Take an uploaded recording as the greeting of a source, instead of its text.

    Raises NotFound, and InvalidValue (`kind`, `source`, `language`, `last_day`, or `greeting` for what cannot
    be one).
    """
    _key(kind, source, language, last_day)
    async with db.transaction() as session:
        await find_mailbox(session, tenant_id, number)
    wav = await asyncio.to_thread(greeting_from, content)
    await use_recording(
        db,
        jobs,
        tenant_id=tenant_id,
        number=number,
        source=source,
        wav=wav,
        by=by,
        clock=clock,
        kind=kind,
        language=language,
        last_day=last_day,
    )


async def use_recording(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    source: str,
    wav: bytes,
    by: str,
    clock: Callable[[], datetime],
    kind: GreetingKind = GreetingKind.STANDARD,
    language: str | None = None,
    last_day: date | None = None,
    meant: UUID | None = None,
) -> None:
    """Take a recording as `speech.recorded` made it; raises NotFound, InvalidValue.

    `meant` is here, and in what follows, as in `find_mailbox`.
    """
    key = _key(kind, source, language, last_day)
    facts: dict[str, Any] = {}
    if is_of_kind(key):
        facts = {"language": language, "last_day": None if last_day is None else last_day.isoformat()}
    await keep_recording(
        db,
        jobs,
        tenant_id=tenant_id,
        number=number,
        key=key,
        wav=wav,
        by=by,
        clock=clock,
        facts=facts,
        meant=meant,
    )
    structlog.get_logger().info("greeting.recorded", tenant_id=str(tenant_id), number=number, source=key)


async def say_greeting(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    source: str,
    text: str | None,
    language: str | None,
    by: str,
    kind: GreetingKind = GreetingKind.STANDARD,
    last_day: date | None = None,
    meant: UUID | None = None,
) -> None:
    """Have a text said to the callers of a source, and no recording.

    Without a text and a language the source has nothing of its own any more; nor has it a greeting of a kind
    without a text. Raises NotFound, InvalidValue.
    """
    key = _key(kind, source, language, last_day, removed=text is None)
    check_greeting(text, language)
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        values: dict[str, Any] = {
            "recorded_greetings": {each: own for each, own in row.recorded_greetings.items() if each != key}
        }
        if is_of_kind(key):
            said = KindGreeting(kind=kind, source=source, language=language, greeting=text, last_day=last_day)
            values["kind_greetings"] = _with_kind(row, key, said)
        elif not key:
            values["greeting"] = text
        else:
            values["source_greetings"] = _with_words(row, key, source, text, language)
        await change_heard(session, jobs, row, values, by)
    structlog.get_logger().info("greeting.written", tenant_id=str(tenant_id), number=number, source=key)


async def remove_recorded_greeting(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    source: str,
    by: str,
    kind: GreetingKind = GreetingKind.STANDARD,
    language: str | None = None,
) -> None:
    """Take a recording away: what else was set is said again; raises NotFound, InvalidValue."""
    key = _key(kind, source, language, None, removed=True)
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True)
        now = dict(row.recorded_greetings)
        if now.pop(key, None) is None:
            raise _none_recorded()
        await change_heard(session, jobs, row, {"recorded_greetings": now}, by)
    structlog.get_logger().info("greeting.unrecorded", tenant_id=str(tenant_id), number=number, source=key)


async def recorded_greeting(
    db: Database,
    *,
    tenant_id: UUID,
    number: str,
    source: str,
    kind: GreetingKind = GreetingKind.STANDARD,
    language: str | None = None,
) -> bytes:
    """Return a recording as calls play it, a WAV; raises NotFound, InvalidValue."""
    wav = await recording_at(db, tenant_id, number, _key(kind, source, language, None, removed=True))
    if wav is None:
        raise _none_recorded()
    return wav


async def recording_of(db: Database, *, mailbox_id: UUID, digest: str) -> bytes:
    """Return a recording of a mailbox by its digest; raises NotFound."""
    async with db.transaction() as session:
        wav = await mailbox_greetings.wav_of(session, mailbox_id, digest)
    if wav is None:
        raise _none_recorded()
    return wav


def _key(
    kind: GreetingKind, source: str, language: str | None, last_day: date | None, *, removed: bool = False
) -> str:
    """Return under which key a greeting is kept; raises InvalidValue for what is none.

    One that is `removed` needs no last day.
    """
    parse_source(source)
    key = key_of(kind, source, language)
    if is_of_kind(key):
        needed = last_day if not removed or kind is not GreetingKind.TEMPORARY else date.max
        check_kind(kind, source, language, needed)
    elif last_day is not None:
        check_kind(GreetingKind.CLOSED, source, None, last_day)
    return key


def _with_kind(row: MailboxRow, key: str, said: KindGreeting) -> list[dict[str, Any]]:
    """Return the greetings of kinds with one put in its place, or without it if it says nothing."""
    now = [dict(own) for own in row.kind_greetings]
    keys = [key_of(GreetingKind(own["kind"]), own["source"], own["language"]) for own in now]
    mine = [] if said.greeting is None else [stored_kind_greeting(said)]
    at = keys.index(key) if key in keys else len(now)
    now[at : at + 1] = mine
    if len(now) > MAX_KIND_GREETINGS:
        raise too_many("kind")
    return now


def _with_words(
    row: MailboxRow, key: str, source: str, text: str | None, language: str | None
) -> list[dict[str, Any]]:
    """Return the greetings of sources with one put in its place, or without it."""
    others = list(row.source_greetings)
    at = next((n for n, own in enumerate(others) if own["source"].removeprefix("+") == key), None)
    kept = others[at]["source"] if at is not None else source
    mine = (
        []
        if text is None and language is None
        else [{"source": kept, "greeting": text, "language": language}]
    )
    if at is not None:
        others[at : at + 1] = mine
    else:
        others += mine
    if len(others) > MAX_SOURCE_GREETINGS:
        raise InvalidValue(
            f"There can be {MAX_SOURCE_GREETINGS} of these.", error_id="too-many", field="source"
        )
    return others


def _none_recorded() -> NotFound:
    return NotFound("No greeting was recorded here.", error_id="no-greeting-recorded")
