"""Random routings as plain values (`independent_walk`), and the same as objects of the product."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules, When
from controlplane.domain.routing.hours import Holiday, OfficeHours
from controlplane.domain.routing.plan import FIELDS, PlanContext, Routed, plan_of
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup, RingStrategy
from controlplane.domain.routing.simulation import Line, PhoneState, Reception, Routing, SimulatedCall
from hypothesis import strategies as st

SCHEDULE = UUID(int=7)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EXTENSIONS = ("101", "102", "103")
OTHERS = {"ring-group": "610", "call-queue": "620", "virtual-receptionist": "600"}
NUMBERS = (*EXTENSIONS, "6100", "6101", "6200", "6000", "6001", "8001")
CALLERS = ("201", "202")
KEYS = ("1", "2", "0")

_TOKENS = st.sampled_from([*NUMBERS, "8001", "hangup"])
_OR_RING = st.sampled_from([*NUMBERS, "hangup", "ring"])
_OR_REPEAT = st.sampled_from([*NUMBERS, "hangup", "repeat"])
_MAYBE = st.just("") | _TOKENS


def _rule(tokens: st.SearchStrategy[str]) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(tokens, min_size=3, max_size=3)


_EXTENSION = st.fixed_dictionaries(
    {
        "kind": st.just("extension"),
        "exceptions": st.lists(
            st.tuples(st.sampled_from(CALLERS), st.sampled_from("aoc"), _OR_RING), max_size=2
        ),
        "always": st.none() | _rule(_OR_RING),
        "dnd": st.sampled_from([False, False, True]),
        "dnd_to": _rule(_TOKENS),
        "busy": _rule(_TOKENS),
        "no_answer": _rule(_TOKENS),
        "not_registered": _rule(_TOKENS),
        "seconds": st.integers(5, 60),
    }
)
_MEMBERS = st.lists(st.sampled_from(EXTENSIONS), unique=True, max_size=3)
_GROUP = st.fixed_dictionaries(
    {
        "kind": st.just("ring-group"),
        "members": _MEMBERS,
        "strategy": st.sampled_from(["simultaneous", "in_order"]),
        "ring": st.integers(5, 30),
        "total": st.integers(5, 60),
        "skip_busy": st.booleans(),
        "no_answer": _OR_REPEAT,
        "closed": _MAYBE,
    }
)
_QUEUE = st.fixed_dictionaries(
    {
        "kind": st.just("call-queue"),
        "agents": _MEMBERS,
        "wait": st.booleans(),
        "no_agents": _TOKENS,
        "exit_key": st.sampled_from(KEYS),
        "exit": _TOKENS,
        "no_answer": _TOKENS,
        "max_wait": st.integers(15, 300),
        "closed": _MAYBE,
    }
)
_RECEPTIONIST = st.fixed_dictionaries(
    {
        "kind": st.just("virtual-receptionist"),
        "keys": st.dictionaries(
            st.sampled_from(KEYS), st.lists(_OR_REPEAT, min_size=3, max_size=3), max_size=3
        ),
        "timeout": _TOKENS,
        "timeout_seconds": st.integers(2, 30),
        "repeats": st.integers(0, 3),
        "call_failed": _OR_REPEAT,
        "closed": _MAYBE,
    }
)
_MAILBOX = st.fixed_dictionaries(
    {
        "kind": st.just("mailbox"),
        "operator": st.sampled_from(["", *(number for number in NUMBERS if number != "8001")]),
        "log_in": st.booleans(),
    }
)
NUMBERED = st.fixed_dictionaries(
    {
        **dict.fromkeys(EXTENSIONS, _EXTENSION),
        "6100": _GROUP,
        "6101": _GROUP,
        "6200": _QUEUE,
        "6000": _RECEPTIONIST,
        "6001": _RECEPTIONIST,
        "8001": _MAILBOX,
    }
)
CALLS = st.fixed_dictionaries(
    {
        "to": st.sampled_from(NUMBERS),
        "caller": st.sampled_from(CALLERS),
        "hours": st.sampled_from([0, 1, 2]),
        "keys": st.lists(st.sampled_from([*KEYS, "9", "*", "#"]), max_size=5),
        "states": st.fixed_dictionaries(
            dict.fromkeys(EXTENSIONS, st.sampled_from([state.value for state in PhoneState]))
        ),
    }
)


def _to(token: str) -> Destination:
    if token.isdigit():
        return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=token)
    return Destination(action=DestinationAction(token))


def _maybe(token: str) -> Destination | None:
    return _to(token) if token else None


def _by_hours(rule: list[str] | None) -> ByHours | None:
    if rule is None:
        return None
    return ByHours(office_hours=_to(rule[0]), outside_hours=_to(rule[1]), holidays=_to(rule[2]))


def settings_of(thing: dict[str, Any]) -> Routed:
    """Return the product's settings of what is no mailbox."""
    match thing["kind"]:
        case "extension":
            when = {"a": When.ALWAYS, "o": When.OFFICE_HOURS, "c": When.OUTSIDE_HOURS}
            return ExtensionRules(
                exceptions=tuple(
                    CallerException(caller=caller, when=when[at], destination=_to(token))
                    for caller, at, token in thing["exceptions"]
                ),
                always=_by_hours(thing["always"]),
                do_not_disturb=thing["dnd"],
                do_not_disturb_destination=_by_hours(thing["dnd_to"]),
                busy=_by_hours(thing["busy"]),
                no_answer=_by_hours(thing["no_answer"]),
                no_answer_seconds=thing["seconds"],
                not_registered=_by_hours(thing["not_registered"]),
                mailbox="8001",
            )
        case "ring-group":
            return RingGroup(
                members=tuple(thing["members"]),
                strategy=RingStrategy(thing["strategy"]),
                ring_seconds=thing["ring"],
                total_seconds=thing["total"],
                skip_busy=thing["skip_busy"],
                no_answer=_to(thing["no_answer"]),
                closed=_maybe(thing["closed"]),
            )
        case "call-queue":
            return CallQueue(
                agents=tuple(thing["agents"]),
                wait_without_agents=thing["wait"],
                no_agents=_to(thing["no_agents"]),
                exit_key=thing["exit_key"],
                exit=_to(thing["exit"]),
                no_answer=_to(thing["no_answer"]),
                max_wait_seconds=thing["max_wait"],
                closed=_maybe(thing["closed"]),
            )
    return VirtualReceptionist(
        timeout=_to(thing["timeout"]),
        call_failed=_to(thing["call_failed"]),
        closed=_maybe(thing["closed"]),
    )


