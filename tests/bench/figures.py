"""What was timed, in milliseconds, and how it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


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
        middle = f"{self.percentile(50):9.1f} {self.percentile(95):9.1f}"
        return f"  {self.name:<34} {len(self.seconds):5d} {middle} {low:9.1f} {high:9.1f}"


def table(title: str, ours: Figures, baseline: Figures) -> str:
    """Return both, and how many times longer ours takes."""
    head = f"  {'ms':<34} {'calls':>5} {'p50':>9} {'p95':>9} {'min':>9} {'max':>9}"
    ratios = [ours.percentile(percent) / baseline.percentile(percent) for percent in (50, 95)]
    more = [ours.percentile(percent) - baseline.percentile(percent) for percent in (50, 95)]
    return "\n".join(
        [
            title,
            head,
            ours.line(),
            baseline.line(),
            f"  {'ratio':<40} {ratios[0]:9.2f} {ratios[1]:9.2f}",
            f"  {'difference':<40} {more[0]:9.1f} {more[1]:9.1f}",
        ]
    )
