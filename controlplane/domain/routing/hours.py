"""Office hours and holidays: whether somebody is at work at a moment, right over changes of the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from controlplane.domain.errors import InvalidValue
from controlplane.domain.tenant import parse_time_zone
from controlplane.domain.text import parse_display_name

MINUTES_OF_A_DAY = 1440
_MAX_RANGES = 10
_MAX_HOLIDAYS = 400


class Hours(IntEnum):
    """What a moment is; the digit in the files that the switches read."""

    OPEN = 0
    CLOSED = 1
    HOLIDAY = 2


class Weekday(StrEnum):
    """The days, Monday first as `date.weekday` counts them."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEKDAYS = tuple(Weekday)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """From a minute to another one of the same day, local time; `end` 00:00 is midnight at its end."""

    start: time
    end: time

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute, and the first one after it."""
        end = self.end.hour * 60 + self.end.minute
        return (self.start.hour * 60 + self.start.minute, end or MINUTES_OF_A_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """Days on which nobody works, both ends included; `every_year` looks at month and day alone."""

    name: str
    first_day: date
    last_day: date
    every_year: bool = False

    def covers(self, day: date) -> bool:
        """Say whether a day is one of these."""
        if not self.every_year:
            return self.first_day <= day <= self.last_day
        first = (self.first_day.month, self.first_day.day)
        last = (self.last_day.month, self.last_day.day)
        at = (day.month, day.day)
        # One that goes on into the next year begins in the old one.
        return first <= at <= last if first <= last else at >= first or at <= last


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """When somebody is at work. A day without ranges is closed; without any `week` it is always open.

    `closed_now` closes until it is taken back, whatever the clock says. Without a `time_zone` it is that
    of the tenant, which is written down when the schedule is made.
    """

    time_zone: str
    week: dict[Weekday, tuple[TimeRange, ...]] = field(default_factory=dict)
    holidays: tuple[Holiday, ...] = ()
    closed_now: bool = False

    def check(self) -> None:
        """Raise InvalidValue (`invalid-office-hours`, naming the field)."""
        parse_time_zone(self.time_zone)
        for day, ranges in self.week.items():
            self._check_day(day, ranges)
        if len(self.holidays) > _MAX_HOLIDAYS:
            raise _invalid(f"There can be {_MAX_HOLIDAYS} holidays.", "holidays")
        for index, holiday in enumerate(self.holidays):
            parse_display_name(holiday.name, field=f"holidays.{index}.name")
            if not holiday.every_year and holiday.last_day < holiday.first_day:
                raise _invalid("A holiday ends on its first day or later.", f"holidays.{index}.last_day")

    @staticmethod
    def _check_day(day: Weekday, ranges: tuple[TimeRange, ...]) -> None:
        if len(ranges) > _MAX_RANGES:
            raise _invalid(f"A day can have {_MAX_RANGES} ranges.", f"week.{day.value}")
        before = 0
        numbered = enumerate(one.minutes for one in ranges)
        for index, (start, end) in sorted(numbered, key=lambda each: each[1]):
            if start >= end:
                raise _invalid("A range ends after it starts.", f"week.{day.value}.{index}.end")
            if start < before:
                raise _invalid("The ranges of a day do not overlap.", f"week.{day.value}.{index}.start")
            before = end

    def at(self, moment: datetime) -> Hours:
        """Say what a moment is; `moment` has a time zone."""
        if self.closed_now:
            return Hours.CLOSED
        local = moment.astimezone(ZoneInfo(self.time_zone))
        return self._day(local.date())(local.hour * 60 + local.minute)

    def _day(self, day: date) -> Callable[[int], Hours]:
        """Return what each minute of a local day is; holidays are looked through once for all of them."""
        if any(holiday.covers(day) for holiday in self.holidays):
            return lambda _: Hours.HOLIDAY
        if not self.week:
            return lambda _: Hours.OPEN
        ranges = [one.minutes for one in self.week.get(_WEEKDAYS[day.weekday()], ())]

        def at(minute: int) -> Hours:
            return Hours.OPEN if any(start <= minute < end for start, end in ranges) else Hours.CLOSED

        return at

    def next_change(self, moment: datetime, *, days: int = 370) -> datetime | None:
        """Return the first minute at which `at` says something else than at `moment`, in UTC.

        None if there is none within so many days, or while it is closed until that is taken back.
        """
        if self.closed_now or not (self.week or self.holidays):
            return None
        present = str(self.at(moment).value)
        start = moment.astimezone(UTC).replace(second=0, microsecond=0)
        first = start.hour * 60 + start.minute
        for ahead in range(days + 1):
            day = start.date() + timedelta(days=ahead)
            minutes = self.minutes_of(day)
            if minutes == present * MINUTES_OF_A_DAY:
                first = 0
                continue
            for minute in range(first, MINUTES_OF_A_DAY):
                if minutes[minute] != present:
                    return datetime.combine(day, time(), UTC) + timedelta(minutes=minute)
            first = 0
        return None

    def minutes_of(self, day: date, shift: timedelta = timedelta()) -> str:
        """Return the digits (`Hours`) of the 1440 minutes of a day in UTC; `closed_now` does not count.

        Each is that of the moment `shift` later.
        """
        start = datetime.combine(day, time(), UTC) + shift
        zone = ZoneInfo(self.time_zone)
        digits: list[str] = []
        days: dict[date, Callable[[int], Hours]] = {}
        at = 0
        while at < MINUTES_OF_A_DAY:
            local = (start + timedelta(minutes=at)).astimezone(zone)
            # Clocks are changed at quarters of an hour, so that one look at the zone serves them all.
            count = min(15 - local.minute % 15, MINUTES_OF_A_DAY - at)
            at_day = local.date()
            if at_day not in days:
                days[at_day] = self._day(at_day)
            digits.append(self._minutes(at_day, days[at_day], local.hour * 60 + local.minute, count))
            at += count
        return "".join(digits)

    def _minutes(self, day: date, hours: Callable[[int], Hours], first: int, count: int) -> str:
        ranges = self.week.get(_WEEKDAYS[day.weekday()], ())
        edges = (edge for one in ranges for edge in one.minutes)
        if not any(first < edge < first + count for edge in edges):
            return str(hours(first).value) * count
        return "".join(str(hours(minute).value) for minute in range(first, first + count))


ALWAYS_OPEN = OfficeHours(time_zone="UTC")


def _invalid(sentence: str, field_path: str) -> InvalidValue:
    return InvalidValue(sentence, error_id="invalid-office-hours", field=field_path)
