"""The values of a simulated call: what may be met, what phones and the caller do, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import Hours, OfficeHours
from controlplane.domain.routing.inbound_rule import InboundRule


class PhoneState(StrEnum):
    """What the phones of an extension do with a call."""

    ANSWERED = "answered"
    BUSY = "busy"
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    UNREGISTERED = "unregistered"


class Result(StrEnum):
    """How the call ends."""

    ANSWERED = "answered"
    MAILBOX = "mailbox"
    MAILBOX_DISABLED = "mailbox_disabled"
    LOG_IN = "log_in"
    HUNG_UP = "hung_up"
    CUT = "cut"
    UNKNOWN_NUMBER = "unknown_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A number: its kind, its name, and its plan by the names of `plan.FIELDS`.

    The rest is a mailbox's: the number of its `operator`, and whether callers may `log_in` from its greeting.
    """

    kind: NumberKind
    name: str
    plan: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    operator: str = ""
    log_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """An inbound rule, its schedule's id, and its destinations as tokens, one for each of `Hours`."""

    name: str
    rule: InboundRule
    hours: str
    tokens: tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What a receptionist does by keys: tokens for each of `Hours` by the keys, and what follows silence."""

    keys: Mapping[str, tuple[str, str, str]]
    dial_extensions: bool
    timeout_seconds: int
    timeout_repeats: int
    timeout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All that may be met. Rules are in any order; `extensions` are all that can be dialled by keys."""

    lines: Mapping[str, Line]
    rules: Sequence[RuleLine] = ()
    receptions: Mapping[str, Reception] = field(default_factory=dict)
    hours: Mapping[str, OfficeHours] = field(default_factory=dict)
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCall:
    """A call: to a DID from outside, or to a number; and what phones and the caller do.

    `states` are by number, `others` is the state of all that are not named. `full` are queues that have as
    many callers as they take. `keys` are what the caller presses, each entry without a pause in it.
    """

    at: datetime
    caller: str = ""
    did: str | None = None
    to: str | None = None
    trunk: str | None = None
    states: Mapping[str, PhoneState] = field(default_factory=dict)
    others: PhoneState = PhoneState.ANSWERED
    full: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object that the call met: what rang there and how long, why it went on, and where to (a token)."""

    kind: str
    number: str | None
    name: str
    hours: Hours | None = None
    rang: tuple[str, ...] = ()
    key: str | None = None
    reason: ReachedReason | None = None
    seconds: int | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The steps, how it ended and where, after how many seconds of ringing and waiting.

    `cause` is why it was hung up: `normal`, `busy`, `no_answer` or `not_registered`. `reached_by` is what a
    message would carry. `by_chance` says that a random order decided, of which one was taken.
    """

    steps: tuple[Step, ...]
    result: Result
    number: str | None
    cause: str | None
    seconds: int
    reached_by: ReachedBy
    by_chance: bool

    def way_to(self, place: int) -> ReachedBy:
        """Return by which way the call came to the object of a step."""
        passed = sum(step.reason is not None for step in self.steps[:place])
        path = self.reached_by.path[:passed]
        reason = path[-1].reason if path else ReachedReason.DIRECT
        return ReachedBy(did=self.reached_by.did, reason=reason, path=path)
