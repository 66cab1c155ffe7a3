"""A destination: where a call goes next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number


class DestinationAction(StrEnum):
    """What happens to the call; a shared mailbox is just a number."""

    FORWARD_TO_NUMBER = "forward_to_number"
    FORWARD_TO_VOICEMAIL = "forward_to_voicemail"
    HANGUP = "hangup"
    REPEAT = "repeat"
    RING = "ring"


ANYWHERE = frozenset(
    {DestinationAction.FORWARD_TO_NUMBER, DestinationAction.FORWARD_TO_VOICEMAIL, DestinationAction.HANGUP}
)
"""What every destination may be; `repeat` and `ring` are for those that say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a call goes next.

    `forward_to_number` has a number of the tenant. `forward_to_voicemail` is the mailbox that an
    extension owns: that of `number`, or without one that of the extension whose rule it is. `repeat`
    begins again what just ended, `ring` lets the phones ring in spite of the rule.
    """

    action: DestinationAction
    number: str | None = None

    def check(self, field: str, allowed: Collection[DestinationAction] = ANYWHERE) -> None:
        """Raise InvalidValue (`invalid-destination`, naming the field) if it makes no sense here."""
        if self.action not in allowed:
            names = ", ".join(action.value for action in DestinationAction if action in allowed)
            raise InvalidValue(
                f"This destination can be {names}.", error_id="invalid-destination", field=f"{field}.action"
            )
        takes_number = {DestinationAction.FORWARD_TO_NUMBER, DestinationAction.FORWARD_TO_VOICEMAIL}
        if self.number is not None:
            if self.action not in takes_number:
                raise InvalidValue(
                    f"The action {self.action.value} takes no number.",
                    error_id="invalid-destination",
                    field=f"{field}.number",
                )
            Number.parse(self.number, field=f"{field}.number")
        elif self.action is DestinationAction.FORWARD_TO_NUMBER:
            raise InvalidValue(
                "forward_to_number needs the number to forward to.",
                error_id="invalid-destination",
                field=f"{field}.number",
            )


HANGUP = Destination(action=DestinationAction.HANGUP)
REPEAT = Destination(action=DestinationAction.REPEAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHours:
    """A destination for each part of the calendar.

    Without `outside_hours` it is the same all day; without `holidays` a holiday is outside hours.
    """

    office_hours: Destination
    outside_hours: Destination | None = None
    holidays: Destination | None = None

    @property
    def each(self) -> tuple[Destination, Destination, Destination]:
        """The destinations in office hours, outside, and on holidays (`hours.Hours` is the index)."""
        outside = self.outside_hours or self.office_hours
        return (self.office_hours, outside, self.holidays or outside)

    def named(self) -> Iterator[tuple[str, Destination]]:
        """Yield those that were set, with the names of their fields."""
        for name in ("office_hours", "outside_hours", "holidays"):
            destination = getattr(self, name)
            if destination is not None:
                yield name, destination

    def check(self, field: str, allowed: Collection[DestinationAction] = ANYWHERE) -> None:
        """Check each; raises InvalidValue."""
        for name, destination in self.named():
            destination.check(f"{field}.{name}", allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """That an object points at a number; `slot` is the path of the field, e.g. `busy.office_hours`."""

    slot: str
    number: str


def pointers_of(slot: str, destination: Destination | ByHours | None) -> Iterator[Pointer]:
    """Yield the numbers that a destination names."""
    if isinstance(destination, ByHours):
        for name, one in destination.named():
            yield from pointers_of(f"{slot}.{name}", one)
    elif destination is not None and destination.number is not None:
        yield Pointer(slot=slot, number=destination.number)


def destinations_in(value: object, slot: str = "") -> Iterator[tuple[str, Destination]]:
    """Yield all destinations of an object's settings with the paths of their fields."""
    if isinstance(value, Destination):
        yield slot, value
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from destinations_in(one, _below(slot, str(index)))
    elif is_dataclass(value):
        for each in fields(value):
            yield from destinations_in(getattr(value, each.name), _below(slot, each.name))


def _below(slot: str, name: str) -> str:
    return f"{slot}.{name}" if slot else name
