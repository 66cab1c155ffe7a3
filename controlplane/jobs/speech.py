"""The jobs that speak what belongs to one mailbox, message or virtual receptionist."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from procrastinate import App, RetryStrategy

from controlplane.services.receptionist_greetings import JOB, speak_missing, speak_receptionist
from controlplane.services.speaking import Speech, speak_envelope, speak_greeting
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

_MISSING: Final = "speech.missing"


def register(app: App, database: Database, speech: Speech, *, jobs: Jobs, greetings: Path) -> None:
    """Define the jobs; `greetings` is where calls find the greetings of mailboxes and receptionists.

    Every ten minutes, and so after a start, what receptionists should say and is not there is made again.
    """
    retry = RetryStrategy(max_attempts=20, wait=2, linear_wait=30)

    @app.task(name="speech.greeting", retry=retry)
    async def greeting(mailbox_id: str) -> None:
        await speak_greeting(database, speech, UUID(mailbox_id), greetings)

    @app.task(name="speech.envelope", retry=retry)
    async def envelope(message_id: str) -> None:
        await speak_envelope(database, speech, UUID(message_id))

    @app.task(name=JOB, retry=retry)
    async def receptionist(receptionist_id: str) -> None:
        await speak_receptionist(database, speech, UUID(receptionist_id), greetings)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=_MISSING, lock=_MISSING, queueing_lock=_MISSING)
    async def missing(timestamp: int) -> None:
        del timestamp  # procrastinate's, the minute that this run is for
        await speak_missing(database, jobs, greetings)
