"""How a trunk is now: what the switch says of its registration at the provider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TrunkState(StrEnum):
    """What an administrator wants to know of a trunk."""

    REGISTERED = "registered"
    TRYING = "trying"
    """Asked for, without an answer yet."""
    FAILED = "failed"
    """The provider refuses us, or cannot be reached; we are asking again."""
    BY_ADDRESS = "by_address"
    """There is no registration: calls come from its addresses."""
    DISABLED = "disabled"
    NOT_PUBLISHED = "not_published"
    """The switch does not know it, or not yet."""
    UNKNOWN = "unknown"
    """The switch did not say it in time, or there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the switch says of one registration, in its own word too; `retry_seconds` until it asks again."""

    state: TrunkState
    said: str
    retry_seconds: int | None = None
