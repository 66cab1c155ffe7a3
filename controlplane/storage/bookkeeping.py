"""Removes notes that have done their work: recordings dealt with, and answers to repeated requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import IdempotencyKeyRow, RecordingTakenRow


async def purge_recordings_taken(session: AsyncSession, *, before: datetime) -> int:
    """Forget recording ids that were dealt with before a time; return how many."""
    removed = await session.execute(
        delete(RecordingTakenRow)
        .where(RecordingTakenRow.taken_at < before)
        .returning(RecordingTakenRow.recording_id)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())


async def purge_idempotency_keys(session: AsyncSession, *, before: datetime) -> int:
    """Forget answers that were given before a time; return how many."""
    removed = await session.execute(
        delete(IdempotencyKeyRow)
        .where(IdempotencyKeyRow.created_at < before)
        .returning(IdempotencyKeyRow.key)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())
