"""Office hours in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.hours import Holiday, Hours, OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.kinds import RoutingObject
from controlplane.services.routing.office_hours import HoursState
from controlplane.web.api.fields import Input, Output, example, left_out
from controlplane.web.api.schemas_destinations import NameField
from controlplane.web.api.schemas_routing import RoutingIn, RoutingPatch
from controlplane.web.moments import MomentField

_TimeZone = Annotated[
    str, Field(min_length=1, max_length=64, description="A name of the IANA database, such as Europe/Berlin.")
]
_Start = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="The first minute, local time.")
]
_End = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        description="The first minute that is no longer in it; `24:00` is midnight at the day's end.",
    ),
]
_Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A date: YYYY-MM-DD.")]
_ClosedNow = Annotated[bool, Field(description="Closed until it is taken back, whatever the clock says.")]

_NINE_TO_FIVE = [{"start": "09:00", "end": "17:00"}]
_WEEK: dict[str, Any] = {
    **{day.value: _NINE_TO_FIVE for day in list(Weekday)[:5]},
    **{day.value: [] for day in list(Weekday)[5:]},
}
_CHRISTMAS: dict[str, Any] = {
    "name": "Christmas",
    "first_day": "2026-12-25",
    "last_day": "2026-12-26",
    "every_year": True,
}
_SETTINGS: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "week": _WEEK,
    "holidays": [_CHRISTMAS],
    "closed_now": False,
}
_SHOWN: dict[str, Any] = {
    "id": "6a0fd1de-1a3c-4d5d-8e21-3a4d7a4f2f10",
    "name": "default",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class TimeRangeBody(Input):
    """From a minute to another one of the same day."""

    model_config = example(_NINE_TO_FIVE[0])

    start: _Start
    end: _End

    def value(self) -> TimeRange:
        """Return the domain's range."""
        end = "00:00" if self.end == "24:00" else self.end
        return TimeRange(start=time.fromisoformat(self.start), end=time.fromisoformat(end))

    @classmethod
    def of(cls, one: TimeRange) -> TimeRangeBody:
        """Make it from the domain's."""
        end = f"{one.end:%H:%M}"
        return cls(start=f"{one.start:%H:%M}", end="24:00" if end == "00:00" else end)


_Ranges = Annotated[list[TimeRangeBody], Field(max_length=10)]


class WeekBody(Input):
    """When somebody is at work on each day of the week; a day without ranges is closed."""

    model_config = example(_WEEK)

    monday: _Ranges = []  # noqa: RUF012 (pydantic copies it)
    tuesday: _Ranges = []  # noqa: RUF012
    wednesday: _Ranges = []  # noqa: RUF012
    thursday: _Ranges = []  # noqa: RUF012
    friday: _Ranges = []  # noqa: RUF012
    saturday: _Ranges = []  # noqa: RUF012
    sunday: _Ranges = []  # noqa: RUF012

    def value(self) -> dict[Weekday, tuple[TimeRange, ...]]:
        """Return the domain's week."""
        return {day: tuple(one.value() for one in getattr(self, day.value)) for day in Weekday}

    @classmethod
    def of(cls, week: Mapping[Weekday, tuple[TimeRange, ...]]) -> WeekBody:
        """Make it from the domain's."""
        days = {day.value: [TimeRangeBody.of(one) for one in ranges] for day, ranges in week.items()}
        return cls(**days)


class HolidayBody(Input):
    """Days on which nobody works, both ends included; `every_year` looks at month and day alone."""

    model_config = example(_CHRISTMAS)

    name: Annotated[str, Field(min_length=1, max_length=64, description="What people see.")]
    first_day: _Day
    last_day: _Day
    every_year: bool = False

    def value(self, field: str) -> Holiday:
        """Return the domain's holiday; raises InvalidValue for a day that no calendar has."""
        return Holiday(
            name=self.name,
            first_day=_date(self.first_day, f"{field}.first_day"),
            last_day=_date(self.last_day, f"{field}.last_day"),
            every_year=self.every_year,
        )

    @classmethod
    def of(cls, one: Holiday) -> HolidayBody:
        """Make it from the domain's."""
        return cls(
            name=one.name,
            first_day=one.first_day.isoformat(),
            last_day=one.last_day.isoformat(),
            every_year=one.every_year,
        )


