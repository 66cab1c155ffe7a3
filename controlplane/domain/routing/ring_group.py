"""A ring group: a call rings several extensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number
from controlplane.domain.routing.destination import (
    ANYWHERE,
    HANGUP,
    Destination,
    DestinationAction,
    Pointer,
    pointers_of,
)

_MAX_MEMBERS = 50
_RING_SECONDS = (5, 300)
_TOTAL_SECONDS = (5, 3600)


class RingStrategy(StrEnum):
    """Whom of the members a call rings, and when."""

    SIMULTANEOUS = "simultaneous"
    IN_ORDER = "in_order"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingGroup:
    """What a ring group does with a call.

    A member rings `ring_seconds`; the whole lasts `total_seconds` at most, then `no_answer` follows.
    Members' own call forward rules do not count here; a member who wants not to be disturbed is left out,
    and one who is on a call too if `skip_busy`. `office_hours` names a schedule (None: the tenant's), outside
    of which and on whose holidays `closed` follows at once, if it is set.
    """

    members: tuple[str, ...] = ()
    strategy: RingStrategy = RingStrategy.SIMULTANEOUS
    ring_seconds: int = 20
    total_seconds: int = 60
    skip_busy: bool = True
    no_answer: Destination = HANGUP
    office_hours: str | None = None
    closed: Destination | None = None

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        if len(self.members) > _MAX_MEMBERS:
            raise InvalidValue(
                f"A ring group has {_MAX_MEMBERS} members at most.", error_id="too-many", field="members"
            )
        for index, member in enumerate(self.members):
            Number.parse(member, field=f"members.{index}")
            if member in self.members[:index]:
                raise InvalidValue(
                    f"{member} is a member twice.", error_id="named-twice", field=f"members.{index}"
                )
        for name, (least, most) in (("ring_seconds", _RING_SECONDS), ("total_seconds", _TOTAL_SECONDS)):
            if not least <= getattr(self, name) <= most:
                raise InvalidValue(
                    f"This takes {least} to {most} seconds.", error_id="invalid-seconds", field=name
                )
        self.no_answer.check("no_answer", ANYWHERE | {DestinationAction.REPEAT})
        if self.closed is not None:
            self.closed.check("closed")

    def pointers(self) -> Iterator[Pointer]:
        """Yield the numbers that it names."""
        for index, member in enumerate(self.members):
            yield Pointer(slot=f"members.{index}", number=member)
        yield from pointers_of("no_answer", self.no_answer)
        yield from pointers_of("closed", self.closed)
