"""`/trunks`: the providers who send us calls."""

from __future__ import annotations

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_trunks import TrunkIn, TrunkOut, TrunkPage, TrunkPatch

router = routing_router(
    RoutingKind.TRUNK,
    path="trunks",
    example="provider",
    new=TrunkIn,
    patch=TrunkPatch,
    out=TrunkOut,
    page=TrunkPage,
)
