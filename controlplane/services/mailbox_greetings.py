"""What callers hear of a mailbox, for each source: a recording, a text of its own, or the standard sentence.

A recording is a row, so that it comes and goes with its mailbox. A job puts it where calls find it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.language import first_available
from controlplane.domain.mailbox import Mailbox
from controlplane.services.mailbox_rules import MAX_SOURCE_GREETINGS, check_greeting, parse_source
from controlplane.services.mailboxes import defer_greeting, find_mailbox
from controlplane.speech import audio
from controlplane.speech.catalogue import available_languages
from controlplane.speech.recorded import greeting_from
from controlplane.storage import mailbox_greetings, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.tables import MailboxRow


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

    `spoken_language` is that of the text or the standard sentence.
    """

    source: str
    text: str | None
    language: str | None
    spoken_language: str
    recorded: Recorded | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxGreetings:
    """A mailbox and its greetings, the one of all other sources first."""

    mailbox: Mailbox
    greetings: tuple[OwnGreeting, ...]

    def of(self, source: str) -> OwnGreeting:
        """Return that of a source; an empty one if nothing was set for it."""
        wanted = source.removeprefix("+")
        found = (one for one in self.greetings if one.source.removeprefix("+") == wanted)
        return next(
            found,
            OwnGreeting(
                source=source,
                text=None,
                language=None,
                spoken_language=self.mailbox.language,
                recorded=None,
            ),
        )


async def read_greetings(db: Database, *, tenant_id: UUID, number: str) -> MailboxGreetings:
    """Return what callers hear of a mailbox; raises NotFound."""
    async with db.transaction() as session:
        row, tenant = await find_mailbox(session, tenant_id, number)
    mailbox = mailboxes.mailbox_values(row, tenant, available_languages())
    recorded = {source: _recorded(own) for source, own in row.recorded_greetings.items()}
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
    ]
    return MailboxGreetings(mailbox=mailbox, greetings=tuple(listed))


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
) -> None:
    """Take an uploaded recording as the greeting of a source, instead of its text.

    Raises NotFound, and InvalidValue (`source`, or `greeting` for what cannot be one).
    """
    parse_source(source)
    async with db.transaction() as session:
        await find_mailbox(session, tenant_id, number)
    wav = await asyncio.to_thread(greeting_from, content)
    await use_recording(
        db, jobs, tenant_id=tenant_id, number=number, source=source, wav=wav, by=by, clock=clock
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
) -> None:
    """Take a recording as `speech.recorded` made it; raises NotFound, InvalidValue."""
    key = parse_source(source)
    digest = hashlib.sha256(wav).hexdigest()
    one = {
        "digest": digest,
        "seconds": round(audio.seconds_of(wav), 1),
        "at": clock().isoformat(),
        "by": by,
    }
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True)
        now = {**row.recorded_greetings, key: one}
        if len(now) > MAX_SOURCE_GREETINGS + 1:
            raise InvalidValue(
                f"There can be {MAX_SOURCE_GREETINGS} of these.", error_id="too-many", field="source"
            )
        await mailbox_greetings.store(session, row.id, digest=digest, wav=wav)
        await _change(session, jobs, row, {"recorded_greetings": now}, by)
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
) -> None:
    """Have a text said to the callers of a source, and no recording.

    Without a text and a language the source has nothing of its own any more. Raises NotFound, InvalidValue.
    """
    key = parse_source(source)
    check_greeting(text, language)
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True)
        values: dict[str, Any] = {
            "recorded_greetings": {each: own for each, own in row.recorded_greetings.items() if each != key}
        }
        if not key:
            values["greeting"] = text
        else:
            values["source_greetings"] = _with_words(row, key, source, text, language)
        await _change(session, jobs, row, values, by)
    structlog.get_logger().info("greeting.written", tenant_id=str(tenant_id), number=number, source=key)


async def remove_recorded_greeting(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, source: str, by: str
) -> None:
    """Take a recording away: what else was set is said again; raises NotFound, InvalidValue."""
    key = parse_source(source)
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True)
        now = dict(row.recorded_greetings)
        if now.pop(key, None) is None:
            raise _none_recorded()
        await _change(session, jobs, row, {"recorded_greetings": now}, by)
    structlog.get_logger().info("greeting.unrecorded", tenant_id=str(tenant_id), number=number, source=key)


async def recorded_greeting(db: Database, *, tenant_id: UUID, number: str, source: str) -> bytes:
    """Return a recording as calls play it, a WAV; raises NotFound, InvalidValue."""
    key = parse_source(source)
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number)
        own = row.recorded_greetings.get(key)
        wav = None if own is None else await mailbox_greetings.wav_of(session, row.id, own["digest"])
    if wav is None:
        raise _none_recorded()
    return wav


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


def _none_recorded() -> NotFound:
    return NotFound("No greeting was recorded here.", error_id="no-greeting-recorded")
