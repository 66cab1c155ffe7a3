"""`/trunks`: the providers who send us calls."""

from __future__ import annotations

from fastapi import Depends

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_trunks import TrunkIn, TrunkOut, TrunkPage, TrunkPatch
from controlplane.web.security import system_only

router = routing_router(
    RoutingKind.TRUNK,
    path="trunks",
    example="provider",
    new=TrunkIn,
    patch=TrunkPatch,
    out=TrunkOut,
    page=TrunkPage,
    # Whose packets come from an address of a trunk is asked for no password, whichever tenant he belongs to.
    writers=[Depends(system_only)],
)
