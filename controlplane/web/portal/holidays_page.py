"""The holidays of office hours: a list in the order in which they come, to add to, change and take from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject
from controlplane.services.routing.objects import get_object, list_objects, update_object
from controlplane.web.api.schemas_office_hours import HolidayBody, OfficeHoursPatch
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, Form
from controlplane.web.portal.hours_words import holiday_lines
from controlplane.web.portal.last_change import in_words, last_change
from controlplane.web.portal.object_form import version_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema

router = page_router()

_ADDRESS: Final = f"{PREFIX}/office-hours/{{name}}/holidays"
_SHOWN: Final = 100
_WRONG: Final = 422
_MOST: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A holiday as it stands in the form; `place` is which one is changed, None for a new one."""

    name: str = ""
    first_day: str = ""
    last_day: str = ""
    every_year: bool = False
    place: int | None = None

    @classmethod
    def sent(cls, form: Form) -> Entered:
        """Read the form; one without a last day lasts one day."""
        first = form.text("first_day").strip()
        return cls(
            name=form.text("name").strip(),
            first_day=first,
            last_day=form.text("last_day").strip() or first,
            every_year=form.ticked("every_year"),
            place=_place(form.text("place")),
        )

    def body(self) -> dict[str, Any]:
        """Return it as the schema takes it."""
        return {
            "name": self.name,
            "first_day": self.first_day,
            "last_day": self.last_day,
            "every_year": self.every_year,
        }


@router.get(_ADDRESS)
async def holidays_page(visit: Inside, name: str) -> Response:
    """List the holidays; one of them may stand in the form."""
    found = await _hours(visit, name)
    holidays = _bodies(found)
    place = _place(visit.request.query_params.get("change", ""))
    entered = Entered()
    if place is not None and place < len(holidays):
        entered = Entered(**holidays[place].model_dump(), place=place)
    return await _page(visit, found, entered=entered)


@router.post(_ADDRESS)
async def change_holidays(visit: Inside, name: str) -> Response:
    """Add a holiday, change one, take some away, or take those of other office hours over."""
    found = await _hours(visit, name)
    holidays, form = _bodies(found), visit.form
    match form.text("do"):
        case "remove":
            gone = {_place(text) for text in form.all("holiday")}
            if not any(place in gone for place in range(len(holidays))):
                return await _page(visit, found, faults=[_said("holiday", "not-chosen", visit.words)])
            kept = [one for place, one in enumerate(holidays) if place not in gone]
            return await _saved(visit, found, kept, "holidays-removed", Entered())
        case "copy":
            return await _copied(visit, found, holidays)
        case _:
            return await _entered(visit, found, holidays, Entered.sent(form))


async def _entered(
    visit: Visit, found: RoutingObject, holidays: list[HolidayBody], entered: Entered
) -> Response:
    try:
        one = HolidayBody.model_validate(entered.body())
        one.value("holiday")
    except ValidationError as error:
        return await _page(
            visit, found, entered=entered, faults=_in_words(wrongs_of_schema(error, HolidayBody), visit.words)
        )
    except InvalidValue as error:
        return await _page(visit, found, entered=entered, faults=_in_words(wrongs_of(error), visit.words))
    if entered.place is None or entered.place >= len(holidays):
        return await _saved(visit, found, [*holidays, one], "holiday-added", entered, day=one.name)
    after = [one if place == entered.place else kept for place, kept in enumerate(holidays)]
    return await _saved(visit, found, after, "holiday-changed", entered, day=one.name)


async def _copied(visit: Visit, found: RoutingObject, holidays: list[HolidayBody]) -> Response:
    source = visit.form.text("from")
    try:
        others = _bodies(await _hours(visit, source))
    except NotFound:
        return await _page(visit, found, faults=[_said("from", "no-source", visit.words)])
    new = [one for one in others if one not in holidays]
    return await _saved(visit, found, [*holidays, *new], "holidays-copied", Entered(), source=source)


async def _saved(
    visit: Visit,
    found: RoutingObject,
    holidays: Sequence[HolidayBody],
    notice: str,
    entered: Entered,
    **values: str,
) -> Response:
    try:
        body = OfficeHoursPatch(holidays=list(holidays))
        await update_object(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            kind=RoutingKind.OFFICE_HOURS,
            key=found.name,
            name=None,
            changes=body.changes(),
            by=visit.person.label,
            expected_version=version_of(visit.form),
        )
    except PreconditionFailed as error:
        now = await _hours(visit, found.name)
        last = await last_change(visit, RoutingKind.OFFICE_HOURS.value, found.name)
        faults = [
            Fault(field="", text=in_words(last, visit.words("holidays.changed-meanwhile"), visit.words))
        ]
        return await _page(visit, now, entered=entered, faults=faults, status=status_of(error))
    except ValidationError:
        return await _page(visit, found, entered=entered, faults=[_said("", "too-many", visit.words)])
    except InvalidValue as error:
        faults = _in_words(wrongs_of(error), visit.words)
        return await _page(visit, found, entered=entered, faults=faults, status=status_of(error))
    path = f"/office-hours/{quote(found.name, safe='')}/holidays"
    return visit.go(path, notice=notice, name=found.name, **values)


async def _hours(visit: Visit, name: str) -> RoutingObject:
    return await get_object(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        kind=RoutingKind.OFFICE_HOURS,
        key=name.replace("\0", "\ufffd"),
    )


def _bodies(found: RoutingObject) -> list[HolidayBody]:
    return [HolidayBody.of(one) for one in cast("OfficeHours", found.settings).holidays]


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(_MOST)) + 1 else None


def _in_words(wrongs: Sequence[Wrong], words: Words) -> list[Fault]:
    """Say what is wrong with the holiday that was entered; the names of fields end those of the schema."""
    faults: dict[str, Fault] = {}
    for wrong in wrongs:
        field = wrong.field.replace("]", "").rpartition(".")[2]
        key = f"{field}-wrong" if words.has(f"holidays.{field}-wrong") else "wrong"
        faults.setdefault(field, _said(field, key, words))
    return list(faults.values())


def _said(field: str, key: str, words: Words) -> Fault:
    return Fault(field=field, text=words(f"holidays.{key}", most=_MOST))


async def _page(
    visit: Visit,
    found: RoutingObject,
    *,
    entered: Entered | None = None,
    faults: Sequence[Fault] = (),
    status: int | None = None,
) -> Response:
    hours = cast("OfficeHours", found.settings)
    today = visit.deps.clock().astimezone(ZoneInfo(hours.time_zone)).date()
    lines = holiday_lines(hours.holidays, today, visit.words)
    begin = _place(visit.request.query_params.get("from", "")) or 0
    return visit.page(
        "holidays.html",
        section="office-hours",
        status=status or (_WRONG if faults else 200),
        faults=Faults(faults),
        name=found.name,
        version=found.version,
        here=f"{visit.portal.base}/office-hours/{quote(found.name, safe='')}",
        lines=lines[begin : begin + _SHOWN],
        total=len(lines),
        begin=begin,
        following=begin + _SHOWN if begin + _SHOWN < len(lines) else None,
        entered=entered or Entered(),
        others=await _others(visit, found.name),
    )


async def _others(visit: Visit, name: str) -> list[str]:
    """Return the names of other office hours that have holidays."""
    page = await list_objects(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        kind=RoutingKind.OFFICE_HOURS,
        q=None,
        limit=MAX_LIMIT,
        after=None,
    )
    return [one.name for one in page.items if one.name != name and cast("OfficeHours", one.settings).holidays]
