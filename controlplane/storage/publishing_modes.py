"""Queries of which tenants publish by hand, and how far the copies of what is published of them are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.storage.tables import ConfigurationModeRow, TenantRow
from controlplane.storage.tables import PublishingModeRow as Row

_BY_THE_SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantMode:
    """How a tenant publishes. `publishing`: a person asked, and how it ends is not known yet.

    `chosen_by` and `chosen_at` are None where the settings decide. `failed_revision` is the one that was
    refused when a person published last.
    """

    mode: Mode
    chosen_by: str | None = None
    chosen_at: datetime | None = None
    publishing: bool = False
    failed_revision: int | None = None


async def default_mode(session: AsyncSession) -> Mode:
    """Return the mode of the settings, as whoever publishes noted it; automatic if nobody did."""
    found = await session.scalar(select(ConfigurationModeRow.mode))
    return Mode.AUTOMATIC if found is None else Mode(found)


async def note_default(session: AsyncSession, mode: Mode) -> None:
    """Note the mode of the settings, for those that do not know them."""
    values = {"mode": mode.value, "chosen_by": _BY_THE_SETTINGS, "chosen_at": func.now()}
    await session.execute(
        insert(ConfigurationModeRow)
        .values(single=True, **values)
        .on_conflict_do_update(
            index_elements=[ConfigurationModeRow.single],
            set_=values,
            where=ConfigurationModeRow.mode != mode.value,
        )
    )


async def of_tenant(session: AsyncSession, tenant_id: UUID) -> TenantMode:
    """Return how a tenant publishes."""
    row = await session.scalar(select(Row).where(Row.tenant_id == tenant_id))
    if row is None:
        return TenantMode(mode=await default_mode(session))
    return TenantMode(
        mode=Mode(row.mode),
        chosen_by=row.chosen_by,
        chosen_at=None if row.chosen_by is None else row.chosen_at,
        publishing=row.next_changes is not None,
        failed_revision=row.failed_revision,
    )


async def choose(session: AsyncSession, tenant_id: UUID, mode: Mode, *, by: str | None) -> None:
    """Keep the choice of a tenant in the place of the one before; what is copied stays as it is."""
    values = {"mode": mode.value, "chosen_by": by, "chosen_at": func.now()}
    await session.execute(
        insert(Row)
        .values(tenant_id=tenant_id, **values)
        .on_conflict_do_update(index_elements=[Row.tenant_id], set_=values)
    )


async def by_hand(session: AsyncSession) -> list[UUID]:
    """Return the ids of the tenants that publish by hand."""
    return list(
        await session.scalars(
            select(Row.tenant_id).where(Row.mode == Mode.MANUAL.value).order_by(Row.tenant_id)
        )
    )


async def names_by_hand(session: AsyncSession) -> list[str]:
    """Return the names of the tenants that publish by hand, in order."""
    query = select(TenantRow.name).join(Row, Row.tenant_id == TenantRow.id)
    return sorted(await session.scalars(query.where(Row.mode == Mode.MANUAL.value)))


async def not_copied(session: AsyncSession) -> list[UUID]:
    """Return the ids of the tenants that publish by hand, and of which there is no copy yet."""
    return list(
        await session.scalars(
            select(Row.tenant_id).where(Row.mode == Mode.MANUAL.value, Row.copied_at.is_(None))
        )
    )


async def undecided(session: AsyncSession) -> list[UUID]:
    """Return the ids of the tenants for which neither somebody nor the settings chose."""
    query = select(TenantRow.id).outerjoin(Row, Row.tenant_id == TenantRow.id)
    return list(await session.scalars(query.where(Row.tenant_id.is_(None))))


async def by_the_settings(session: AsyncSession) -> list[UUID]:
    """Return the ids of the tenants that publish by hand because the settings said so."""
    return list(
        await session.scalars(
            select(Row.tenant_id).where(Row.mode == Mode.MANUAL.value, Row.chosen_by.is_(None))
        )
    )


async def with_waiting_files(session: AsyncSession) -> dict[UUID, int]:
    """Return the tenants whose files of calls are still to follow, and how often that was noted."""
    rows = await session.execute(select(Row.tenant_id, Row.files_wait).where(Row.files_wait > 0))
    return dict(rows.all())


async def note_files_placed(session: AsyncSession, tenant_id: UUID, *, noted: int) -> None:
    """Note that the files of a tenant followed, unless it was noted again that they should."""
    await session.execute(
        update(Row).where(Row.tenant_id == tenant_id, Row.files_wait == noted).values(files_wait=0)
    )
