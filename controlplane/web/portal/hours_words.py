"""Office hours in the words of the person: what they say now, their holidays, the days of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import dates

from controlplane.domain.routing.hours import Holiday, Hours, OfficeHours, Weekday
from controlplane.web.portal.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayLine:
    """A holiday in a list; `place` is its place in what is stored, `first` its first day that is not over."""

    place: int
    name: str
    days: str
    every_year: bool
    over: bool
    first: date
    following: str


def state_in_words(hours: OfficeHours, now: datetime, words: Words) -> str:
    """Say what a moment is, and until when: `Open until 17:00`."""
    state = hours.at(now)
    key = "closed-by-hand" if hours.closed_now else state.name.lower()
    until = None if hours.closed_now else hours.next_change(now, days=8)
    if until is None:
        return words(f"hours.now-{key}")
    zone = ZoneInfo(hours.time_zone)
    local, today = until.astimezone(zone), now.astimezone(zone).date()
    time = dates.format_time(local, "short", tzinfo=zone, locale=words.locale)
    if local.date() != today:
        time = f"{dates.format_date(local.date(), 'EEE', locale=words.locale)} {time}"
    return words(f"hours.now-{key}-until", until=time)


def is_open(hours: OfficeHours, now: datetime) -> bool:
    """Say whether somebody is at work."""
    return hours.at(now) is Hours.OPEN


def day_names(words: Words) -> list[tuple[str, str]]:
    """Return the days of the week, as they are stored and in words."""
    names = dates.get_day_names("wide", locale=words.locale)
    return [(day.value, str(names[place])) for place, day in enumerate(Weekday)]


def holiday_lines(holidays: Sequence[Holiday], today: date, words: Words) -> list[HolidayLine]:
    """Return holidays in the order in which they come; those that are over at the end."""
    lines = [_line(place, one, today, words) for place, one in enumerate(holidays)]
    return sorted(lines, key=lambda line: (line.over, line.first, line.name))


def next_holiday(holidays: Sequence[Holiday], today: date, words: Words) -> HolidayLine | None:
    """Return the one that comes next, if one does."""
    coming = [line for line in holiday_lines(holidays, today, words) if not line.over]
    return coming[0] if coming else None


def _line(place: int, one: Holiday, today: date, words: Words) -> HolidayLine:
    first, last = (one.first_day, one.last_day) if not one.every_year else _coming(one, today)
    skeleton = "MMMd" if one.every_year else "yMMMd"
    return HolidayLine(
        place=place,
        name=one.name,
        days=_interval(one.first_day if not one.every_year else first, last, skeleton, words),
        every_year=one.every_year,
        over=last < today,
        first=first,
        following=str(dates.format_skeleton("yMMMEd", first, locale=words.locale)),
    )


def _interval(first: date, last: date, skeleton: str, words: Words) -> str:
    if first == last:
        return str(dates.format_skeleton(skeleton, first, locale=words.locale))
    return str(dates.format_interval(first, last, skeleton, locale=words.locale))


def _coming(one: Holiday, today: date) -> tuple[date, date]:
    """Return when one of every year is the next time, or now."""
    goes_on = (one.last_day.month, one.last_day.day) < (one.first_day.month, one.first_day.day)
    first, last = one.first_day, one.last_day
    # 29 February alone comes each fourth year, and once there are eight between.
    for year in range(today.year - 1, today.year + 9):
        first = _in_year(one.first_day, year, instead=(3, 1))
        last = _in_year(one.last_day, year + goes_on, instead=(2, 28))
        if first <= last and last >= today:
            break
    return first, last


def _in_year(day: date, year: int, *, instead: tuple[int, int]) -> date:
    """Return a day in another year, `instead` of 29 February where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, *instead)
