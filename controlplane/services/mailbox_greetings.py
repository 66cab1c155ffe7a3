"""What callers hear of a mailbox, by kind and source: a recording, a text, or the standard sentence.

`kind`, `source` and `language` say which greeting is meant; without a kind it is the standard one, whose
language for a source stands beside its text. A recording is a row, so that it comes and goes with its
mailbox. A job puts it where calls find it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.language import first_available
from controlplane.domain.mailbox import GreetingKind, KindGreeting, Mailbox
from controlplane.services.kind_rules import MAX_KIND_GREETINGS, check_kind, stored_kind_greeting, too_many
from controlplane.services.mailbox_rules import MAX_SOURCE_GREETINGS, check_greeting, parse_source
from controlplane.services.mailboxes import defer_greeting, find_mailbox
from controlplane.speech import audio
from controlplane.speech.catalogue import available_languages
from controlplane.speech.recorded import greeting_from
from controlplane.storage import mailbox_greetings, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import NAME, is_of_kind, is_plain, key_of
from controlplane.storage.tables import MailboxRow

_KINDS = list(GreetingKind)
LONGEST_NAME_SECONDS = 10


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
    await _keep_recording(
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


async def record_name(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    wav: bytes,
    by: str,
    clock: Callable[[], datetime],
    meant: UUID | None = None,
) -> None:
    """Take a recording, as `speech.recorded` made it, as the mailbox's name in the standard sentence.

    Raises NotFound.
    """
    await _keep_recording(
        db,
        jobs,
        tenant_id=tenant_id,
        number=number,
        key=NAME,
        wav=wav,
        by=by,
        clock=clock,
        facts={},
        meant=meant,
    )
    structlog.get_logger().info("greeting.name_recorded", tenant_id=str(tenant_id), number=number)


async def upload_name(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    content: bytes,
    by: str,
    clock: Callable[[], datetime],
) -> None:
    """Take an uploaded recording as the mailbox's name; raises NotFound, InvalidValue (`greeting`)."""
    async with db.transaction() as session:
        await find_mailbox(session, tenant_id, number)
    wav = await asyncio.to_thread(greeting_from, content)
    if audio.seconds_of(wav) > LONGEST_NAME_SECONDS:
        raise InvalidValue(
            f"A name lasts at most {LONGEST_NAME_SECONDS} seconds.",
            error_id="greeting-too-long",
            field="greeting",
        )
    await record_name(db, jobs, tenant_id=tenant_id, number=number, wav=wav, by=by, clock=clock)


async def remove_name(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, by: str, meant: UUID | None = None
) -> None:
    """Have the mailbox's name spoken again; raises NotFound (`no-name-recorded` where none was)."""
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        now = {key: own for key, own in row.recorded_greetings.items() if key != NAME}
        if now == row.recorded_greetings:
            raise _no_name()
        await _change(session, jobs, row, {"recorded_greetings": now}, by)
    structlog.get_logger().info("greeting.name_removed", tenant_id=str(tenant_id), number=number)


async def recorded_name(db: Database, *, tenant_id: UUID, number: str) -> bytes:
    """Return the mailbox's name as somebody said it, a WAV; raises NotFound."""
    wav = await _wav(db, tenant_id, number, NAME)
    if wav is None:
        raise _no_name()
    return wav


async def _keep_recording(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    key: str,
    wav: bytes,
    by: str,
    clock: Callable[[], datetime],
    facts: Mapping[str, Any],
    meant: UUID | None,
) -> None:
    digest = hashlib.sha256(wav).hexdigest()
    one = {
        "digest": digest,
        "seconds": round(audio.seconds_of(wav), 1),
        "at": clock().isoformat(),
        "by": by,
        **facts,
    }
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        now = {**row.recorded_greetings, key: one}
        _check_count(now)
        await mailbox_greetings.store(session, row.id, digest=digest, wav=wav)
        await _change(session, jobs, row, {"recorded_greetings": now}, by)


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
        await _change(session, jobs, row, values, by)
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
        await _change(session, jobs, row, {"recorded_greetings": now}, by)
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
    wav = await _wav(db, tenant_id, number, _key(kind, source, language, None, removed=True))
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


async def _wav(db: Database, tenant_id: UUID, number: str, key: str) -> bytes | None:
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number)
        own = row.recorded_greetings.get(key)
        return None if own is None else await mailbox_greetings.wav_of(session, row.id, own["digest"])


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


def _check_count(recorded: Mapping[str, Any]) -> None:
    of_kinds = sum(is_of_kind(key) for key in recorded)
    if of_kinds > MAX_KIND_GREETINGS:
        raise too_many("kind")
    if sum(map(is_plain, recorded)) > MAX_SOURCE_GREETINGS + 1:
        raise InvalidValue(
            f"There can be {MAX_SOURCE_GREETINGS} of these.", error_id="too-many", field="source"
        )


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


async def _change(
    session: AsyncSession, jobs: Jobs, row: MailboxRow, values: Mapping[str, Any], by: str
) -> None:
    """Change what is set, forget recordings that are of no use any more, and have the rest placed."""
    if all(getattr(row, key) == value for key, value in values.items()):
        return
    changed = await mailboxes.update_values(
        session, row.id, expected_version=None, values={**values, "updated_by": by}
    )
    assert changed is not None
    digests = [own["digest"] for own in changed.recorded_greetings.values()]
    await mailbox_greetings.keep_only(session, row.id, digests)
    await defer_greeting(session, jobs, row.id)


def _recorded(own: Mapping[str, Any]) -> Recorded:
    return Recorded(
        digest=own["digest"], seconds=own["seconds"], at=datetime.fromisoformat(own["at"]), by=own["by"]
    )


def _no_name() -> NotFound:
    return NotFound("No name was recorded here.", error_id="no-name-recorded")


def _none_recorded() -> NotFound:
    return NotFound("No greeting was recorded here.", error_id="no-greeting-recorded")
