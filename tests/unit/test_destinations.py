"""Destinations within the settings of objects."""

from __future__ import annotations

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction, destinations_in
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist

SALES = Destination(action=DestinationAction.FORWARD_TO_NUMBER, number="8001")
BOX = Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL, number="101")


def test_all_destinations_are_found_by_their_fields() -> None:
    """Those of rules by hours, of exceptions and of keys, by the paths that pointers have."""
    rules = ExtensionRules(
        exceptions=(CallerException(caller="49", destination=SALES),),
        busy=ByHours(office_hours=SALES, holidays=BOX),
    )
    receptionist = VirtualReceptionist(keys=(KeyRule(keys="1", destination=ByHours(office_hours=BOX)),))

    assert [
        ("exceptions.0.destination", SALES),
        ("busy.office_hours", SALES),
        ("busy.holidays", BOX),
    ] == list(destinations_in(rules))
    assert ("keys.0.destination.office_hours", BOX) in list(destinations_in(receptionist))
    assert {one.slot for one in rules.pointers()} == {slot for slot, _ in destinations_in(rules)}


def test_exceptions_are_no_longer_than_what_a_switch_reads() -> None:
    """The longest destinations of fifty exceptions would be cut by a switch: they are refused."""
    far = Destination(action=DestinationAction.FORWARD_TO_NUMBER, number="8" * 64)
    rules = ExtensionRules(
        exceptions=tuple(CallerException(caller=f"493012340{n:02}", destination=far) for n in range(50))
    )

    with pytest.raises(InvalidValue) as caught:
        rules.check()

    assert ("too-many", "exceptions") == (caught.value.error_id, caught.value.field)


def test_agents_are_no_longer_than_what_a_switch_reads() -> None:
    """Two hundred agents of sixteen digits fit; of longer numbers a switch would read some alone."""
    CallQueue(agents=tuple(f"{n:016}" for n in range(200))).check()

    with pytest.raises(InvalidValue) as caught:
        CallQueue(agents=tuple(f"{n:064}" for n in range(60))).check()

    assert ("too-many", "agents") == (caught.value.error_id, caught.value.field)
