"""`/simulate`: what a caller would meet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from controlplane.services.routing.simulating import simulate_call
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas_simulate import SimulateQuery, SimulationOut
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=API, tags=["simulate"])


@router.get("/simulate", response_model=SimulationOut, responses=problems())
async def simulate(deps: Deps, asking: Asking, query: Annotated[SimulateQuery, Query()]) -> SimulationOut:
    """Say step by step what a caller would meet at a time, with phones busy or away. No call is made."""
    call = query.call(deps.clock())
    return SimulationOut.of(call.at, await simulate_call(deps.db, tenant_id=asking.tenant_id, call=call))
