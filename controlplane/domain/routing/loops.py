"""Loops: ways on which a call comes back to where it was, without anybody doing something.

A way counts if the switch takes it by itself: a rule of an extension, the end of a ring group's or queue's
waiting, closed doors, a receptionist whom nobody answers by a key. What a caller chooses by a key does not
count, nor does whom a group or queue rings. A call that meets such a loop is cut after some hops, so that
none of them makes sense; `repeat` is the way to ring again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction, Pointer
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import Settings
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup

# In the order in which a call asks them.
_AUTOMATIC: Final[dict[type, tuple[str, ...]]] = {
    ExtensionRules: ("always", "do_not_disturb_destination", "not_registered", "busy", "no_answer"),
    RingGroup: ("closed", "no_answer"),
    CallQueue: ("closed", "no_agents", "full", "no_answer"),
    VirtualReceptionist: ("closed", "timeout"),
}

Ways = Mapping[str, Sequence[Pointer]]
"""The ways that count of each number; numbers that lead nowhere may be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStep:
    """A number in a loop, and the slot by which a call goes on to the next; the last leads to the first."""

    number: str
    slot: str


def automatic_ways(settings: Settings | ExtensionRules) -> Iterator[Pointer]:
    """Yield where a call may go on to by itself.

    `forward_to_voicemail` is left out: it ends in a mailbox.
    """
    if isinstance(settings, ExtensionRules):
        for index, exception in enumerate(settings.exceptions):
            yield from _numbers(f"exceptions.{index}.destination", exception.destination)
    for name in _AUTOMATIC.get(type(settings), ()):
        yield from _numbers(name, getattr(settings, name))
    if isinstance(settings, VirtualReceptionist) and settings.fallback is not None:
        yield Pointer(slot="fallback", number=settings.fallback)


def _numbers(slot: str, rule: Destination | ByHours | None) -> Iterator[Pointer]:
    if isinstance(rule, ByHours):
        for name, one in rule.named():
            yield from _numbers(f"{slot}.{name}", one)
    elif rule is not None and rule.action is DestinationAction.FORWARD_TO_NUMBER and rule.number is not None:
        yield Pointer(slot=slot, number=rule.number)


def loop_through(number: str, ways: Ways) -> tuple[LoopStep, ...]:
    """Return a shortest loop that begins at a number; () if no way leads back to it."""
    came_by: dict[str, LoopStep] = {}
    waiting = [number]
    for at in waiting:
        for way in ways.get(at, ()):
            step = LoopStep(number=at, slot=way.slot)
            if way.number == number:
                return _back(step, came_by)
            if way.number not in came_by:
                came_by[way.number] = step
                waiting.append(way.number)
    return ()


def _back(last: LoopStep, came_by: Mapping[str, LoopStep]) -> tuple[LoopStep, ...]:
    steps = [last]
    while steps[-1].number in came_by:
        steps.append(came_by[steps[-1].number])
    return tuple(reversed(steps))


def all_loops(ways: Ways) -> list[tuple[LoopStep, ...]]:
    """Return a loop through each number that is in one; of those with the same numbers, one."""
    in_one: set[frozenset[str]] = set()
    found = []
    for number in sorted(_may_loop(ways)):
        loop = loop_through(number, ways)
        numbers = frozenset(step.number for step in loop)
        if loop and numbers not in in_one:
            in_one.add(numbers)
            found.append(loop)
    return found


def _may_loop(ways: Ways) -> set[str]:
    """Return the numbers that stay when those without a way in or on are taken away, again and again."""
    left = {number for number, on in ways.items() if on}
    while True:
        led_to = {way.number for number in left for way in ways[number] if way.number in left}
        staying = {number for number in led_to if any(way.number in left for way in ways[number])}
        if staying == left:
            return left
        left = staying
