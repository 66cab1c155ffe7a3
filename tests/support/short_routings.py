"""Random routings for calls by SIP: as `random_routing` has them, with timers of a second or two.

Without call queues and virtual receptionists: the first ring agents in an order of their own, and the second are
a flow of `calls`. Calls of both are in test_dialplan_queues, test_dialplan_receptionist and tests/calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from controlplane.domain.routing.simulate import simulate
from controlplane.domain.routing.simulation import PhoneState, Result, Simulation
from tests.support.random_routing import CALLERS, EXTENSIONS, call_of, routing_of

GROUPS = ("6100", "6101")
NUMBERS = (*EXTENSIONS, *GROUPS, "8001")
_LONGEST_SECONDS = 14


@dataclass(frozen=True, kw_only=True)
class Case:
    """A routing as plain values, and a call to it."""

    numbers: dict[str, dict[str, Any]]
    call: dict[str, Any]

    @property
    def simulated(self) -> Simulation:
        """What the product says of it."""
        return simulate(routing_of(self.numbers, self.call["hours"]), call_of(self.call))


def draw(random: Random, count: int) -> list[Case]:
    """Draw cases of which chance decides nothing, and which are over soon; every kind of end is among them."""
    cases: list[Case] = []
    results = (Result.MAILBOX, Result.HUNG_UP, Result.CUT, Result.ANSWERED, Result.MAILBOX)
    while len(cases) < count:
        case = _case(random)
        told = case.simulated
        wanted = results[len(cases) % len(results)]
        long_enough = len(told.steps) >= 2 or random.random() < 0.2
        if told.result is wanted and long_enough and not told.by_chance and told.seconds <= _LONGEST_SECONDS:
            cases.append(case)
    return cases


def case(to: str, call: dict[str, Any], **numbers: dict[str, Any]) -> Case:
    """Return a case by hand: extensions have no rules and groups nobody but where it is said."""
    things = {f"n{one}": extension() for one in EXTENSIONS} | {f"n{one}": group() for one in GROUPS}
    things |= {"n8001": {"kind": "mailbox"}} | numbers
    plain = {"to": to, "caller": CALLERS[0], "hours": 0, "keys": [], "states": {}} | call
    plain["states"] = dict.fromkeys(EXTENSIONS, "unregistered") | plain["states"]
    return Case(numbers={name[1:]: thing for name, thing in things.items()}, call=plain)


def extension(**settings: Any) -> dict[str, Any]:
    """Return an extension with these rules."""
    rules = dict.fromkeys(("always", "dnd_to", "busy", "no_answer", "not_registered"))
    return {"kind": "extension", "exceptions": [], **rules, "dnd": False, "seconds": 1, **settings}


def group(**settings: Any) -> dict[str, Any]:
    """Return a ring group with these settings."""
    return {
        "kind": "ring-group",
        "members": [],
        "strategy": "in_order",
        "ring": 1,
        "total": 4,
        "skip_busy": False,
        "no_answer": "8001",
        "closed": "",
        **settings,
    }


def _case(random: Random) -> Case:
    numbers: dict[str, dict[str, Any]] = {one: _extension(random) for one in EXTENSIONS}
    numbers |= {one: _group(random) for one in GROUPS}
    numbers["8001"] = {"kind": "mailbox"}
    states = [state.value for state in PhoneState]
    call = {
        "to": random.choice(NUMBERS[:-1]),
        "caller": random.choice(CALLERS),
        "hours": random.choice([0, 0, 1, 2]),
        "keys": [],
        "states": {one: random.choice(states) for one in EXTENSIONS},
    }
    return Case(numbers=numbers, call=call)


def _rule(random: Random, share: float, *words: str) -> list[str] | None:
    if random.random() > share:
        return None
    return [random.choice([*NUMBERS, "8001", "hangup", *words]) for _ in range(3)]


def _extension(random: Random) -> dict[str, Any]:
    exceptions = [
        (random.choice(CALLERS), random.choice("aoc"), random.choice([*NUMBERS, "hangup", "ring"]))
        for _ in range(random.choice([0, 0, 1, 2]))
    ]
    return extension(
        exceptions=exceptions,
        always=_rule(random, 0.25, "ring", "ring"),
        dnd=random.random() < 0.2,
        dnd_to=_rule(random, 0.5),
        busy=_rule(random, 0.7),
        no_answer=_rule(random, 0.7),
        not_registered=_rule(random, 0.7),
        seconds=random.choice([1, 2, 3]),
    )


def _group(random: Random) -> dict[str, Any]:
    members = random.sample(EXTENSIONS, random.choice([0, 1, 2, 2, 3, 3]))
    strategy = random.choice(["simultaneous", "in_order", "random"])
    ring = random.choice([1, 2])
    return group(
        members=members,
        strategy=strategy,
        ring=ring,
        # In a random order chance would decide who rings for the rest of a time that does not suffice.
        total=ring * 3 if strategy == "random" else random.choice([1, 2, 3, 4, 6]),
        skip_busy=random.random() < 0.5,
        no_answer=random.choice([*NUMBERS, "8001", "hangup", "repeat"]),
        closed=random.choice(["", "", *NUMBERS, "hangup"]),
    )
