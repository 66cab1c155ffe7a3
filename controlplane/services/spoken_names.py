"""The name of a mailbox as somebody said it, heard in the standard sentence instead of its display name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.services.mailbox_recordings import change_heard, keep_recording, recording_at
from controlplane.services.mailboxes import find_mailbox
from controlplane.speech import audio
from controlplane.speech.recorded import greeting_from
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import NAME

LONGEST_NAME_SECONDS = 10


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

    `meant` is as in `find_mailbox`. Raises NotFound.
    """
    await keep_recording(
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
    wav = await asyncio.to_thread(name_from, content)
    await record_name(db, jobs, tenant_id=tenant_id, number=number, wav=wav, by=by, clock=clock)


def name_from(content: bytes) -> bytes:
    """Return an uploaded recording as calls play it; raises InvalidValue (`greeting`). Blocks."""
    try:
        wav = greeting_from(content)
    except InvalidValue as error:
        raise (_too_long() if error.error_id == "greeting-too-long" else error) from error
    if audio.seconds_of(wav) > LONGEST_NAME_SECONDS:
        raise _too_long()
    return wav


async def remove_name(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, by: str, meant: UUID | None = None
) -> None:
    """Have the mailbox's name spoken again; raises NotFound (`no-name-recorded` where none was).

    `meant` is as in `find_mailbox`.
    """
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        now = {key: own for key, own in row.recorded_greetings.items() if key != NAME}
        if now == row.recorded_greetings:
            raise _no_name()
        await change_heard(session, jobs, row, {"recorded_greetings": now}, by)
    structlog.get_logger().info("greeting.name_removed", tenant_id=str(tenant_id), number=number)


async def recorded_name(db: Database, *, tenant_id: UUID, number: str) -> bytes:
    """Return the mailbox's name as somebody said it, a WAV; raises NotFound."""
    wav = await recording_at(db, tenant_id, number, NAME)
    if wav is None:
        raise _no_name()
    return wav


def _too_long() -> InvalidValue:
    return InvalidValue(
        f"A name lasts at most {LONGEST_NAME_SECONDS} seconds. Make it shorter.",
        error_id="name-too-long",
        field="greeting",
    )


def _no_name() -> NotFound:
    return NotFound("No name was recorded here.", error_id="no-name-recorded")
