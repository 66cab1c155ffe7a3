"""What was timed, in milliseconds, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

PERCENTILES = (50, 95, 99)


@dataclass
class Figures:
    """Times of the same thing, in seconds as they come in."""

    name: str
    seconds: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """Return the nearest rank, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1000

    def line(self) -> str:
        """Return a line of the table."""
        low, high = min(self.seconds) * 1000, max(self.seconds) * 1000
        middle = " ".join(f"{self.percentile(percent):9.1f}" for percent in PERCENTILES)
        return f"  {self.name:<34} {len(self.seconds):5d} {middle} {low:9.1f} {high:9.1f}"


def table(title: str, ours: Figures, *baselines: Figures) -> str:
    """Return all of them, and beside each baseline how much ours is of it and how much longer it takes."""
    head = " ".join(f"{f'p{percent}':>9}" for percent in PERCENTILES)
    lines = [title, f"  {'ms':<34} {'calls':>5} {head} {'min':>9} {'max':>9}", ours.line()]
    for baseline in baselines:
        lines.append(baseline.line())
        pairs = [(ours.percentile(percent), baseline.percentile(percent)) for percent in PERCENTILES]
        ratios = " ".join(f"{own / other:9.2f}" for own, other in pairs)
        more = " ".join(f"{own - other:9.1f}" for own, other in pairs)
        lines += [f"    {'ours is of that':<38} {ratios}", f"    {'ours minus that':<38} {more}"]
    return "\n".join(lines)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much the second value grows with the first one (least squares)."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
