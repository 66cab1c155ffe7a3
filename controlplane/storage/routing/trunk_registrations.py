"""Queries of what providers answered to our registrations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk_state import Answer, Failure, KnownAnswer
from controlplane.storage.tables import RoutingObjectRow, TrunkRegistrationRow


async def known(session: AsyncSession, trunk_ids: Collection[UUID]) -> dict[UUID, KnownAnswer]:
    """Return the last answers by trunk; a trunk that never had one is left out."""
    rows = await session.scalars(
        select(TrunkRegistrationRow).where(TrunkRegistrationRow.trunk_id.in_(trunk_ids))
    )
    return {
        row.trunk_id: KnownAnswer(
            answer=Answer(
                registered=row.registered,
                sip_code=row.sip_code,
                failure=None if row.failure is None else Failure(row.failure),
            ),
            since=row.since,
        )
        for row in rows
    }


async def note(
    session: AsyncSession, trunk_id: UUID, answer: Answer, *, at: datetime, looked: bool = False
) -> None:
    """Keep an answer as the last one, if there is such a trunk.

    `looked` is one that nobody heard: only whether the trunk is registered is known of it, so that it
    changes nothing where that is known already.
    """
    trunk = await session.scalar(
        select(RoutingObjectRow.id)
        .where(RoutingObjectRow.id == trunk_id, RoutingObjectRow.kind == RoutingKind.TRUNK.value)
        .with_for_update(read=True, key_share=True)
    )
    if trunk is None:
        return
    row = TrunkRegistrationRow
    statement = insert(row).values(
        trunk_id=trunk_id,
        registered=answer.registered,
        sip_code=answer.sip_code,
        failure=answer.failure,
        since=at,
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[row.trunk_id],
            set_={
                "registered": new.registered,
                "sip_code": new.sip_code,
                "failure": new.failure,
                "since": case((row.registered == new.registered, row.since), else_=new.since),
            },
            where=(row.registered != new.registered) if looked else None,
        )
    )
