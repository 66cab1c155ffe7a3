"""What compares calls with their simulation: it knows nothing of the routing, and sees what differs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.ring_log import Ring
from tests.support.watched_call import Expected, Watched, differences
from tests.support.witness import Trail

DID = "did.+4930200"
EXPECTED = Expected(
    met=[("ring-group", "6100"), ("mailbox", "8001")],
    way=[("ring-group", "6100", "", "no_answer", 3)],
    did="+4930200",
    rung=[(("101", 2), ("102", None)), (("103", 1),)],
    statuses=frozenset({200}),
    heard=[400, 1400, 600],
    mailbox="m",
)


def watched() -> Watched:
    """Return what goes as expected."""
    way = "did.+4930200/ring-group.6100..no_answer.3"
    return Watched(
        trail=Trail(met=list(EXPECTED.met), way=way),
        rings=[Ring("102", 10.01), Ring("101", 10.02, 2.01), Ring("103", 12.04, 1.0)],
        status=200,
        heard=list(EXPECTED.heard),
        recorded=way,
    )


def swap(call: Watched) -> None:
    """Let the third phone ring first."""
    call.rings[2].began_at = 9.0


def test_what_reads_calls_imports_nothing_of_the_routing(root: Path) -> None:
    """Neither routing nor rendering of the product is loaded by it, not even through others."""
    program = (
        "import sys, tests.support.watched_call, tests.support.witness, tests.support.ring_log;"
        "print(*(name for name in sys.modules"
        " if name.startswith(('controlplane.domain.routing', 'controlplane.rendering'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )

    assert "" == done.stdout.strip()


@pytest.mark.parametrize("whole_seconds", [True, False])
def test_a_call_that_goes_as_expected_differs_in_nothing(whole_seconds: bool) -> None:
    """Phones of one turn may ring in any order, and a little late."""
    assert [] == differences(EXPECTED, watched(), whole_seconds=whole_seconds)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda call: call.trail.met.insert(0, ("extension", "101")), "numbers met"),
        (lambda call: setattr(call.trail, "way", "/ring-group.6100..no_answer.3"), "number dialled"),
        (lambda call: setattr(call.trail, "way", f"{DID}/ring-group.6100..busy.3"), "way without seconds"),
        (
            lambda call: setattr(call.trail, "way", f"{DID}/ring-group.6100..no_answer.4"),
            "seconds of the way",
        ),
        (lambda call: call.rings.pop(), "phones rung"),
        (lambda call: call.rings.append(Ring("101", 20.0)), "phones rung"),
        (swap, "phones rung"),
        (lambda call: setattr(call.rings[1], "seconds", 3.0), "101 rang for"),
        (lambda call: setattr(call.rings[1], "seconds", 1.0), "101 rang for"),
        (lambda call: setattr(call.rings[1], "seconds", None), "101 rang for"),
        (lambda call: setattr(call.rings[0], "seconds", 2.0), "102 rang for"),
        (lambda call: setattr(call, "status", 480), "the caller was told"),
        (lambda call: call.heard.pop(), "heard"),
        (lambda call: setattr(call, "answered_by", "101"), "101 answered"),
        (lambda call: setattr(call, "recorded", None), "way of the message"),
        (lambda call: setattr(call, "recorded", f"{DID}/ring-group.6100..busy.3"), "way of the message"),
    ],
)
def test_what_differs_is_told(change: Callable[[Watched], object], told: str) -> None:
    """Each thing that a call shows is compared."""
    call = watched()
    change(call)
    (first, *_) = differences(EXPECTED, call, whole_seconds=False)

    assert first.startswith(told), first


@pytest.mark.parametrize(
    ("began", "seconds", "fits"), [(0.3, 0.7, True), (0.3, 1.7, False), (0.7, 1.3, True)]
)
def test_a_switch_may_count_by_its_clock(began: float, seconds: float, fits: bool) -> None:
    """It ends ringing with the nearest second of its clock, and with no other."""
    call = watched()
    call.rings[2] = Ring("103", 12 + began, seconds)

    assert fits == (not differences(EXPECTED, call, whole_seconds=True))


@pytest.mark.parametrize(
    ("rung", "told"), [(("101", "102"), 0), (("101",), 0), (("102",), 1), (("101", "103"), 1)]
)
def test_who_answers_may_be_faster_than_another_phone(rung: tuple[str, ...], told: int) -> None:
    """Of those who ring together the others need not; who talks must have rung, and nobody else may."""
    answered = Expected(
        met=[],
        way=[],
        did="",
        rung=[(("101", None), ("102", 0))],
        statuses=frozenset({200}),
        heard=[],
        answered_by=frozenset({"101"}),
    )
    rings = [Ring(number, 10.0, 0.1 if number == "102" else None) for number in rung]
    call = Watched(trail=Trail(), rings=rings, status=200, answered_by="101")

    assert told == len(differences(answered, call, whole_seconds=False))
