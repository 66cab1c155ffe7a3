"""What a virtual receptionist says: a recording that somebody uploaded, else its text, spoken.

A recording is a row, so that it comes and goes with what it belongs to. A job puts what is to be heard
where calls find it, outside of any transaction.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.callflows.prompts import OwnWords
from controlplane.domain.errors import NotFound
from controlplane.domain.language import first_available
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.speaking import Speech
from controlplane.speech import audio
from controlplane.speech.catalogue import available_languages
from controlplane.speech.recorded import greeting_from
from controlplane.storage import published_objects, tenants
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, receptions, recorded_greetings
from controlplane.storage.tables import RoutingObjectRow

JOB = "speech.receptionist"


async def defer_greeting(session: AsyncSession, jobs: Jobs, receptionist_id: UUID) -> None:
    """Have what a receptionist says made or taken away, once the session commits."""
    await jobs.defer(session, JOB, receptionist_id=str(receptionist_id))


async def defer_greetings(session: AsyncSession, jobs: Jobs, tenant_id: UUID) -> None:
    """Have the same done for all of a tenant's, those too that are only in what is published."""
    found = await published_objects.receptionists(session, tenant_id)
    await jobs.defer_each(session, JOB, [{"receptionist_id": str(one)} for one in found])


async def record_greeting(db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, content: bytes) -> None:
    """Take an uploaded recording as the greeting, instead of the text.

    Raises NotFound, and InvalidValue (`greeting`) for what cannot be one.
    """
    await _id_of(db, tenant_id, number)
    wav = await asyncio.to_thread(greeting_from, content)
    await use_recording(db, jobs, tenant_id=tenant_id, number=number, wav=wav)


async def use_recording(db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, wav: bytes) -> None:
    """Take a recording as `speech.recorded` made it; raises NotFound."""
    async with db.transaction() as session:
        object_id = await _find(session, tenant_id, number, lock=True)
        await recorded_greetings.store(session, object_id, wav)
        await defer_greeting(session, jobs, object_id)
    structlog.get_logger().info("greeting.recorded", tenant_id=str(tenant_id), number=number)


async def remove_recorded_greeting(db: Database, jobs: Jobs, *, tenant_id: UUID, number: str) -> None:
    """Take a recording away: the text is said again; raises NotFound."""
    async with db.transaction() as session:
        object_id = await _find(session, tenant_id, number, lock=True)
        if not await recorded_greetings.remove(session, object_id):
            raise _none_recorded()
        await defer_greeting(session, jobs, object_id)
    structlog.get_logger().info("greeting.unrecorded", tenant_id=str(tenant_id), number=number)


async def recorded_greeting(db: Database, *, tenant_id: UUID, number: str) -> bytes:
    """Return the recording as calls play it, a WAV; raises NotFound."""
    async with db.transaction() as session:
        wav = await recorded_greetings.wav_of(session, await _find(session, tenant_id, number))
    if wav is None:
        raise _none_recorded()
    return wav


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionistGreeting:
    """What one says: a recording of so many seconds, else `text`, else the standard words."""

    name: str
    language: str
    text: str | None
    seconds: float | None


async def read_greeting(db: Database, *, tenant_id: UUID, number: str) -> ReceptionistGreeting:
    """Return what a virtual receptionist was told to say; raises NotFound."""
    async with db.transaction() as session:
        row = await _find_row(session, tenant_id, number)
        tenant = await tenants.get(session, tenant_id)
        assert tenant is not None
        wav = await recorded_greetings.wav_of(session, row.id)
    return ReceptionistGreeting(
        name=row.name,
        language=first_available((row.settings.get("language"), tenant.language), available_languages()),
        text=row.settings.get("greeting"),
        seconds=None if wav is None else audio.seconds_of(wav),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to be heard: the recording, or text in a language; nothing if there is neither.

    `stays`: it was deleted with its recording, and calls meet it until that is published.
    """

    wav: bytes | None
    text: str
    language: str
    stays: bool = False


async def speak_receptionist(database: Database, speech: Speech, receptionist_id: UUID, folder: Path) -> None:
    """Place what a receptionist says as `<folder>/<its id>.wav`; take it away where it has no words.

    Reads it again afterwards and starts over if it was changed meanwhile, so that of two runs in any order
    the present words remain. Raises SpeechUnavailable, OSError or Unavailable: the old greeting stays.
    """
    target = folder / f"{receptionist_id}.wav"
    wanted = await _wanted(database, receptionist_id)
    while wanted is None or not wanted.stays:
        wav = None if wanted is None else wanted.wav or await _spoken(speech, wanted)
        if wav is None:
            await asyncio.to_thread(target.unlink, missing_ok=True)
        else:
            await asyncio.to_thread(audio.place, target, wav)
        now = await _wanted(database, receptionist_id)
        if now == wanted:
            structlog.get_logger().info(
                "greeting.spoken" if wav else "greeting.removed", receptionist_id=str(receptionist_id)
            )
            return
        wanted = now


async def speak_missing(database: Database, jobs: Jobs, folder: Path) -> int:
    """Have the greetings made that should be there and are not, each by a job of its own; return how many.

    A folder that came back empty from a backup is filled again so. Commits.
    """
    async with database.transaction() as session:
        wanted = await recorded_greetings.having_words(session)
    found = await asyncio.to_thread(lambda: [one for one in wanted if not (folder / f"{one}.wav").is_file()])
    async with database.transaction() as session:
        await jobs.defer_each(session, JOB, [{"receptionist_id": str(one)} for one in found])
    return len(found)


async def _wanted(database: Database, receptionist_id: UUID) -> _Wanted | None:
    async with database.transaction() as session:
        found = await receptions.receptionist(session, receptionist_id)
        if found is None:
            return None
        wav = await recorded_greetings.wav_of(session, receptionist_id)
    language = first_available((found.settings.language, found.language), available_languages())
    return _Wanted(wav=wav, text=found.settings.greeting or "", language=language, stays=found.gone)


async def _spoken(speech: Speech, wanted: _Wanted) -> bytes | None:
    """Speak the text; None if nothing of it can be spoken."""
    words = OwnWords(text=wanted.text)
    texts = speech.cache.texts(words, wanted.language)
    if not texts:
        return None
    await speech.make(texts, wanted.language)
    return await asyncio.to_thread(audio.joined, speech.cache.files(words, wanted.language))


async def _id_of(db: Database, tenant_id: UUID, number: str) -> UUID:
    async with db.transaction() as session:
        return await _find(session, tenant_id, number)


async def _find(session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False) -> UUID:
    return (await _find_row(session, tenant_id, number, lock=lock)).id


async def _find_row(
    session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False
) -> RoutingObjectRow:
    row = await objects.find(session, tenant_id, RoutingKind.VIRTUAL_RECEPTIONIST, number, lock=lock)
    if row is None:
        raise NotFound(
            "There is no virtual receptionist with this number.", error_id="no-such-virtual-receptionist"
        )
    return row


def _none_recorded() -> NotFound:
    return NotFound(
        "No greeting was recorded for this virtual receptionist.", error_id="no-greeting-recorded"
    )
