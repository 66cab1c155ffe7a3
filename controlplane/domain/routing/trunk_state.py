"""How a trunk is now: what the switch says of its registration at the provider, and what he answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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


class Failure(StrEnum):
    """Why a registration failed."""

    REFUSED = "refused"
    """The provider answered, and not with a yes."""
    UNREACHABLE = "unreachable"
    """Nobody answered, or there is no such host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the switch says of one registration, in its own word too; `retry_seconds` until it asks again."""

    state: TrunkState
    said: str
    retry_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one try to register ended; a switch that does not say the code or the failure leaves them out."""

    registered: bool
    sip_code: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardAnswer:
    """How a try to register ended, as the switch tells it when it does."""

    trunk_id: UUID
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """The last answer that is known of a trunk; `since` when it is registered, or is not."""

    answer: Answer
    since: datetime
