"""Which agents of a call queue are logged in; the switch reads it of the route file with each offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import NotFound
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, queue_agents
from controlplane.storage.routing.objects import object_values


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAgent:
    """An agent of a call queue; `changed_at` None: he never logged in or out, and is logged in."""

    number: str
    display_name: str
    logged_in: bool
    changed_at: datetime | None


async def list_agents(db: Database, *, tenant_id: UUID, number: str) -> list[QueueAgent]:
    """Return the agents of the queue with a number, in their order; raises NotFound."""
    async with db.transaction() as session:
        queue = await _queue(session, tenant_id, number)
        return await _agents(session, queue, cast("CallQueue", queue.settings).agents)


async def set_logged_in(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, extension: str, logged_in: bool, by: str
) -> QueueAgent:
    """Log an agent in or out of the queue with a number, idempotent; the switch knows it a moment later.

    `by` names who did it. Raises NotFound `no-such-call-queue` or `no-such-agent`.
    """
    async with db.transaction() as session:
        queue = await _queue(session, tenant_id, number, lock=True)
        if extension not in cast("CallQueue", queue.settings).agents:
            raise NotFound(f"{extension} is no agent of this call queue.", error_id="no-such-agent")
        await name_author(session, by)
        changed = await queue_agents.put(session, queue.id, extension, logged_in=logged_in)
        if changed:
            await defer_publishing(session, jobs, tenant_id=tenant_id, numbers=[number])
        (agent,) = await _agents(session, queue, (extension,))
    if changed:
        structlog.get_logger().info(
            "queue.agent", tenant_id=str(tenant_id), queue=number, agent=extension, logged_in=logged_in
        )
    return agent


async def _queue(session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False) -> RoutingObject:
    row = await objects.find(session, tenant_id, RoutingKind.CALL_QUEUE, number, lock=lock)
    if row is None:
        raise NotFound("There is no call queue with this number.", error_id="no-such-call-queue")
    return object_values(row)


async def _agents(session: AsyncSession, queue: RoutingObject, numbers: tuple[str, ...]) -> list[QueueAgent]:
    states = await queue_agents.states(session, queue.id)
    names = await queue_agents.names(session, queue.tenant_id, numbers)
    return [
        QueueAgent(
            number=number,
            display_name=names.get(number, ""),
            logged_in=states[number][0] if number in states else True,
            changed_at=states[number][1] if number in states else None,
        )
        for number in numbers
    ]
