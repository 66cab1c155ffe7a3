"""A call queue: callers wait for an agent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number
from controlplane.domain.routing.destination import HANGUP, Destination, Pointer, pointers_of

_MAX_AGENTS = 200
# Asterisk reads no more than 4,095 characters of a plan, and its other lines need up to five hundred.
_LONGEST_AGENTS = 3500
_BOUNDS = {
    "ring_seconds": (5, 300),
    "wrap_up_seconds": (0, 3600),
    "max_wait_seconds": (15, 65535),
    "max_callers": (0, 1000),
}
EXIT_KEYS = "0123456789*#"


class QueueStrategy(StrEnum):
    """Which agent is offered a caller."""

    RING_ALL = "ring_all"
    IN_ORDER = "in_order"
    ROUND_ROBIN = "round_robin"
    LEAST_WORKED = "least_worked"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueue:
    """What a call queue does with a call.

    `no_answer` follows when `max_wait_seconds` are over. Without an agent who is logged in and whose phone
    is registered a caller goes to `no_agents` (None: to `no_answer`) at once, or waits all the same if
    `wait_without_agents`. With `max_callers` waiting (0: no limit) the next one goes to `full` (None: to
    `no_answer`). A caller who presses `exit_key` goes to `exit`. `office_hours` and `closed` are as in a
    ring group.
    """

    agents: tuple[str, ...] = ()
    strategy: QueueStrategy = QueueStrategy.RING_ALL
    ring_seconds: int = 20
    wrap_up_seconds: int = 10
    max_wait_seconds: int = 300
    no_answer: Destination = HANGUP
    wait_without_agents: bool = False
    no_agents: Destination | None = None
    max_callers: int = 0
    full: Destination | None = None
    exit_key: str | None = None
    exit: Destination | None = None
    office_hours: str | None = None
    closed: Destination | None = None

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        if len(self.agents) > _MAX_AGENTS:
            raise InvalidValue(
                f"A call queue has {_MAX_AGENTS} agents at most.", error_id="too-many", field="agents"
            )
        if sum(len(agent) + 1 for agent in self.agents) > _LONGEST_AGENTS:
            raise InvalidValue(
                "The numbers of these agents are too long together: make two call queues of them.",
                error_id="too-many",
                field="agents",
            )
        for index, agent in enumerate(self.agents):
            Number.parse(agent, field=f"agents.{index}")
            if agent in self.agents[:index]:
                raise InvalidValue(
                    f"{agent} is an agent twice.", error_id="named-twice", field=f"agents.{index}"
                )
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidValue(
                    f"This is a whole number from {least} to {most}.",
                    error_id="out-of-bounds",
                    field=name,
                )
        for name in ("no_answer", "no_agents", "full", "exit", "closed"):
            destination = getattr(self, name)
            if destination is not None:
                destination.check(name)
        if self.exit_key is not None and (len(self.exit_key) != 1 or self.exit_key not in EXIT_KEYS):
            raise InvalidValue(
                "The exit key is one of 0 to 9, * and #.", error_id="invalid-key", field="exit_key"
            )
        if (self.exit_key is None) != (self.exit is None):
            missing = "exit" if self.exit is None else "exit_key"
            raise InvalidValue(
                "An exit key and its destination belong together.", error_id="missing-field", field=missing
            )

    def pointers(self) -> Iterator[Pointer]:
        """Yield the numbers that it names."""
        for index, agent in enumerate(self.agents):
            yield Pointer(slot=f"agents.{index}", number=agent)
        for name in ("no_answer", "no_agents", "full", "exit", "closed"):
            yield from pointers_of(name, getattr(self, name))
