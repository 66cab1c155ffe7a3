"""The jobs that speak what belongs to one mailbox, message, person or virtual receptionist."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from procrastinate import App, RetryStrategy

from controlplane.domain.errors import NotFound
from controlplane.services import colleagues, hearing
from controlplane.services.message_peaks import measure_peaks
from controlplane.services.receptionist_greetings import JOB, speak_missing, speak_receptionist
from controlplane.services.recorded_files import settle_recordings
from controlplane.services.speaking import Speech, speak_colleague, speak_envelope, speak_greeting
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.wav import NotAWav

_MISSING: Final = "speech.missing"
_YOUNG_SECONDS: Final = 3600
"""A file may be there before what refers to it is committed."""


def register(
    app: App, database: Database, speech: Speech, *, jobs: Jobs, greetings: Path, recordings: RecordingStore
) -> None:
    """Define the jobs; `greetings` is where calls find the greetings of mailboxes and receptionists.

    Every ten minutes, and so after a start, what receptionists should say and is not there is made again, and
    so are recorded greetings of mailboxes; what nobody needs any more goes.
    """
    retry = RetryStrategy(max_attempts=20, wait=2, linear_wait=30)

    @app.task(name="speech.greeting", retry=retry)
    async def greeting(mailbox_id: str) -> None:
        await speak_greeting(database, speech, UUID(mailbox_id), greetings)

    @app.task(name="speech.envelope", retry=retry)
    async def envelope(message_id: str) -> None:
        # The one job of each message that prepares it for those who hear it; a recording that cannot be
        # measured is told when somebody asks for it.
        with suppress(NotFound, NotAWav):
            await measure_peaks(database, recordings, UUID(message_id))
        await speak_envelope(database, speech, UUID(message_id))

    @app.task(name=JOB, retry=retry)
    async def receptionist(receptionist_id: str) -> None:
        await speak_receptionist(database, speech, UUID(receptionist_id), greetings)

    @app.task(name=colleagues.JOB)
    async def colleague(name: str, language: str) -> None:
        # Who is not named in time is `a colleague`; to try again later helps nobody.
        await speak_colleague(speech, name, language)

    @app.task(name=hearing.JOB)
    async def text(digest: str) -> None:
        await hearing.speak_text(database, speech, digest)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=_MISSING, lock=_MISSING, queueing_lock=_MISSING)
    async def missing(timestamp: int) -> None:
        await speak_missing(database, jobs, greetings)
        await settle_recordings(database, jobs, speech.cache, older_than=timestamp - _YOUNG_SECONDS)
        await hearing.forget_spoken(database, now=datetime.fromtimestamp(timestamp, UTC))
