"""Queries of the greetings that people recorded for virtual receptionists."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.storage.tables import RecordedGreetingRow, RoutingObjectRow


async def store(session: AsyncSession, object_id: UUID, wav: bytes) -> None:
    """Keep a recording; one from before is replaced."""
    values = {"object_id": object_id, "wav": wav}
    statement = insert(RecordedGreetingRow).values(**values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[RecordedGreetingRow.object_id], set_={"wav": wav})
    )


async def remove(session: AsyncSession, object_id: UUID) -> bool:
    """Forget a recording; False if there was none."""
    removed = await session.scalars(
        delete(RecordedGreetingRow)
        .where(RecordedGreetingRow.object_id == object_id)
        .returning(RecordedGreetingRow.object_id)
    )
    return removed.one_or_none() is not None


async def wav_of(session: AsyncSession, object_id: UUID) -> bytes | None:
    """Return a recording; it goes with its object."""
    return await session.scalar(
        select(RecordedGreetingRow.wav).where(RecordedGreetingRow.object_id == object_id)
    )


async def having_words(session: AsyncSession) -> list[UUID]:
    """List the receptionists of all tenants that have a text or a recording."""
    found = await session.scalars(
        select(RoutingObjectRow.id)
        .outerjoin(RecordedGreetingRow, RecordedGreetingRow.object_id == RoutingObjectRow.id)
        .where(
            RoutingObjectRow.kind == RoutingKind.VIRTUAL_RECEPTIONIST.value,
            or_(
                RoutingObjectRow.settings["greeting"].astext.is_not(None),
                RecordedGreetingRow.object_id.is_not(None),
            ),
        )
    )
    return list(found)


async def speaking_the_tenants_language(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    """List the receptionists that have no language of their own."""
    found = await session.scalars(
        select(RoutingObjectRow.id).where(
            RoutingObjectRow.tenant_id == tenant_id,
            RoutingObjectRow.kind == RoutingKind.VIRTUAL_RECEPTIONIST.value,
            RoutingObjectRow.settings["language"].astext.is_(None),
        )
    )
    return list(found)
