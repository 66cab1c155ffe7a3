"""Queries of who is logged in at call queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import ExtensionRow, QueueAgentRow


async def states(session: AsyncSession, queue_id: UUID) -> dict[str, tuple[bool, datetime]]:
    """Return who of a queue's agents is logged in and since when; who never chose is left out."""
    rows = await session.execute(
        select(QueueAgentRow.number, QueueAgentRow.logged_in, QueueAgentRow.changed_at).where(
            QueueAgentRow.queue_id == queue_id
        )
    )
    return {number: (logged_in, changed_at) for number, logged_in, changed_at in rows}


async def names(session: AsyncSession, tenant_id: UUID, numbers: tuple[str, ...]) -> dict[str, str]:
    """Return the display names of these extensions."""
    rows = await session.execute(
        select(ExtensionRow.number, ExtensionRow.display_name).where(
            ExtensionRow.tenant_id == tenant_id, ExtensionRow.number.in_(numbers)
        )
    )
    return dict(rows.all())


async def put(session: AsyncSession, queue_id: UUID, number: str, *, logged_in: bool) -> bool:
    """Note that an agent is logged in or out; say whether that is new."""
    changed = (
        insert(QueueAgentRow)
        .values(queue_id=queue_id, number=number, logged_in=logged_in)
        .on_conflict_do_update(
            index_elements=[QueueAgentRow.queue_id, QueueAgentRow.number],
            set_={"logged_in": logged_in, "changed_at": func.now()},
            where=QueueAgentRow.logged_in != logged_in,
        )
        .returning(QueueAgentRow.number)
    )
    return (await session.scalars(changed)).one_or_none() is not None


async def forget_others(session: AsyncSession, queue_id: UUID, agents: Sequence[str]) -> None:
    """Forget what those chose who are agents no more: their numbers may be given to others."""
    await session.execute(
        delete(QueueAgentRow).where(QueueAgentRow.queue_id == queue_id, QueueAgentRow.number.not_in(agents))
    )
