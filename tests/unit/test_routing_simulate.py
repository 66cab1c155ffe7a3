"""The simulation of a call, against a second walk that shares nothing with it, and row by row."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.keys import Action, State, key_of
from controlplane.domain import routing
from controlplane.domain.message import ReachedReason, ReachedStep
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing import walk_mailbox
from controlplane.domain.routing.destination import HANGUP, ByHours
from controlplane.domain.routing.hours import Hours, OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.simulate import simulate
from controlplane.domain.routing.simulation import (
    Line,
    PhoneState,
    Reception,
    Result,
    Routing,
    RuleLine,
    SimulatedCall,
    Simulation,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.support.independent_walk import Told, walk
from tests.support.random_routing import CALLS, NOW, NUMBERED, call_of, routing_of

MAILBOX = Line(kind=NumberKind.MAILBOX, name="Sales")


def _told(found: Simulation) -> Told:
    return (
        found.result.value,
        found.number,
        found.cause,
        found.seconds,
        [
            (step.kind, step.number, step.key, step.reason.value, step.waited_seconds)
            for step in found.reached_by.path
        ],
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=NUMBERED, call=CALLS)
def test_the_simulation_says_what_a_second_walk_says(
    numbers: dict[str, dict[str, Any]], call: dict[str, Any]
) -> None:
    """For any routing, phones, hours and keys: the same end, the same way, the same seconds."""
    found = simulate(routing_of(numbers, call["hours"]), call_of(call))

    assert walk(numbers, call) == _told(found)


FAULTS = {
    "busy and no answer swapped": ('plan, "no_answer", reason, rang', 'plan, "busy", reason, rang'),
    "holidays ignored": (
        "OPEN if found is None else found.at(self.call.at)",
        "OPEN if found is None else min(found.at(self.call.at), Hours.CLOSED)",
    ),
    "a second too many": ("spent = min(turn, total)\n", "spent = min(turn, total) + 1\n"),
    "do not disturb before always": (
        'if always not in {"", RING}:',
        'if always not in {"", RING} and plan.get("do_not_disturb") != "1":',
    ),
    "a hop too many": ("walk.hops > MAX_HOPS", "walk.hops > MAX_HOPS + 1"),
}
# In the order in which they import each other.
MODULES = ("walk", "walk_extension", "walk_mailbox", "walk_ringing", "walk_receptionist", "simulate")


def _faulty(before: str, after: str) -> Callable[..., Simulation]:
    """Return the simulation with one line changed, from modules of its own."""
    changed = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in MODULES:
            path = Path(routing.__path__[0]) / f"{name}.py"
            source = path.read_text()
            changed += source.count(before)
            module = types.ModuleType(f"{routing.__name__}.{name}")
            # The others import it by its name.
            patch.setitem(sys.modules, module.__name__, module)
            exec(compile(source.replace(before, after), path, "exec"), module.__dict__)
    assert changed == 1, before
    return module.simulate  # type: ignore[no-any-return]


class _Noticed(Exception):
    """The two walks differ."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_simulation_is_noticed(fault: str) -> None:
    """Each of five seeded faults makes the two walks differ."""
    faulty = _faulty(*FAULTS[fault])

    @seed(5)
    @settings(
        max_examples=5000,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(numbers=NUMBERED, call=CALLS)
    def compare(numbers: dict[str, dict[str, Any]], call: dict[str, Any]) -> None:
        found = _told(faulty(routing_of(numbers, call["hours"]), call_of(call)))
        if found != walk(numbers, call):
            raise _Noticed

    with pytest.raises(_Noticed):
        compare()


def _rule(name: str, *, priority: int = 100, tokens: tuple[str, str, str], **settings: Any) -> RuleLine:
    return RuleLine(
        name=name,
        rule=InboundRule(destination=ByHours(office_hours=HANGUP), priority=priority, **settings),
        hours="s",
        tokens=tokens,
    )


def _from_outside(*rules: RuleLine, did: str = "+49301", **call: Any) -> Simulation:
    open_on_mondays = OfficeHours(
        time_zone="UTC", week={Weekday.MONDAY: (TimeRange(start=time(8), end=time(17)),)}
    )
    routing = Routing(lines={"8001": MAILBOX, "8002": MAILBOX}, rules=rules, hours={"s": open_on_mondays})
    return simulate(routing, SimulatedCall(**{"at": NOW, "did": did, **call}))


def test_the_first_rule_that_matches_wins() -> None:
    """By priority, then by name; masks of DIDs and callers and the trunk are asked."""
    found = _from_outside(
        _rule("z-first", priority=1, tokens=("hangup",) * 3, callers=("4940*",)),
        _rule("a-trunk", priority=2, tokens=("hangup",) * 3, trunk="other"),
        _rule("c-late", priority=3, tokens=("hangup",) * 3),
        _rule("b-soon", priority=3, tokens=("8001", "8002", "8002"), dids=("49300-49309",)),
    )

    assert ("8001", "b-soon", ()) == (found.number, found.steps[0].name, found.reached_by.path)
    assert "+49301" == found.reached_by.did


def test_a_rule_that_is_closed_stands_in_the_way() -> None:
    """Outside office hours the message says so; in office hours the DID alone says it all."""
    evening = _from_outside(_rule("main", tokens=("8001", "8002", "8002")), at=NOW + timedelta(hours=9))

    assert ("8002", Hours.CLOSED) == (evening.number, evening.steps[0].hours)
    assert (
        ReachedStep(kind="inbound-rule", number="", reason=ReachedReason.CLOSED),
    ) == evening.reached_by.path


@pytest.mark.parametrize(("did", "result"), [("8001", Result.MAILBOX), ("8009", Result.UNKNOWN_NUMBER)])
def test_without_a_rule_the_number_itself_is_meant(did: str, result: Result) -> None:
    """If somebody has it; else nobody is there."""
    found = _from_outside(did=did)

    assert (result, did) == (found.result, found.number)


def _receptionist(*keys: str, dial_extensions: bool = True) -> Simulation:
    routing = Routing(
        lines={
            "6000": Line(kind=NumberKind.VIRTUAL_RECEPTIONIST, name="Main", plan={"call_failed": "8001"}),
            "101": Line(kind=NumberKind.EXTENSION, name="Alice"),
            "1012": Line(kind=NumberKind.EXTENSION, name="Bob"),
            "8001": MAILBOX,
            "8002": MAILBOX,
        },
        receptions={
            "6000": Reception(
                keys={"1": ("8001",) * 3, "12": ("8002",) * 3},
                dial_extensions=dial_extensions,
                timeout_seconds=5,
                timeout_repeats=1,
                timeout="hangup",
            )
        },
        extensions=frozenset({"101", "1012"}),
    )
    return simulate(routing, SimulatedCall(at=NOW, to="6000", keys=keys))


@pytest.mark.parametrize(
    ("keys", "number", "key"),
    [
        (("1",), "8001", "1"),
        (("12",), "8002", "12"),
        (("1", "2"), "8001", "1"),
        (("101",), "101", None),
        (("101#",), "101", None),
        (("1012",), "1012", None),
        (("9", "12"), "8002", "12"),
    ],
)
def test_keys_are_taken_as_long_as_they_may_become_more(
    keys: tuple[str, ...], number: str, key: str | None
) -> None:
    """A pause ends them; what matches nothing is asked for again; an extension can be dialled."""
    found = _receptionist(*keys)

    assert (number, key) == (found.number, found.steps[0].key)


def test_a_caller_who_presses_nothing_is_sent_on() -> None:
    """After the greeting and its repeats."""
    found = _receptionist()

    assert (Result.HUNG_UP, 10, ReachedReason.TIMEOUT) == (found.result, found.seconds, found.steps[0].reason)


def test_a_transfer_that_fails_comes_back() -> None:
    """The extension dialled is busy and has no rule: the receptionist's destination for that follows."""
    routing = Routing(
        lines={
            "6000": Line(kind=NumberKind.VIRTUAL_RECEPTIONIST, name="Main", plan={"call_failed": "8001"}),
            "101": Line(kind=NumberKind.EXTENSION, name="Alice"),
            "8001": MAILBOX,
        },
        receptions={
            "6000": Reception(
                keys={}, dial_extensions=True, timeout_seconds=5, timeout_repeats=0, timeout="hangup"
            )
        },
        extensions=frozenset({"101"}),
    )
    call = SimulatedCall(at=NOW, to="6000", keys=("101",), states={"101": PhoneState.DECLINED})
    found = simulate(routing, call)

    assert ["direct", "busy", "call_failed"] == [step.reason.value for step in found.reached_by.path]
    assert "8001" == found.number


def test_a_random_order_says_that_chance_decided() -> None:
    """Of two who answer, one is taken."""
    phones = {number: Line(kind=NumberKind.EXTENSION, name=number) for number in ("101", "102")}
    plan = {"strategy": "random", "members": "101&102", "ring_seconds": "5", "total_seconds": "10"}
    routing = Routing(lines={**phones, "6100": Line(kind=NumberKind.RING_GROUP, name="", plan=plan)})
    found = simulate(routing, SimulatedCall(at=NOW, to="6100"))

    assert (True, Result.ANSWERED) == (found.by_chance, found.result)


def test_an_agent_on_a_call_is_not_rung() -> None:
    """A queue waits for him, as he may become free, and rings the others."""
    agents = ("101", "102", "103")
    plan = {"agents": "101&102&103", "no_answer": "hangup", "max_wait_seconds": "60"}
    phones = {number: Line(kind=NumberKind.EXTENSION, name=number) for number in agents}
    routing = Routing(lines={**phones, "6200": Line(kind=NumberKind.CALL_QUEUE, name="Support", plan=plan)})
    states = {"101": PhoneState.BUSY, "102": PhoneState.DECLINED, "103": PhoneState.UNREGISTERED}
    found = simulate(routing, SimulatedCall(at=NOW, to="6200", states=states))

    assert (ReachedReason.QUEUE_TIMEOUT, ("102",)) == (found.steps[0].reason, found.steps[0].rang)


def test_a_full_queue_and_a_disabled_mailbox() -> None:
    """A queue said to be full sends the caller on; a mailbox that is disabled takes no message."""
    plan = {"agents": "101", "max_callers": "5", "full": "8001", "max_wait_seconds": "60"}
    routing = Routing(
        lines={
            "101": Line(kind=NumberKind.EXTENSION, name="Alice"),
            "6200": Line(kind=NumberKind.CALL_QUEUE, name="Support", plan=plan),
            "8001": Line(kind=NumberKind.MAILBOX, name="Sales", enabled=False),
        }
    )
    found = simulate(routing, SimulatedCall(at=NOW, to="6200", full=frozenset({"6200"})))

    assert (Result.MAILBOX_DISABLED, ReachedReason.QUEUE_FULL) == (found.result, found.reached_by.reason)


def _mailbox(*keys: str, **settings: Any) -> Simulation:
    lines = {
        "8001": Line(kind=NumberKind.MAILBOX, name="Sales", **settings),
        "8002": Line(kind=NumberKind.MAILBOX, name="Desk", operator="8001"),
        "101": Line(kind=NumberKind.EXTENSION, name="Alice"),
    }
    states = {"101": PhoneState.BUSY}
    return simulate(Routing(lines=lines), SimulatedCall(at=NOW, to="8001", keys=keys, states=states))


@pytest.mark.parametrize(
    ("keys", "settings", "result", "number"),
    [
        (("0",), {"operator": "8002"}, Result.MAILBOX, "8002"),
        (("0",), {"operator": "101"}, Result.HUNG_UP, None),
        (("0",), {}, Result.MAILBOX, "8001"),
        (("5", "0"), {"operator": "8002"}, Result.MAILBOX, "8002"),
        (("#", "0"), {"operator": "8002"}, Result.MAILBOX, "8001"),
        (("*",), {"log_in": True}, Result.LOG_IN, "8001"),
        (("*0",), {"operator": "8002"}, Result.MAILBOX, "8002"),
        (("0",), {"operator": "8002", "enabled": False}, Result.MAILBOX_DISABLED, "8001"),
        (("0",) * 20, {"operator": "8002"}, Result.CUT, "8001"),
    ],
)
def test_keys_during_the_greeting_of_a_mailbox(
    keys: tuple[str, ...], settings: dict[str, Any], result: Result, number: str | None
) -> None:
    """0 leads to its operator and * to the PIN, each where the mailbox has it; # is the tone."""
    found = _mailbox(*keys, **settings)

    assert (result, number) == (found.result, found.number)


def test_the_way_to_each_mailbox_is_as_far_as_the_call_came() -> None:
    """The first greets who dialled it, its operator greets who comes from it by a key."""
    found = _mailbox("0", operator="8002")

    assert [(), ("8001",)] == [tuple(step.number for step in found.way_to(place).path) for place in (0, 1)]
    assert [ReachedReason.DIRECT, ReachedReason.EXIT_KEY] == [found.way_to(place).reason for place in (0, 1)]
    assert found.reached_by == found.way_to(len(found.steps))


def test_an_operator_who_does_not_answer_is_the_end() -> None:
    """Also of a call that a receptionist sent: the caller chose again, so it does not come back there."""
    reception = Reception(
        keys={"1": ("8001",) * 3}, dial_extensions=False, timeout_seconds=5, timeout_repeats=0, timeout=HANGUP
    )
    lines = {
        "6000": Line(kind=NumberKind.VIRTUAL_RECEPTIONIST, name="Main", plan={"call_failed": "6000"}),
        "8001": Line(kind=NumberKind.MAILBOX, name="Sales", operator="101"),
        "101": Line(kind=NumberKind.EXTENSION, name="Alice"),
    }
    call = SimulatedCall(at=NOW, to="6000", keys=("1", "0"), states={"101": PhoneState.BUSY})
    found = simulate(Routing(lines=lines, receptions={"6000": reception}), call)

    assert (Result.HUNG_UP, "busy", ["6000", "8001", "101"]) == (
        found.result,
        found.cause,
        [step.number for step in found.steps],
    )


def test_keys_of_the_simulated_greeting_are_those_of_the_call() -> None:
    """The rules know no flow, so that they name the keys again."""
    assert [key_of(State.GREETING, action) for action in (Action.OPERATOR, Action.LOG_IN, Action.SKIP)] == [
        walk_mailbox.OPERATOR,
        walk_mailbox.LOG_IN,
        walk_mailbox.SKIP,
    ]
