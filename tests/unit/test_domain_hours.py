"""Office hours at a moment, in any time zone, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.hours import (
    MINUTES_OF_A_DAY,
    Holiday,
    Hours,
    OfficeHours,
    TimeRange,
    Weekday,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

# Half an hour of summer time, one that Ramadan interrupts, quarters of an hour, a skipped day, and others.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
# Days on which clocks are changed somewhere above, and the day that Apia did not have.
CHANGES = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 4),
    date(2026, 4, 5),
    date(2026, 10, 3),
    date(2026, 2, 15),
    date(2026, 3, 22),
    date(2011, 12, 29),
    date(2011, 12, 30),
    date(2011, 12, 31),
)
NINE_TO_FIVE = (TimeRange(start=time(9), end=time(17)),)
WEEKDAYS = dict.fromkeys(list(Weekday)[:5], NINE_TO_FIVE)


@st.composite
def days_of_work(draw: st.DrawFn) -> tuple[TimeRange, ...]:
    """Draw up to three ranges of a day that do not overlap."""
    edges = sorted(draw(st.sets(st.integers(0, MINUTES_OF_A_DAY), min_size=0, max_size=6)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(
        TimeRange(start=time(start // 60, start % 60), end=time(end % MINUTES_OF_A_DAY // 60, end % 60))
        for start, end in pairs
    )


@st.composite
def schedules(draw: st.DrawFn) -> OfficeHours:
    """Draw office hours that pass their check."""
    week = draw(st.dictionaries(st.sampled_from(Weekday), days_of_work(), max_size=7))
    around = st.dates(date(2025, 12, 1), date(2027, 2, 1))
    holidays = []
    for first in draw(st.lists(around, max_size=3)):
        length = timedelta(days=draw(st.integers(0, 20)))
        every_year = draw(st.booleans())
        holidays.append(Holiday(name="x", first_day=first, last_day=first + length, every_year=every_year))
    made = OfficeHours(time_zone=draw(st.sampled_from(ZONES)), week=week, holidays=tuple(holidays))
    made.check()
    return made


@settings(max_examples=150, deadline=None)
@given(schedule=schedules(), day=st.sampled_from(CHANGES) | st.dates(date(2026, 1, 1), date(2027, 1, 1)))
@example(
    schedule=OfficeHours(time_zone="Australia/Lord_Howe", week=dict.fromkeys(Weekday, NINE_TO_FIVE)),
    day=date(2026, 10, 3),
)
def test_the_minutes_of_a_day_are_those_of_its_moments(schedule: OfficeHours, day: date) -> None:
    """What the files say for each minute is what is said of that moment, seconds included."""
    start = datetime.combine(day, time(), UTC)
    one_by_one = "".join(
        str(schedule.at(start + timedelta(minutes=minute, seconds=59)).value)
        for minute in range(MINUTES_OF_A_DAY)
    )

    assert one_by_one == schedule.minutes_of(day)


@settings(max_examples=50, deadline=None)
@given(schedule=schedules(), minutes=st.integers(-600_000, 600_000))
def test_a_shift_moves_the_minutes(schedule: OfficeHours, minutes: int) -> None:
    """A day written for a shifted clock says what the shifted moments say."""
    shift = timedelta(minutes=minutes)
    start = datetime(2026, 6, 1, tzinfo=UTC)
    shown = schedule.minutes_of(start.date(), shift)

    for minute in (0, 1, 719, 1438, 1439):
        moment = start + timedelta(minutes=minute) + shift
        assert str(schedule.at(moment).value) == shown[minute]


@settings(max_examples=60, deadline=None)
@given(schedule=schedules(), minute=st.integers(0, 365 * MINUTES_OF_A_DAY))
def test_the_next_change_is_the_first(schedule: OfficeHours, minute: int) -> None:
    """At the next change something else is said, and at no minute before it that is looked at."""
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    changed = schedule.next_change(moment, days=30)
    until = changed or moment + timedelta(days=30)
    before = {
        schedule.at(moment + (until - moment) * part / 50).value
        for part in range(50)
    }  # fmt: skip

    assert {schedule.at(moment).value} == before
    assert changed is None or schedule.at(changed) is not schedule.at(moment)


@pytest.mark.parametrize(
    ("local", "hours"),
    [
        ("2026-03-02T08:59", Hours.CLOSED),
        ("2026-03-02T09:00", Hours.OPEN),
        ("2026-03-02T16:59", Hours.OPEN),
        ("2026-03-02T17:00", Hours.CLOSED),
        ("2026-03-07T12:00", Hours.CLOSED),
        ("2026-12-25T12:00", Hours.HOLIDAY),
        ("2027-12-26T23:59", Hours.HOLIDAY),
        ("2026-12-27T00:00", Hours.CLOSED),
        # The days on which Berlin changes its clocks, and those before and after.
        ("2026-03-30T09:00", Hours.OPEN),
        ("2026-03-30T08:59", Hours.CLOSED),
        ("2026-10-26T16:59", Hours.OPEN),
        ("2026-10-26T17:00", Hours.CLOSED),
    ],
)
def test_edges(local: str, hours: Hours) -> None:
    """Work begins with its first minute and ends before its last one, by the clock on the wall."""
    schedule = OfficeHours(
        time_zone="Europe/Berlin",
        week=WEEKDAYS,
        holidays=(
            Holiday(
                name="Christmas",
                first_day=date(2026, 12, 25),
                last_day=date(2026, 12, 26),
                every_year=True,
            ),
        ),
    )
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin"))

    assert hours is schedule.at(moment)


def test_a_holiday_over_the_turn_of_the_year() -> None:
    """One that is kept every year goes on into the next."""
    holiday = Holiday(name="Winter", first_day=date(2026, 12, 24), last_day=date(2027, 1, 2), every_year=True)

    assert [False, True, True, True, False] == [
        holiday.covers(day)
        for day in (
            date(2029, 12, 23),
            date(2029, 12, 24),
            date(2030, 1, 1),
            date(2030, 1, 2),
            date(2030, 1, 3),
        )
    ]


def test_closed_now_wins_over_clock_and_holiday() -> None:
    """While it is closed by hand, it is closed; nobody knows until when."""
    schedule = OfficeHours(time_zone="UTC", closed_now=True)
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert (Hours.CLOSED, None) == (schedule.at(now), schedule.next_change(now))


def test_without_a_week_it_is_open_but_on_holidays() -> None:
    """A week that says nothing is open; a day of a week that says something is closed without ranges."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    day = Holiday(name="x", first_day=now.date(), last_day=now.date())

    assert [Hours.OPEN, Hours.HOLIDAY, Hours.CLOSED] == [
        OfficeHours(time_zone="UTC").at(now),
        OfficeHours(time_zone="UTC", holidays=(day,)).at(now),
        OfficeHours(time_zone="UTC", week={Weekday.TUESDAY: NINE_TO_FIVE}).at(now),
    ]


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (OfficeHours(time_zone="Mars/Olympus"), "time_zone"),
        (OfficeHours(time_zone="UTC", week={Weekday.MONDAY: (TimeRange(start=time(9), end=time(9)),)}),
         "week.monday.0.end"),
        (OfficeHours(time_zone="UTC", week={Weekday.MONDAY: (
            TimeRange(start=time(9), end=time(12)), TimeRange(start=time(11), end=time(13)))}),
         "week.monday.1.start"),
        (OfficeHours(time_zone="UTC", week={Weekday.MONDAY: tuple(
            TimeRange(start=time(n), end=time(n, 30)) for n in range(11))}), "week.monday"),
        (OfficeHours(time_zone="UTC", holidays=(
            Holiday(name="x", first_day=date(2026, 1, 2), last_day=date(2026, 1, 1)),)),
         "holidays.0.last_day"),
        (OfficeHours(time_zone="UTC", holidays=(
            Holiday(name="x\n", first_day=date(2026, 1, 2), last_day=date(2026, 1, 2)),)), None),
        (OfficeHours(time_zone="UTC", holidays=(
            Holiday(name="x", first_day=date(2026, 1, 1), last_day=date(2026, 1, 1)),) * 401), "holidays"),
        (OfficeHours(time_zone="UTC", holidays=(
            Holiday(name="\u202ex", first_day=date(2026, 1, 2), last_day=date(2026, 1, 2)),)),
         "holidays.0.name"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(schedule: OfficeHours, field: str | None) -> None:
    """The error names the field; blanks around a name are none of its business."""
    if field is None:
        schedule.check()
        return
    with pytest.raises(InvalidValue) as refused:
        schedule.check()

    assert field == refused.value.field


class _Asked(Holiday):
    """A holiday that notes the days it was asked about."""

    asked: ClassVar[list[date]] = []

    def covers(self, day: date) -> bool:
        """Say whether a day is one of these."""
        self.asked.append(day)
        return super().covers(day)


def test_holidays_are_looked_through_once_a_day() -> None:
    """Of each of a day's 1440 minutes four hundred holidays would be asked, of a year's days for seconds."""
    holiday = _Asked(name="x", first_day=date(2020, 1, 1), last_day=date(2020, 1, 1))
    schedule = OfficeHours(time_zone="Europe/Berlin", holidays=(holiday,))
    schedule.minutes_of(date(2026, 3, 2))

    assert [date(2026, 3, 2), date(2026, 3, 3)] == _Asked.asked
