"""Random routings for calls by SIP: as `random_routing` has them, with timers of a second or two.

An agent of a call queue answers or rings not at all: those whom it offers a call again ring in turns of the
switch's own, which no simulation tells. Their calls are in test_dialplan_queues.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from controlplane.domain.routing.destination import HANGUP, ByHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.simulate import simulate
from controlplane.domain.routing.simulation import PhoneState, Result, RuleLine, Simulation
from tests.support.random_routing import (
    CALLERS,
    EXTENSIONS,
    KEYS,
    SCHEDULE,
    call_of,
    routing_of,
)

GROUPS = ("6100", "6101")
RECEPTIONISTS = ("6000", "6001")
QUEUE = "6200"
MAX_WAIT = 3
"""The seconds that a caller waits in the queue at most, in a revision and in a plan."""
NUMBERS = (*EXTENSIONS, *GROUPS, QUEUE, *RECEPTIONISTS, "8001")
_DIDS = ("4930200", "4930201", "4930210")
_MASKS = ("4930200", "+4930201", "4930200-4930205", "49302**", "49303**")
_LONGEST_SECONDS = 14

Rule = tuple[tuple[str, ...], tuple[str, ...], tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A routing as plain values, and a call to it.

    `rules` are for numbers dialled from outside, in their order: masks of these, of callers, and tokens.
    """

    numbers: dict[str, dict[str, Any]]
    call: dict[str, Any]
    rules: tuple[Rule, ...] = ()

    @property
    def simulated(self) -> Simulation:
        """What the product says of it."""
        routing = routing_of(self.numbers, self.call["hours"])
        call = call_of(self.call)
        if self.call["to"] not in self.numbers:
            call = dataclasses.replace(call, did=call.to, to=None)
        return simulate(dataclasses.replace(routing, rules=[_line(*rule) for rule in self.rules]), call)


def draw(random: Random, count: int, *, rules: Sequence[tuple[Rule, ...]]) -> list[Case]:
    """Draw cases of which chance decides nothing and that are over soon; each kind of end is among them.

    The first has the first of the `rules`, and so on, again and again.
    """
    cases: list[Case] = []
    results = (Result.MAILBOX, Result.HUNG_UP, Result.CUT, Result.ANSWERED, Result.MAILBOX)
    while len(cases) < count:
        case = _case(random, rules[len(cases) % len(rules)])
        told = case.simulated
        wanted = results[len(cases) % len(results)]
        long_enough = random.random() < len(told.steps) / 4
        if told.result is wanted and long_enough and not told.by_chance and told.seconds <= _LONGEST_SECONDS:
            cases.append(case)
    return cases


def draw_rules(random: Random) -> tuple[Rule, ...]:
    """Draw inbound rules."""
    places = (*NUMBERS, "hangup")
    return tuple(
        (
            tuple(random.sample(_MASKS, random.choice([0, 1, 1, 2]))),
            tuple(random.sample(CALLERS, random.choice([0, 0, 1]))),
            (random.choice(places), random.choice(places), random.choice(places)),
        )
        for _ in range(3)
    )


def _line(dids: tuple[str, ...], callers: tuple[str, ...], tokens: tuple[str, str, str]) -> RuleLine:
    rule = InboundRule(destination=ByHours(office_hours=HANGUP), dids=dids, callers=callers)
    return RuleLine(name="rule", rule=rule, hours=str(SCHEDULE), tokens=tokens)


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


def _case(random: Random, rules: tuple[Rule, ...]) -> Case:
    numbers: dict[str, dict[str, Any]] = {one: _extension(random) for one in EXTENSIONS}
    numbers |= {one: _group(random) for one in GROUPS}
    numbers |= {one: _receptionist(random) for one in RECEPTIONISTS}
    numbers["8001"] = {"kind": "mailbox"}
    states = [*(state.value for state in PhoneState), PhoneState.UNANSWERED.value]
    call = {
        "to": random.choice([*NUMBERS[:-1], *(random.choice(["", "+"]) + did for did in _DIDS)]),
        "caller": random.choice(CALLERS),
        "hours": random.choice([0, 0, 0, 1, 2]),
        "keys": random.choices([*KEYS, "9"], k=random.choice([0, 1, 2, 3])),
        "states": {one: random.choice(states) for one in EXTENSIONS},
    }
    numbers[QUEUE] = _queue(random, numbers, call["states"])
    return Case(numbers=numbers, call=call, rules=rules)


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
        always=_rule(random, 0.2, "ring", "ring"),
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
        closed=_closed(random),
    )


def _closed(random: Random) -> str:
    return random.choice(["", random.choice([*NUMBERS, "hangup"])])


def _queue(random: Random, numbers: dict[str, dict[str, Any]], states: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "call-queue",
        "agents": [
            one
            for one in EXTENSIONS
            if numbers[one]["dnd"] or states[one] in {PhoneState.ANSWERED, PhoneState.UNREGISTERED}
        ],
        "wait": random.random() < 0.4,
        "no_agents": random.choice([*NUMBERS, "8001", "hangup"]),
        "exit_key": None,
        "exit": "hangup",
        "no_answer": random.choice([*NUMBERS, "8001", "hangup"]),
        "max_wait": MAX_WAIT,
        "closed": _closed(random),
    }


def _receptionist(random: Random) -> dict[str, Any]:
    anywhere = [*NUMBERS, "8001", "hangup", "repeat"]
    return {
        "kind": "virtual-receptionist",
        "keys": {key: [random.choice(anywhere) for _ in range(3)] for key in KEYS},
        "timeout": random.choice([*NUMBERS, "8001", "hangup"]),
        "timeout_seconds": random.choice([1, 2]),
        "repeats": random.choice([0, 1]),
        "call_failed": random.choice(anywhere),
        "closed": _closed(random),
    }
