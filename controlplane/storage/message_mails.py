"""The rows of mails about messages, which a deposit adds: which are to be sent, and how each one ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MessageMailRow


class Queued(NamedTuple):
    """A mail that is to be sent: how often it was tried, and how often somebody asked for another one."""

    attempts: int
    asked: int


async def queued(session: AsyncSession, message_id: UUID, recipient: str) -> Queued | None:
    """Return a mail that is to be sent; None if it was sent, failed, or its message is purged."""
    found = await session.execute(
        select(MessageMailRow.attempts, MessageMailRow.asked).where(
            MessageMailRow.message_id == message_id,
            MessageMailRow.recipient == recipient,
            MessageMailRow.status == "queued",
        )
    )
    row = found.one_or_none()
    return None if row is None else Queued(attempts=row[0], asked=row[1])


async def ask(session: AsyncSession, message_id: UUID, recipients: Sequence[str]) -> None:
    """Queue a mail to each of these, whether or not one was sent before."""
    rows = [{"message_id": message_id, "recipient": one, "asked": 1} for one in recipients]
    statement = insert(MessageMailRow).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[MessageMailRow.message_id, MessageMailRow.recipient],
            set_={
                "asked": MessageMailRow.asked + 1,
                "status": "queued",
                "attempts": 0,
                "error": None,
                "updated_at": func.now(),
            },
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
