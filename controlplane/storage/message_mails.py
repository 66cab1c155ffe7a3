"""The rows of mails about messages: which are to be sent, and how each one ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MessageMailRow

_ADD: Final = text("""
    INSERT INTO message_mails (message_id, recipient)
    SELECT :message_id, recipient FROM unnest(CAST(:recipients AS text[])) AS recipient
    ON CONFLICT DO NOTHING
    RETURNING recipient
""")


async def add(session: AsyncSession, message_id: UUID, recipients: Iterable[str]) -> list[str]:
    """Insert a queued mail per recipient; return those that had none before."""
    added = await session.scalars(_ADD, {"message_id": message_id, "recipients": list(recipients)})
    return list(added)


async def attempts(session: AsyncSession, message_id: UUID, recipient: str) -> int | None:
    """Return how often a queued mail was tried; None if it was sent, failed, or its message is purged."""
    return await session.scalar(
        select(MessageMailRow.attempts).where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
    )


async def record(
    session: AsyncSession, message_id: UUID, recipient: str, *, status: str, error: str | None
) -> bool:
    """Write how a try ended and count it; False if the mail is no longer queued."""
    changed = await session.scalars(
        update(MessageMailRow)
        .where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
        .values(status=status, error=error, attempts=MessageMailRow.attempts + 1, updated_at=func.now())
        .returning(MessageMailRow.message_id)
    )
    return changed.one_or_none() is not None


async def drop(session: AsyncSession, message_id: UUID, recipient: str) -> None:
    """Remove a queued mail that nobody wants any more."""
    await session.execute(
        delete(MessageMailRow).where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
    )
