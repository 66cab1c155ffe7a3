"""How a message got into its mailbox, with the names that people know the objects by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.callflows.prompts import SentOnBy
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.storage import numbers

# Whoever was sent on at once did not wait for anything.
_WAITED = {
    ReachedReason.NO_ANSWER,
    ReachedReason.QUEUE_TIMEOUT,
    ReachedReason.EXIT_KEY,
    ReachedReason.TIMEOUT,
}


async def names_on_the_way(
    session: AsyncSession, tenant_id: UUID, ways: Collection[ReachedBy]
) -> dict[str, str]:
    """Return the present display names of all objects that calls passed, by number; one query."""
    passed = {step.number for way in ways for step in way.path}
    return await numbers.names(session, tenant_id, passed)


def sent_on_by(way: ReachedBy, names: Mapping[str, str]) -> SentOnBy | None:
    """Return what is said of a way: the object that sent the call into the mailbox, if one did."""
    last = way.last
    if last is None:
        return None
    return SentOnBy(
        kind=last.kind,
        name=names.get(last.number) or last.number,
        seconds=last.waited_seconds if last.reason in _WAITED else None,
    )
