"""Office hours in words: what they say at a moment, and in which order holidays come."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from controlplane.domain.routing.hours import Holiday, OfficeHours, TimeRange, Weekday
from controlplane.web.portal.hours_words import day_names, holiday_lines, next_holiday, state_in_words
from controlplane.web.portal.words import Catalogues

ENGLISH, GERMAN = (Catalogues().of(tag) for tag in ("en", "de"))
NINE_TO_FIVE = (TimeRange(start=time(9), end=time(17)),)
WEEK = dict.fromkeys(list(Weekday)[:5], NINE_TO_FIVE)
CHRISTMAS = Holiday(
    name="Christmas", first_day=date(2020, 12, 25), last_day=date(2020, 12, 26), every_year=True
)
TURN = Holiday(name="Turn", first_day=date(2020, 12, 31), last_day=date(2020, 1, 1), every_year=True)
LEAP = Holiday(name="Leap", first_day=date(2024, 2, 29), last_day=date(2024, 2, 29), every_year=True)
ONCE = Holiday(name="Once", first_day=date(2026, 3, 2), last_day=date(2026, 3, 3))


@pytest.mark.parametrize(
    ("hours", "now", "told"),
    [
        (OfficeHours(time_zone="UTC", week=WEEK), datetime(2026, 3, 2, 10, tzinfo=UTC), "Geöffnet bis 17:00"),
        (
            OfficeHours(time_zone="UTC", week=WEEK),
            datetime(2026, 3, 6, 18, tzinfo=UTC),
            "Geschlossen bis Mo. 09:00",
        ),
        (
            OfficeHours(time_zone="Europe/Berlin", week=WEEK, holidays=(CHRISTMAS,)),
            datetime(2026, 12, 25, 10, tzinfo=UTC),
            "Geschlossen, Feiertag, bis So. 00:00",
        ),
        (OfficeHours(time_zone="UTC"), datetime(2026, 3, 2, 10, tzinfo=UTC), "Geöffnet"),
        (
            OfficeHours(time_zone="UTC", week=WEEK, closed_now=True),
            datetime(2026, 3, 2, 10, tzinfo=UTC),
            "Von Hand geschlossen",
        ),
    ],
)
def test_state_is_told_with_its_end(hours: OfficeHours, now: datetime, told: str) -> None:
    """By the clock of the office; without a day where it ends today, without an end where there is none."""
    assert told == state_in_words(hours, now, GERMAN)


def test_holidays_are_in_the_order_in_which_they_come() -> None:
    """Those of every year by their next time, those that are over at the end; `place` is the stored one."""
    lines = holiday_lines((CHRISTMAS, ONCE, TURN, LEAP), date(2026, 3, 4), ENGLISH)

    assert [("Christmas", 0), ("Turn", 2), ("Leap", 3), ("Once", 1)] == [
        (line.name, line.place) for line in lines
    ]
    assert [False, False, False, True] == [line.over for line in lines]


def test_holiday_that_goes_on_into_the_next_year_is_now_on_its_last_day() -> None:
    """On New Year's Day it began in the old year."""
    line = next_holiday((TURN, CHRISTMAS), date(2026, 1, 1), ENGLISH)

    assert line is not None
    assert ("Turn", date(2025, 12, 31)) == (line.name, line.first)


def test_29_february_comes_where_there_is_one() -> None:
    """Alone it waits for a leap year; as a part of others it is left out elsewhere."""
    several = Holiday(
        name="Several", first_day=date(2024, 2, 28), last_day=date(2024, 2, 29), every_year=True
    )
    alone = next_holiday((LEAP,), date(2026, 3, 4), ENGLISH)
    part = next_holiday((several,), date(2026, 3, 4), ENGLISH)

    assert alone is not None
    assert part is not None
    assert (date(2028, 2, 29), date(2027, 2, 28)) == (alone.first, part.first)


def test_no_holiday_is_next_where_all_are_over() -> None:
    """One that was only once does not come again."""
    assert None is next_holiday((ONCE,), date(2026, 3, 4), ENGLISH)


def test_days_are_named_in_the_language_of_the_person() -> None:
    """Monday comes first, by the names that are stored."""
    assert [("monday", "Montag"), ("sunday", "Sonntag")] == [day_names(GERMAN)[0], day_names(GERMAN)[-1]]
