"""Recordings to upload as greetings, and a job that speaks what a page asks for while it asks."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import soundfile
from controlplane.services.hearing import speak_text
from controlplane.services.speaking import Speech
from controlplane.speech.cache import PromptCache
from controlplane.speech.speaker import Speaker
from controlplane.storage.database import Database
from controlplane.storage.tables import SpokenTextRow
from sqlalchemy import select
from tests.support.speech_engines import HummingEngine


def recording(
    seconds: float = 1.0,
    *,
    rate: int = 8000,
    channels: int = 1,
    level: float = 0.3,
    hertz: float = 440,
    subtype: str = "PCM_16",
    format: str = "WAV",  # noqa: A002 (soundfile's word)
) -> bytes:
    """Return a file with a tone."""
    at = np.arange(int(rate * seconds)) / rate
    sound = np.repeat((level * np.sin(2 * np.pi * hertz * at))[:, None], channels, axis=1)
    content = io.BytesIO()
    soundfile.write(content, sound, rate, subtype=subtype, format=format)
    return content.getvalue()


def humming(folder: Path, engine: HummingEngine | None = None) -> Speech:
    """Return speech into an empty cache by an engine that hums."""
    used = engine or HummingEngine()
    cache = PromptCache(folder, voices=lambda _language: [used.voice])
    return Speech(Speaker(cache, engines=lambda _language: [used]))


@asynccontextmanager
async def speaking(database: Database, speech: Speech) -> AsyncIterator[None]:
    """Speak what is asked for meanwhile, as the jobs process does."""

    async def work() -> None:
        while True:
            async with database.transaction() as session:
                waiting = await session.scalars(
                    select(SpokenTextRow.digest).where(
                        SpokenTextRow.wav.is_(None), SpokenTextRow.failed.is_(False)
                    )
                )
                digests = list(waiting)
            for digest in digests:
                await speak_text(database, speech, digest)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
