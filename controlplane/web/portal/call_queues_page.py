"""The pages of call queues: callers wait for an agent."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import EXIT_KEYS, QueueStrategy
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.routing.queue_agents import list_agents, set_logged_in
from controlplane.web.api.schemas_call_queues import CallQueueIn, CallQueueOut, CallQueuePatch
from controlplane.web.portal.access import Inside
from controlplane.web.portal.destination_fields import To, destination_in_words
from controlplane.web.portal.form_fields import Choice, Figure, Named, NumbersOf, Tick
from controlplane.web.portal.object_kinds import Details, ObjectPages, Owners
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words


def _agents(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return words.count("call-queues.count", len(settings.agents))


def _no_answer(settings: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(settings.no_answer, words, owners)


async def _agents_now(visit: Visit, details: Details | None) -> dict[str, Any]:
    """Return who is logged in, which is no part of the settings."""
    if details is None:
        return {"agents_now": []}
    found = await list_agents(visit.deps.db, tenant_id=visit.person.tenant_id, number=details.key)
    return {"agents_now": found}


CALL_QUEUES: Final = ObjectPages(
    plural="call-queues",
    word="call-queue",
    life=RoutingLife(kind=RoutingKind.CALL_QUEUE, new=CallQueueIn, patch=CallQueuePatch, out=CallQueueOut),
    fields={
        "agents": NumbersOf(kind=NumberKind.EXTENSION),
        "strategy": Choice(values=tuple(one.value for one in QueueStrategy)),
        "ring_seconds": Figure(),
        "max_wait_seconds": Figure(),
        "no_answer": To(),
        "wait_without_agents": Tick(),
        "no_agents": To(optional=True),
        "wrap_up_seconds": Figure(),
        "max_callers": Figure(),
        "full": To(optional=True),
        "exit_key": Choice(values=("", *EXIT_KEYS)),
        "exit": To(optional=True),
        "office_hours": Named(),
        "closed": To(optional=True),
    },
    known=("agents", "strategy", "ring_seconds", "max_wait_seconds", "no_answer"),
    columns={"agents": _agents, "no_answer": _no_answer},
    new=CallQueueIn(number="000", display_name="-").model_dump(
        mode="json", exclude={"number", "display_name"}
    ),
    template="call_queue.html",
    symbol="queue",
    more=_agents_now,
)
router = object_router(CALL_QUEUES)


@router.post(CALL_QUEUES.route + "/{key}/agents/{extension}")
async def log_agent_in_or_out(visit: Inside, key: str, extension: str) -> Response:
    """Log an agent in or out; calls that ring or talk now go on."""
    logged_in = visit.form.text("logged_in") == "yes"
    agent = await set_logged_in(
        visit.deps.db,
        visit.deps.jobs,
        tenant_id=visit.person.tenant_id,
        number=key.replace("\0", "\ufffd"),
        extension=extension.replace("\0", "\ufffd"),
        logged_in=logged_in,
        by=visit.person.label,
    )
    notice = "agent-logged-in" if logged_in else "agent-logged-out"
    return visit.go(f"{CALL_QUEUES.path}/{quote(key, safe='')}", notice=notice, agent=agent.display_name)
