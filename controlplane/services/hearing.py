"""Has sentences spoken for somebody who wants to hear them before, or after, callers do.

The process that asks need not be able to speak: a job does, and the audio is kept for a day.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.domain.errors import InvalidValue, Unavailable
from controlplane.domain.language import LAST_RESORT
from controlplane.services.speaking import Speech
from controlplane.speech import audio, sentences
from controlplane.speech.catalogue import load, nearest
from controlplane.speech.engines import SpeechUnavailable
from controlplane.storage import spoken_texts
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

JOB: Final = "speech.text"
MAX_TEXT: Final = 1000
_KEPT: Final = timedelta(days=1)
_WAIT_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1


def words_of(text: str, *, most: int = MAX_TEXT) -> list[str]:
    """Return the sentences of a text that somebody wrote, of at most so many characters.

    Raises InvalidValue (`text`).
    """
    if not 1 <= len(text.strip()) <= most:
        raise InvalidValue(f"A greeting has 1 to {most} characters.", error_id="invalid-text", field="text")
    said = sentences.own_words(text)
    if not said:
        raise InvalidValue(
            "Nothing of this text can be spoken. Write words.", error_id="text-unspeakable", field="text"
        )
    return said


def greeting_words(display_name: str, text: str | None, language: str) -> list[str]:
    """Return the sentences with which a mailbox greets: its text, or the standard sentence."""
    catalogue = load(nearest(language) or LAST_RESORT)
    return sentences.sentences(Greeting(display_name=display_name, text=text), catalogue)


def reception_words(text: str | None, language: str) -> list[str]:
    """Return the sentences that a virtual receptionist says: its text, or the standard words."""
    standard = load(nearest(language) or LAST_RESORT).prompts[Prompt.RECEPTIONIST_STANDARD.value]
    return sentences.own_words(text or "") or [standard]


async def hear(
    db: Database,
    jobs: Jobs,
    said: Sequence[str],
    *,
    language: str,
    clock: Callable[[], float],
    seconds: float = _WAIT_SECONDS,
) -> bytes:
    """Return sentences as a WAV, as callers hear them; waits for the job that speaks them.

    Raises Unavailable when that takes too long, or no engine speaks the language.
    """
    language = nearest(language) or LAST_RESORT
    digest = hashlib.sha256("\n".join([language, *said]).encode()).hexdigest()
    async with db.transaction() as session:
        if await spoken_texts.ask(session, digest=digest, language=language, sentences=said):
            await jobs.defer(session, JOB, digest=digest)
    until = clock() + seconds
    while True:
        async with db.transaction() as session:
            found = await spoken_texts.get(session, digest)
            wav, failed = (None, True) if found is None else (found.wav, found.failed)
        if wav is not None:
            return wav
        if failed or clock() >= until:
            raise Unavailable("This could not be spoken. Try again in a minute.")
        await asyncio.sleep(_LOOK_SECONDS)


async def speak_text(database: Database, speech: Speech, digest: str) -> None:
    """Speak what somebody asked for; does nothing if that was forgotten. Raises OSError or Unavailable."""
    async with database.transaction() as session:
        found = await spoken_texts.get(session, digest)
        asked = None if found is None or found.wav else (list(found.sentences), found.language)
    if asked is None:
        return
    said, language = asked
    wav: bytes | None = None
    try:
        await speech.make(said, language)
    except SpeechUnavailable:
        structlog.get_logger().exception("speech.text_failed", language=language)
    else:
        files = await asyncio.to_thread(speech.cache.spoken, said, language)
        wav = None if files is None else await asyncio.to_thread(audio.joined, files)
    async with database.transaction() as session:
        await spoken_texts.finish(session, digest, wav=wav)


async def forget_spoken(database: Database, *, now: datetime) -> None:
    """Forget what was spoken for somebody, or tried, more than a day ago."""
    async with database.transaction() as session:
        await spoken_texts.purge(session, before=now - _KEPT)
