"""Loops of forwarding, found without any switch."""

from __future__ import annotations

import pytest
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction, Pointer
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules
from controlplane.domain.routing.kinds import Settings
from controlplane.domain.routing.loops import LoopStep, all_loops, automatic_ways, loop_through
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from hypothesis import given
from hypothesis import strategies as st


def _to(number: str) -> Destination:
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


def _all_day(number: str) -> ByHours:
    return ByHours(office_hours=_to(number))


BUSY = ExtensionRules(busy=_all_day("200"), no_answer=ByHours(office_hours=_to("201"), holidays=_to("202")))
DISTURBED = ExtensionRules(
    do_not_disturb_destination=_all_day("200"),
    exceptions=(CallerException(caller="4930*", destination=_to("201")),),
)
VOICEMAIL = ExtensionRules(
    always=ByHours(office_hours=Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL, number="200"))
)
QUEUE = CallQueue(agents=("101",), no_agents=_to("200"), full=_to("201"), exit_key="1", exit=_to("202"))
RECEPTIONIST = VirtualReceptionist(
    keys=(KeyRule(keys="1", destination=_all_day("200")),),
    timeout=_to("201"),
    call_failed=_to("202"),
    fallback="203",
)


@pytest.mark.parametrize(
    ("settings", "slots"),
    [
        (BUSY, {"busy.office_hours": "200", "no_answer.office_hours": "201", "no_answer.holidays": "202"}),
        (DISTURBED, {"do_not_disturb_destination.office_hours": "200", "exceptions.0.destination": "201"}),
        (VOICEMAIL, {}),
        (
            RingGroup(members=("101",), no_answer=_to("200"), closed=_to("201")),
            {"no_answer": "200", "closed": "201"},
        ),
        (QUEUE, {"no_agents": "200", "full": "201"}),
        (RECEPTIONIST, {"timeout": "201", "fallback": "203"}),
    ],
)
def test_the_ways_that_count_are_those_that_nobody_chooses(
    settings: Settings | ExtensionRules, slots: dict[str, str]
) -> None:
    """Rules, ends of waiting and closed doors count; members, agents, keys and voicemail do not."""
    found = {way.slot: way.number for way in automatic_ways(settings)}

    assert slots == found


def test_a_loop_is_shown_from_the_number_that_was_saved() -> None:
    """Each step names its number and the slot that leads to the next one."""
    ways = {
        "100": [Pointer(slot="busy", number="200")],
        "200": [Pointer(slot="no_answer", number="300"), Pointer(slot="closed", number="400")],
        "300": [Pointer(slot="timeout", number="100")],
    }

    assert (
        LoopStep(number="100", slot="busy"),
        LoopStep(number="200", slot="no_answer"),
        LoopStep(number="300", slot="timeout"),
    ) == loop_through("100", ways)


def test_a_number_that_leads_into_a_loop_is_in_none() -> None:
    """A loop further on is not that of the number that was saved."""
    ways = {
        "100": [Pointer(slot="busy", number="200")],
        "200": [Pointer(slot="no_answer", number="200")],
    }

    assert () == loop_through("100", ways)


_NUMBERS = [str(number) for number in range(100, 108)]
_GRAPHS = st.dictionaries(
    st.sampled_from(_NUMBERS), st.lists(st.sampled_from(_NUMBERS), max_size=3), max_size=len(_NUMBERS)
)


def _comes_back(number: str, graph: dict[str, list[str]]) -> bool:
    """Say whether some way of any length leads back, by taking every step at once."""
    at = {number}
    for _ in _NUMBERS:
        at = {after for one in at for after in graph.get(one, ())}
        if number in at:
            return True
    return False


@given(graph=_GRAPHS)
def test_a_loop_is_found_where_a_walk_comes_back(graph: dict[str, list[str]]) -> None:
    """For any graph: found exactly where a walk returns, its steps are ways, its end is its start."""
    ways = {
        number: [Pointer(slot=f"{index}.{target}", number=target) for index, target in enumerate(targets)]
        for number, targets in graph.items()
    }
    looping = {number for number in _NUMBERS if _comes_back(number, graph)}
    loops = {number: loop_through(number, ways) for number in _NUMBERS}

    assert looping == {number for number, loop in loops.items() if loop}
    for number, loop in loops.items():
        onwards = [step.slot.partition(".")[2] for step in loop]
        assert onwards == [*(step.number for step in loop[1:]), *([number] if loop else [])]
        assert all(onward in graph[step.number] for step, onward in zip(loop, onwards, strict=True))
    assert looping == {step.number for loop in all_loops(ways) for step in loop}
