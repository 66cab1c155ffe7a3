"""How long messages are kept, and how many a mailbox may hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controlplane.domain.errors import InvalidValue

DEFAULT_RETAIN_DAYS: Final = 30
LIMITS: Final = {
    "retain_days": range(3651),
    "trash_days": range(1, 3651),
    "max_messages": range(100_001),
    "max_total_seconds": range(36_000_001),
}
"""The limits of a tenant or a mailbox, and what they may be; 0 is no limit."""
WARNED_PERCENT: Final = 80
FULL_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many messages a mailbox may hold, and how many seconds of them; 0: as many as come."""

    messages: int = 0
    seconds: int = 0

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self.messages or self.seconds)

    def percent(self, used: Usage) -> int:
        """Return how full a mailbox is, by what is nearer to its limit; 100 and more: it is full."""
        shares = [0]
        if self.messages:
            shares.append(used.messages * 100 // self.messages)
        if self.seconds:
            shares.append(used.duration_ms // 10 // self.seconds)
        return max(shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a mailbox holds, the trash aside."""

    messages: int = 0
    duration_ms: int = 0


class Fullness(StrEnum):
    """Whether there is room in a mailbox: from WARNED_PERCENT on it is almost full, and then full."""

    ROOM = "room"
    ALMOST_FULL = "almost_full"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How full a mailbox is. Seconds are known only where they are limited."""

    quota: Quota = Quota()
    used: Usage = Usage()

    @property
    def percent(self) -> int:
        """How much of what it may hold, by what is nearer to its limit; 0 without one."""
        return self.quota.percent(self.used)

    @property
    def fullness(self) -> Fullness:
        """Whether there is room."""
        if self.percent >= FULL_PERCENT:
            return Fullness.FULL
        return Fullness.ALMOST_FULL if self.percent >= WARNED_PERCENT else Fullness.ROOM


def check_limit(value: int | None, field: str) -> None:
    """Raise InvalidValue (`out-of-range`) for a limit that cannot be."""
    allowed = LIMITS[field]
    if value is not None and value not in allowed:
        raise InvalidValue(
            f"This is a number from {allowed.start} to {allowed.stop - 1}.",
            error_id="out-of-range",
            field=field,
        )
