"""The pages of ring groups: a call rings several extensions."""

from __future__ import annotations

from typing import Any, Final

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import ANYWHERE, DestinationAction
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.ring_group import RingStrategy
from controlplane.web.api.schemas_ring_groups import RingGroupIn, RingGroupOut, RingGroupPatch
from controlplane.web.portal.destination_fields import To, destination_in_words
from controlplane.web.portal.form_fields import Choice, Figure, Named, NumbersOf, Tick
from controlplane.web.portal.object_kinds import ObjectPages, Owners
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.words import Words


def _members(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return words.count("ring-groups.count", len(settings.members))


def _no_answer(settings: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(settings.no_answer, words, owners)


RING_GROUPS: Final = ObjectPages(
    plural="ring-groups",
    word="ring-group",
    life=RoutingLife(kind=RoutingKind.RING_GROUP, new=RingGroupIn, patch=RingGroupPatch, out=RingGroupOut),
    fields={
        "members": NumbersOf(kind=NumberKind.EXTENSION),
        "strategy": Choice(values=tuple(one.value for one in RingStrategy)),
        "ring_seconds": Figure(),
        "total_seconds": Figure(),
        "no_answer": To(allowed=ANYWHERE | {DestinationAction.REPEAT}),
        "skip_busy": Tick(),
        "office_hours": Named(),
        "closed": To(optional=True),
    },
    known=("members", "strategy", "ring_seconds", "no_answer"),
    columns={"members": _members, "no_answer": _no_answer},
    new=RingGroupIn(number="000", display_name="-").model_dump(
        mode="json", exclude={"number", "display_name"}
    ),
    symbol="bell",
)
router = object_router(RING_GROUPS)