_Week = Annotated[WeekBody | None, Field(description="`null` is always open, but for holidays.")]
_Holidays = Annotated[list[HolidayBody], Field(max_length=400)]


class OfficeHoursIn(RoutingIn):
    """Office hours to be made; those named `default` count where an object names none."""

    model_config = example({"name": "default", **_SETTINGS})

    name: NameField
    time_zone: Annotated[_TimeZone | None, Field(description="`null` is the tenant's, as it is now.")] = None
    week: _Week = None
    holidays: _Holidays = []  # noqa: RUF012 (pydantic copies it)
    closed_now: _ClosedNow = False

    def settings(self) -> OfficeHours:
        """Return the domain's office hours."""
        return OfficeHours(
            time_zone=self.time_zone or "",
            week=_week(self.week),
            holidays=_holidays(self.holidays),
            closed_now=self.closed_now,
        )


class OfficeHoursPatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"closed_now": True})

    time_zone: _TimeZone = left_out()
    week: _Week = left_out()
    holidays: _Holidays = left_out()
    closed_now: _ClosedNow = left_out()

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were sent, as the domain has them."""
        values: dict[str, Any] = {}
        if "week" in self.model_fields_set:
            values["week"] = _week(self.week)
        if "holidays" in self.model_fields_set:
            values["holidays"] = _holidays(self.holidays)
        return {name: values.get(name, getattr(self, name)) for name in self.model_fields_set}


class OfficeHoursOut(Output):
    """Office hours."""

    model_config = example(_SHOWN)

    id: UUID
    name: str
    time_zone: str
    week: WeekBody | None
    holidays: list[HolidayBody]
    closed_now: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, shown: RoutingObject) -> OfficeHoursOut:
        """Make it from the service's value."""
        hours = cast("OfficeHours", shown.settings)
        return cls(
            id=shown.id,
            name=shown.name,
            time_zone=hours.time_zone,
            week=WeekBody.of(hours.week) if hours.week else None,
            holidays=[HolidayBody.of(one) for one in hours.holidays],
            closed_now=hours.closed_now,
            created_at=shown.created_at,
            updated_at=shown.updated_at,
        )


class OfficeHoursPage(Output):
    """Some office hours, by name."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[OfficeHoursOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")


class MomentAsked(BaseModel):
    """Which moment is asked about."""

    model_config = ConfigDict(extra="forbid")

    at: MomentField = None


class HoursStateOut(Output):
    """What office hours say at a moment."""

    model_config = example({"at": "2026-03-02T09:00:00Z", "state": "open", "until": "2026-03-02T16:00:00Z"})

    at: datetime
    state: Literal["open", "closed", "holiday"]
    until: datetime | None = Field(
        description="When that changes; `null` if not within a year, or closed until it is taken back."
    )

    @classmethod
    def of(cls, state: HoursState) -> HoursStateOut:
        """Make it from the service's value."""
        words: dict[Hours, Literal["open", "closed", "holiday"]] = {
            Hours.OPEN: "open",
            Hours.CLOSED: "closed",
            Hours.HOLIDAY: "holiday",
        }
        return cls(at=state.at, state=words[state.hours], until=state.until)


def _week(body: WeekBody | None) -> dict[Weekday, tuple[TimeRange, ...]]:
    return {} if body is None else body.value()


def _holidays(bodies: list[HolidayBody]) -> tuple[Holiday, ...]:
    return tuple(body.value(f"holidays.{index}") for index, body in enumerate(bodies))


def _date(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(
            "No calendar has this day.", error_id="invalid-office-hours", field=field
        ) from error
