"""The pages of office hours: the week with its picture, closing by hand, copies; not the holidays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Response
from markupsafe import Markup

from controlplane.domain.errors import NotFound
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.services.routing.object_lists import OrderedObject
from controlplane.services.routing.objects import get_object, update_object
from controlplane.web.api.schemas_office_hours import OfficeHoursIn, OfficeHoursOut, OfficeHoursPatch
from controlplane.web.portal.access import Inside
from controlplane.web.portal.form_fields import Line
from controlplane.web.portal.hours_words import day_names, is_open, next_holiday, state_in_words
from controlplane.web.portal.named_delete_page import add_named_delete
from controlplane.web.portal.object_kinds import Details, ObjectPages
from controlplane.web.portal.object_page import add_form
from controlplane.web.portal.objects_page import add_list
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.week_field import WeekField

_NINE_TO_FIVE: Final = [{"start": "09:00", "end": "17:00"}]
_WORKING: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
_ZONE: Final = {"list": "zones", "autocomplete": "off", "spellcheck": "false", "maxlength": "64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursLife(RoutingLife):
    """The life of office hours; a copy has the holidays of what it was copied from."""

    async def create(self, visit: Visit, body: Mapping[str, Any]) -> Details:
        """Make office hours."""
        like = await _liked(visit)
        holidays = {} if like is None else {"holidays": like.values["holidays"]}
        return await RoutingLife.create(self, visit, {**body, **holidays})


LIFE: Final = HoursLife(
    kind=RoutingKind.OFFICE_HOURS, new=OfficeHoursIn, patch=OfficeHoursPatch, out=cast("Any", OfficeHoursOut)
)


async def _liked(visit: Visit) -> Details | None:
    """Return the office hours of which a copy is made, if they are still there."""
    like = visit.form.text("like") or visit.request.query_params.get("like", "")
    try:
        return await RoutingLife.get(LIFE, visit, like.replace("\0", "\ufffd")) if like else None
    except NotFound:
        return None


async def _begin(visit: Visit) -> Mapping[str, Any]:
    """Return what new office hours begin with: a copy, or nine to five in the tenant's time zone."""
    like = await _liked(visit)
    if like is not None:
        return {name: like.values[name] for name in ("time_zone", "week")}
    values = {"time_zone": visit.person.time_zone, "week": dict.fromkeys(_WORKING, _NINE_TO_FIVE)}
    try:
        await _hours(visit, TENANT_HOURS)
    except NotFound:
        # The first ones are most likely those that count everywhere.
        return {**values, "name": TENANT_HOURS}
    return values


async def _more(visit: Visit, details: Details | None) -> Mapping[str, Any]:
    """Return what else the page shows: the days, the time zones, and what is said now."""
    like = await _liked(visit)
    values: dict[str, Any] = {
        "days": day_names(visit.words),
        "zones": sorted(available_timezones()),
        "like": "" if like is None else like.key,
    }
    if details is None:
        return values
    hours = await _hours(visit, details.key)
    now = visit.deps.clock()
    return {
        **values,
        "tenants": details.key == TENANT_HOURS,
        "closed_now": hours.closed_now,
        "open_now": is_open(hours, now),
        "now": state_in_words(hours, now, visit.words),
    }


async def _cells(visit: Visit, found: Sequence[OrderedObject]) -> Mapping[str, Sequence[str]]:
    now = visit.deps.clock()
    return {one.key: _cells_of(cast("OfficeHours", one.settings), visit, now) for one in found}


def _cells_of(hours: OfficeHours, visit: Visit, now: Any) -> Sequence[str]:
    words = visit.words
    kind = "good" if is_open(hours, now) else "quiet"
    state = Markup('<span class="badge {}">{}</span>').format(kind, state_in_words(hours, now, words))
    coming = next_holiday(hours.holidays, now.astimezone(ZoneInfo(hours.time_zone)).date(), words)
    holiday = words("office-hours.no-holiday") if coming is None else f"{coming.name}, {coming.following}"
    return (state, hours.time_zone, holiday)


async def _hours(visit: Visit, name: str) -> OfficeHours:
    found = await get_object(
        visit.deps.db, tenant_id=visit.person.tenant_id, kind=RoutingKind.OFFICE_HOURS, key=name
    )
    return cast("OfficeHours", found.settings)


OFFICE_HOURS: Final = ObjectPages(
    plural="office-hours",
    word="office-hours",
    life=LIFE,
    fields={"week": WeekField(), "time_zone": Line(more=_ZONE)},
    known=("week", "time_zone"),
    begin=_begin,
    more_columns=("now", "time_zone", "holiday"),
    more_cells=_cells,
    template="office_hours.html",
    symbol="clock",
    more=_more,
)
router = page_router()
add_list(router, OFFICE_HOURS)
add_form(router, OFFICE_HOURS)
add_named_delete(router, OFFICE_HOURS)


@router.post(f"{OFFICE_HOURS.route}/{{key}}/closed-now")
async def close_or_open(visit: Inside, key: str) -> Response:
    """Close until it is taken back, or take that back."""
    closed = visit.form.text("do") == "close"
    after = await update_object(
        visit.deps.db,
        visit.deps.jobs,
        tenant_id=visit.person.tenant_id,
        kind=RoutingKind.OFFICE_HOURS,
        key=key.replace("\0", "\ufffd"),
        name=None,
        changes=OfficeHoursPatch(closed_now=closed).changes(),
        by=visit.person.label,
    )
    notice = "office-closed" if closed else "office-opened"
    return visit.go(f"{OFFICE_HOURS.path}/{quote(after.name, safe='')}", notice=notice, name=after.name)
