"""`/call-queues`: callers wait for an agent; and which agents are logged in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.routing import queue_agents
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_call_queues import (
    CallQueueIn,
    CallQueueOut,
    CallQueuePage,
    CallQueuePatch,
    QueueAgentIn,
    QueueAgentOut,
    QueueAgentsOut,
)
from controlplane.web.security import Asking

router = routing_router(
    RoutingKind.CALL_QUEUE,
    path="call-queues",
    example="6200",
    new=CallQueueIn,
    patch=CallQueuePatch,
    out=CallQueueOut,
    page=CallQueuePage,
)

_Number = Annotated[str, Path(description="The number of the call queue.", examples=["6200"])]
_Extension = Annotated[str, Path(description="The number of the agent's extension.", examples=["101"])]


@router.get("/{number}/agents", name="list_queue_agents", responses=problems())
async def list_agents(number: _Number, deps: Deps, asking: Asking) -> QueueAgentsOut:
    """List the agents of a call queue, and whether they are logged in."""
    found = await queue_agents.list_agents(deps.db, tenant_id=asking.tenant_id, number=number)
    return QueueAgentsOut(items=[QueueAgentOut.of(agent) for agent in found])


@router.put("/{number}/agents/{extension}", name="set_queue_agent", responses=body_problems())
async def set_agent(
    number: _Number, extension: _Extension, body: QueueAgentIn, deps: Deps, asking: Asking
) -> QueueAgentOut:
    """Log an agent in or out; calls that ring or talk now go on."""
    agent = await queue_agents.set_logged_in(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        extension=extension,
        logged_in=body.logged_in,
        by=asking.label,
    )
    return QueueAgentOut.of(agent)
