"""The rows of mails about messages, which a deposit adds: which are to be sent, and how each one ended."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MessageMailRow


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


async def all_sent(session: AsyncSession, message_id: UUID, recipients: Collection[str]) -> bool:
    """Say whether each of these was sent a mail about a message, and no other one waits or failed."""
    rows = await session.execute(
        select(MessageMailRow.recipient, MessageMailRow.status).where(MessageMailRow.message_id == message_id)
    )
    found: dict[str, str] = {row[0]: row[1] for row in rows}
    return bool(found) and set(found.values()) == {"sent"} and set(recipients) <= found.keys()


async def drop(session: AsyncSession, message_id: UUID, recipient: str) -> None:
    """Remove a queued mail that nobody wants any more."""
    await session.execute(
        delete(MessageMailRow).where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
    )
