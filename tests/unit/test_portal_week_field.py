"""The week of office hours as lines of text: what people type is understood, what is none stays as it is."""

from __future__ import annotations

import pytest
from controlplane.web.api.schemas_office_hours import WeekBody
from controlplane.web.portal.week_field import DAYS, Bar, WeekField, bars_of, ranges_of
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("line", "ranges"),
    [
        ("", []),
        ("09:00-17:00", [("09:00", "17:00")]),
        ("9-17", [("09:00", "17:00")]),
        (" 9.30 \u2013 17.15 ", [("09:30", "17:15")]),
        ("9h-17h", [("9h-17h", "")]),
        ("8-12, 13-17:30", [("08:00", "12:00"), ("13:00", "17:30")]),
        ("8-12;13-17", [("08:00", "12:00"), ("13:00", "17:00")]),
        ("8-12 13-17", [("08:00", "12:00"), ("13:00", "17:00")]),
        ("0-24", [("00:00", "24:00")]),
        ("25-30", [("25:00", "30:00")]),
        ("closed", [("closed", "")]),
        ("9-", [("9-", "")]),
    ],
)
def test_line_is_read(line: str, ranges: list[tuple[str, str]]) -> None:
    """Hours without minutes, dots, dashes of all lengths; what is no range stays for the schema to refuse."""
    assert ranges == [(one["start"], one["end"]) for one in ranges_of(line)]


_MINUTE = st.integers(min_value=0, max_value=24 * 60)


@given(st.lists(_MINUTE, max_size=20, unique=True))
def test_week_is_the_same_after_the_form(minutes: list[int]) -> None:
    """Ranges that the schema takes are written and read as they are."""
    edges = sorted(minutes)
    texts = [f"{one // 60:02}:{one % 60:02}" for one in edges]
    ranges = [{"start": start, "end": end} for start, end in zip(texts[::2], texts[1::2], strict=False)]
    week = {day: ranges if day == "monday" else [] for day in DAYS}

    assert week == WeekField().body("week", WeekField().entries("week", week))
    assert [one - other for one, other in zip(edges[1::2], edges[::2], strict=False)] == [
        bar.length for bar in bars_of(WeekField().entries("week", week)["week-monday"])
    ]


def test_no_week_is_always_open() -> None:
    """Null of the REST API is a choice of its own."""
    field = WeekField()

    assert None is field.body("week", field.entries("week", None))


def test_hostile_lines_are_refused_by_the_schema() -> None:
    """Nothing of it is taken for a range, and nothing of it is in the picture."""
    taken = []
    for text in HOSTILE_TEXTS:
        try:
            read = WeekBody.model_validate({"monday": ranges_of(text)})
        except ValidationError:
            continue
        if read.monday or bars_of(text):
            taken.append(text)

    assert [] == taken


def test_picture_leaves_out_what_is_no_time() -> None:
    """A range beyond midnight or backwards has no bar; others of the line have."""
    assert [Bar(start=480, length=240)] == bars_of("8-12, 17-9, 20-30, ½-3")
