"""`/ring-groups`: a call rings several extensions."""

from __future__ import annotations

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_ring_groups import RingGroupIn, RingGroupOut, RingGroupPage, RingGroupPatch

router = routing_router(
    RoutingKind.RING_GROUP,
    path="ring-groups",
    example="6100",
    new=RingGroupIn,
    patch=RingGroupPatch,
    out=RingGroupOut,
    page=RingGroupPage,
)
