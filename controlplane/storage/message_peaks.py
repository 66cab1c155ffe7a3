"""Queries of how loud messages are along their length."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MessagePeaksRow, MessageRow


async def get(session: AsyncSession, message_id: UUID) -> bytes | None:
    """Return the peaks of a message."""
    return await session.scalar(select(MessagePeaksRow.peaks).where(MessagePeaksRow.message_id == message_id))


async def store(session: AsyncSession, message_id: UUID, peaks: bytes) -> None:
    """Keep the peaks of a message, unless it was purged meanwhile or has some."""
    values = select(MessageRow.id, literal(peaks)).where(MessageRow.id == message_id)
    statement = insert(MessagePeaksRow).from_select(["message_id", "peaks"], values)
    await session.execute(statement.on_conflict_do_nothing())
