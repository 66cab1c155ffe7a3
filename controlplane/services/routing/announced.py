"""What a simulated call hears from us: the words, and the audio as far as it was spoken already.

Nothing is spoken for it: a sentence that no job has made yet has words and no audio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.callflows.prompts import Greeting, OwnWords, Prompt, PromptFiles, Tone, Utterance
from controlplane.domain.errors import NotFound
from controlplane.domain.greeting import CallMoment, heard_greeting
from controlplane.domain.language import LAST_RESORT, first_available
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.simulation import Result, Simulation
from controlplane.services.greeting_choice import hours_at
from controlplane.speech import audio
from controlplane.speech.catalogue import available_languages, load, nearest
from controlplane.speech.sentences import sentences
from controlplane.storage import mailbox_greetings, mailboxes, numbers, tenants
from controlplane.storage.database import Database
from controlplane.storage.routing import objects, recorded_greetings
from controlplane.storage.routing.documents import settings_from

__all__ = ["Said", "announcements", "audio_of", "said_at", "said_by_us"]

_ENDS: Final[Mapping[Result, Prompt]] = {
    Result.UNKNOWN_NUMBER: Prompt.NUMBER_UNKNOWN,
    Result.CUT: Prompt.TECHNICAL_PROBLEM,
}
_OURS: Final[Mapping[str, Prompt | Tone]] = {
    **{prompt.value: prompt for prompt in _ENDS.values()},
    Tone.HOLD.value: Tone.HOLD,
}
"""What is said or played that belongs to no number, by its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is heard at one place: an utterance, or a recording.

    `source` is the number by which a mailbox chose a greeting of its own.
    """

    language: str
    utterance: Utterance | None = None
    wav: bytes | None = field(default=None, repr=False)
    source: str = ""

    @property
    def words(self) -> str:
        """The sentences; empty for a recording, and for what is no speech."""
        if self.utterance is None:
            return ""
        return " ".join(sentences(self.utterance, load(nearest(self.language) or LAST_RESORT)))


async def announcements(db: Database, *, tenant_id: UUID, found: Simulation, at: datetime) -> dict[int, Said]:
    """Return what is heard at the steps of a call, by their place; that of the end is the number of steps."""
    heard: dict[int, Said] = {}
    async with db.transaction() as session:
        for place, step in enumerate(found.steps):
            if step.number is None:
                continue
            if step.kind == NumberKind.CALL_QUEUE and step.seconds:
                heard[place] = Said(language=LAST_RESORT, utterance=Tone.HOLD)
            elif step.kind in {NumberKind.MAILBOX, NumberKind.VIRTUAL_RECEPTIONIST} and not _passed_by(
                step.reason
            ):
                said = await _at(session, tenant_id, step.number, found.way_to(place), at)
                if said is not None:
                    heard[place] = said
        prompt = _ENDS.get(found.result)
        if prompt is not None:
            heard[len(found.steps)] = Said(language=await _language(session, tenant_id), utterance=prompt)
    return heard


async def said_at(db: Database, *, tenant_id: UUID, number: str, way: ReachedBy, at: datetime) -> Said:
    """Return what a mailbox says to who came this way, or a receptionist; raises NotFound."""
    async with db.transaction() as session:
        said = await _at(session, tenant_id, number, way, at)
    if said is None:
        raise NotFound("Nothing is said at this number.", error_id="nothing-said")
    return said


async def said_by_us(db: Database, *, tenant_id: UUID, key: str) -> Said:
    """Return what is heard that belongs to no number; raises NotFound."""
    if key not in _OURS:
        raise NotFound("There is no such prompt.", error_id="nothing-said")
    async with db.transaction() as session:
        return Said(language=await _language(session, tenant_id), utterance=_OURS[key])


async def audio_of(said: Said, prompts: PromptFiles) -> bytes | None:
    """Return it as a WAV; None while it is not spoken. Raises OSError."""
    if said.wav is not None or said.utterance is None:
        return said.wav
    files = await asyncio.to_thread(prompts.files, said.utterance, said.language)
    return await asyncio.to_thread(audio.joined, files) if files else None


def _passed_by(reason: ReachedReason | None) -> bool:
    """Say whether a caller was sent on without a word: outside office hours."""
    return reason is ReachedReason.CLOSED


async def _at(
    session: AsyncSession, tenant_id: UUID, number: str, way: ReachedBy, at: datetime
) -> Said | None:
    kind = (await numbers.kinds(session, tenant_id, [number])).get(number)
    if kind is NumberKind.MAILBOX:
        return await _of_mailbox(session, tenant_id, number, way, at)
    if kind is NumberKind.VIRTUAL_RECEPTIONIST:
        return await _of_receptionist(session, tenant_id, number)
    return None


async def _of_mailbox(
    session: AsyncSession, tenant_id: UUID, number: str, way: ReachedBy, at: datetime
) -> Said | None:
    found = await mailboxes.by_number(session, tenant_id, number)
    if found is None:
        return None
    mailbox = mailboxes.mailbox_values(*found, available_languages())
    if not mailbox.enabled:
        return Said(language=mailbox.language, utterance=Prompt.MAILBOX_DISABLED)
    hours = await hours_at(session, mailbox, way, at)
    own = heard_greeting(mailbox, CallMoment(way=way, at=at, hours=hours))
    if own.recording is not None:
        wav = await mailbox_greetings.wav_of(session, mailbox.id, own.recording)
        if wav is not None:
            return Said(language=own.language, wav=wav, source=own.source)
    return Said(
        language=own.language,
        utterance=Greeting(
            display_name=mailbox.display_name, text=own.greeting, name_recording=mailbox.name_recording
        ),
        source=own.source,
    )


async def _of_receptionist(session: AsyncSession, tenant_id: UUID, number: str) -> Said | None:
    row = await objects.find(session, tenant_id, RoutingKind.VIRTUAL_RECEPTIONIST, number)
    if row is None:
        return None
    settings = cast(
        "VirtualReceptionist", settings_from(RoutingKind.VIRTUAL_RECEPTIONIST, dict(row.settings))
    )
    tags = (settings.language, await _language(session, tenant_id))
    language = first_available(tags, available_languages())
    wav = await recorded_greetings.wav_of(session, row.id)
    if wav is not None:
        return Said(language=language, wav=wav)
    words: Utterance = OwnWords(text=settings.greeting) if settings.greeting else Prompt.RECEPTIONIST_STANDARD
    return Said(language=language, utterance=words)


async def _language(session: AsyncSession, tenant_id: UUID) -> str:
    row = await tenants.get(session, tenant_id)
    return LAST_RESORT if row is None else first_available([row.language], available_languages())
