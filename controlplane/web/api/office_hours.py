"""`/office-hours`: when somebody is at work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query

from controlplane.domain.errors import InvalidValue
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
from controlplane.web.security import Asking

# Years whose clocks can be known.
_FIRST_YEAR, _LAST_YEAR = 2000, 2200

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
    moment = datetime.now(UTC) if asked.at is None else _moment(asked.at)
    return HoursStateOut.of(await state_at(deps.db, tenant_id=asking.tenant_id, name=name, at=moment))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidValue(
            f"No calendar has this moment in the years {_FIRST_YEAR} to {_LAST_YEAR}.",
            error_id="invalid-value",
            field="at",
        )
    return moment.astimezone(UTC)
