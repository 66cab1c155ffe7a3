"""What the bench makes of its times."""

from __future__ import annotations

import pytest
from tests.bench.figures import Figures, slope, table

pytestmark = pytest.mark.unit


def test_percentiles_are_nearest_ranks() -> None:
    """Of 100 times, p99 is the 99th in order, in milliseconds, and p100 the last."""
    figures = Figures("ours", [number / 1000 for number in range(100, 0, -1)])

    assert [50.0, 99.0, 100.0] == [figures.percentile(percent) for percent in (50, 99, 100)]


def test_one_time_is_every_percentile() -> None:
    """A single time is the median and all else."""
    figures = Figures("ours", [0.02])

    assert [20.0, 20.0] == [figures.percentile(percent) for percent in (1, 99)]


def test_each_baseline_has_its_ratio() -> None:
    """Beside each baseline stands how much ours is of it, and the difference."""
    lines = table("title", Figures("ours", [0.05]), Figures("a", [0.1]), Figures("b", [0.025])).splitlines()

    assert ["title", 4, "0.50", "-50.0", "2.00", "25.0"] == [
        lines[0],
        sum("ours" in line for line in lines[3:]),
        lines[4].split()[-1],
        lines[5].split()[-1],
        lines[7].split()[-1],
        lines[8].split()[-1],
    ]


def test_slope_is_that_of_a_line() -> None:
    """Points on a line give its slope, whatever its height."""
    assert 3.0 == pytest.approx(slope([(0, 7), (25, 82), (50, 157), (100, 307)]))