def routing_of(numbers: dict[str, dict[str, Any]], hours: int) -> Routing:
    """Return the product's description of a routing, at these hours."""
    context = PlanContext(hours=lambda _: SCHEDULE, voicemail_of={"101": "8001"}.get)
    lines = {}
    receptions = {}
    for number, thing in numbers.items():
        kind = NumberKind(thing["kind"])
        plan: dict[str, str] = {}
        if kind is not NumberKind.MAILBOX:
            plan = dict(zip(FIELDS[kind], plan_of(settings_of(thing), context, number=number), strict=True))
        lines[number] = Line(
            kind=kind,
            name=number,
            plan=plan,
            operator=thing.get("operator", ""),
            log_in=thing.get("log_in", False),
        )
        if kind is NumberKind.VIRTUAL_RECEPTIONIST:
            receptions[number] = Reception(
                keys={key: (one[0], one[1], one[2]) for key, one in thing["keys"].items()},
                dial_extensions=False,
                timeout_seconds=thing["timeout_seconds"],
                timeout_repeats=thing["repeats"],
                timeout=thing["timeout"],
            )
    holiday = Holiday(name="now", first_day=date(2026, 3, 2), last_day=date(2026, 3, 2))
    schedule = OfficeHours(time_zone="UTC", closed_now=hours == 1, holidays=(holiday,) if hours == 2 else ())
    return Routing(lines=lines, receptions=receptions, hours={str(SCHEDULE): schedule})


def call_of(call: dict[str, Any]) -> SimulatedCall:
    """Return the product's call."""
    return SimulatedCall(
        at=NOW,
        to=call["to"],
        caller=call["caller"],
        keys=tuple(call["keys"]),
        states={number: PhoneState(state) for number, state in call["states"].items()},
    )
