"""`/office-hours`: when somebody is at work."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.services.routing.office_hours import state_at
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_office_hours import (
    HoursStateOut,
    MomentAsked,
    OfficeHoursIn,
    OfficeHoursOut,
    OfficeHoursPage,
    OfficeHoursPatch,
)
from controlplane.web.moments import moment_of
from controlplane.web.security import Asking

router = routing_router(
    RoutingKind.OFFICE_HOURS,
    path="office-hours",
    example=TENANT_HOURS,
    new=OfficeHoursIn,
    patch=OfficeHoursPatch,
    out=OfficeHoursOut,
    page=OfficeHoursPage,
)


@router.get("/{name}/state", response_model=HoursStateOut, responses=problems())
async def get_office_hours_state(
    name: Annotated[str, Path(description="The name of the office hours.", examples=[TENANT_HOURS])],
    deps: Deps,
    asking: Asking,
    asked: Annotated[MomentAsked, Query()],
) -> HoursStateOut:
    """Say whether it is open, closed or a holiday at a moment, and until when."""
    moment = moment_of(asked.at, now=deps.clock())
    return HoursStateOut.of(await state_at(deps.db, tenant_id=asking.tenant_id, name=name, at=moment))
