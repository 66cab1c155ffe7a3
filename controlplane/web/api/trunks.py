"""`/trunks`: the providers who send us calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.trunk_states import state_of
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_trunks import TrunkIn, TrunkOut, TrunkPage, TrunkPatch, TrunkStateOut
from controlplane.web.security import Asking, system_only

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


@router.get("/{name}/state", response_model=TrunkStateOut, responses=problems())
async def get_trunk_state(
    name: Annotated[str, Path(description="The name of the trunk.", examples=["provider"])],
    deps: Deps,
    asking: Asking,
) -> TrunkStateOut:
    """Ask the switch how a trunk is now; it has three seconds for an answer, then it is `unknown`."""
    shown = await state_of(deps.db, deps.registrations, tenant_id=asking.tenant_id, name=name)
    return TrunkStateOut.of(shown)
