"""The week of office hours in a form: a line for each day, such as `9-12:30, 13:30-17`, and its picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from babel import dates

from controlplane.domain.routing.hours import MINUTES_OF_A_DAY, Weekday
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Form
from controlplane.web.portal.words import Words

ALWAYS: Final = "always"
BY_WEEK: Final = "week"
DAYS: Final = tuple(day.value for day in Weekday)
_BETWEEN_RANGES = re.compile(r"[,;\n]|\s+(?=[0-9]{1,2}(?:[:.][0-9]{2})?\s*[-\u2013\u2014])")
_TIME = r"\s*([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*"
_RANGE = re.compile(rf"{_TIME}[-\u2013\u2014]{_TIME}", re.ASCII)
_WORKING: Final = DAYS[1:5]
_LONGEST: Final = 200
_MINUTES_OF_AN_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A range of a day in the picture, in minutes from midnight."""

    start: int
    length: int


class WeekField:
    """`week-kind` is always or by week, `week-monday` and the others are the lines of the days."""

    control: str = "week"

    def entries(self, name: str, value: Any) -> Entries:
        """Return the lines of a week as the REST API has it; none is always open."""
        week: Mapping[str, Sequence[Mapping[str, str]]] = value or {}
        found = {f"{name}-kind": BY_WEEK if value else ALWAYS}
        return found | {f"{name}-{day}": line_of(week.get(day, ())) for day in DAYS}

    def sent(self, name: str, form: Form) -> Entries:
        """Return the lines as a form sent them; a button of it makes all working days like the first."""
        found = {f"{name}-kind": form.text(f"{name}-kind")}
        lines = {f"{name}-{day}": form.text(f"{name}-{day}")[:_LONGEST].strip() for day in DAYS}
        if form.text("do") == f"same {name}":
            lines |= {f"{name}-{day}": lines[f"{name}-{DAYS[0]}"] for day in _WORKING}
        return found | lines

    def body(self, name: str, entries: Entries) -> Any:
        """Return the week for the schema; what is no range stays text, which the schema refuses."""
        if entries.get(f"{name}-kind") == ALWAYS:
            return None
        return {day: ranges_of(entries.get(f"{name}-{day}", "")) for day in DAYS}

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield nothing: a week names no number."""
        yield from ()

    def in_words(self, name: str, entries: Entries, words: Words) -> str:
        """Say what is stored: that it is always open, or the times of each day that has some."""
        if entries.get(f"{name}-kind") == ALWAYS:
            return words("office-hours-week.always")
        names = dates.get_day_names("abbreviated", locale=words.locale)
        lines = [(str(names[place]), entries.get(f"{name}-{day}")) for place, day in enumerate(DAYS)]
        return "; ".join(f"{called} {line}" for called, line in lines if line) or words("hours.now-closed")

    def bars(self, name: str, entries: Entries, day: str) -> list[Bar]:
        """Return the picture of a day as it stands in the form."""
        if entries.get(f"{name}-kind") == ALWAYS:
            return [Bar(start=0, length=MINUTES_OF_A_DAY)]
        return bars_of(entries.get(f"{name}-{day}", ""))


def line_of(ranges: Sequence[Mapping[str, str]]) -> str:
    """Write the ranges of a day in a line."""
    return ", ".join(f"{one['start']}-{one['end']}" for one in ranges)


def ranges_of(line: str) -> list[dict[str, str]]:
    """Read a line: hours alone are whole ones, a dot is as good as a colon; empty is closed."""
    parts = [part for part in _BETWEEN_RANGES.split(line.strip()) if part.strip()]
    return [_range(part) for part in parts]


def bars_of(line: str) -> list[Bar]:
    """Return the picture of a day; what is no range is not in it."""
    bars = []
    for one in ranges_of(line):
        start, end = _minutes(one["start"]), _minutes(one["end"])
        if start is not None and end is not None and 0 <= start < end <= MINUTES_OF_A_DAY:
            bars.append(Bar(start=start, length=end - start))
    return bars


def _range(text: str) -> dict[str, str]:
    found = _RANGE.fullmatch(text)
    if found is None:
        return {"start": text.strip(), "end": ""}
    first, first_minute, last, last_minute = found.groups()
    return {
        "start": f"{int(first):02}:{first_minute or '00'}",
        "end": f"{int(last):02}:{last_minute or '00'}",
    }


def _minutes(text: str) -> int | None:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()):
        return None
    return int(hours) * _MINUTES_OF_AN_HOUR + int(minutes)
