"""Queries of the choice whether changes are published by themselves."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.storage.tables import ConfigurationModeRow


async def chosen(session: AsyncSession) -> Mode | None:
    """Return what was chosen, None if nobody did."""
    found = await session.scalar(select(ConfigurationModeRow.mode))
    return None if found is None else Mode(found)


async def choose(session: AsyncSession, mode: Mode, *, by: str) -> None:
    """Keep a choice in the place of the one before."""
    values = {"mode": mode.value, "chosen_by": by, "chosen_at": func.now()}
    await session.execute(
        insert(ConfigurationModeRow)
        .values(single=True, **values)
        .on_conflict_do_update(index_elements=[ConfigurationModeRow.single], set_=values)
    )
