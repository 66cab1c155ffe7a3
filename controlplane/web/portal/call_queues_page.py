"""The pages of call queues: callers wait for an agent."""

from __future__ import annotations

from typing import Any, Final

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import EXIT_KEYS, QueueStrategy
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.schemas_call_queues import CallQueueIn, CallQueueOut, CallQueuePatch
from controlplane.web.portal.destination_fields import To, destination_in_words
from controlplane.web.portal.form_fields import Choice, Figure, Named, NumbersOf, Tick
from controlplane.web.portal.object_kinds import ObjectPages, Owners
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.words import Words


def _agents(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return words.count("call-queues.count", len(settings.agents))


def _no_answer(settings: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(settings.no_answer, words, owners)


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
    symbol="queue",
)
router = object_router(CALL_QUEUES)
