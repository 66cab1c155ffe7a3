"""Settings that point elsewhere than before."""

from __future__ import annotations

import pytest
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import Settings
from controlplane.domain.routing.re_pointing import re_pointed
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from hypothesis import given
from hypothesis import strategies as st

_NUMBERS = st.sampled_from([str(number) for number in range(100, 106)])
_DESTINATIONS = st.one_of(
    st.builds(Destination, action=st.just(DestinationAction.FORWARD_TO_NUMBER), number=_NUMBERS),
    st.builds(Destination, action=st.just(DestinationAction.FORWARD_TO_VOICEMAIL), number=_NUMBERS),
    st.just(Destination(action=DestinationAction.HANGUP)),
)
_MAYBE = st.none() | _DESTINATIONS
_ALL_HOURS = st.builds(ByHours, office_hours=_DESTINATIONS, outside_hours=_MAYBE, holidays=_MAYBE)
_LISTS = st.lists(_NUMBERS, unique=True, max_size=5).map(tuple)
_SETTINGS: st.SearchStrategy[Settings | ExtensionRules] = st.one_of(
    st.builds(RingGroup, members=_LISTS, no_answer=_DESTINATIONS, closed=_MAYBE),
    st.builds(CallQueue, agents=_LISTS, no_answer=_DESTINATIONS, no_agents=_MAYBE, full=_MAYBE),
    st.builds(InboundRule, destination=_ALL_HOURS, dids=st.just(("101",))),
    st.builds(
        VirtualReceptionist,
        keys=st.lists(_ALL_HOURS, max_size=2).map(
            lambda rules: tuple(KeyRule(keys=str(at), destination=one) for at, one in enumerate(rules))
        ),
        timeout=_DESTINATIONS,
        fallback=st.none() | _NUMBERS,
    ),
    st.builds(
        ExtensionRules,
        exceptions=st.lists(
            st.builds(CallerException, caller=st.just("101"), destination=_DESTINATIONS), max_size=2
        ).map(tuple),
        busy=st.none() | _ALL_HOURS,
        mailbox=st.none() | _NUMBERS,
        mwi_mailboxes=_LISTS,
    ),
)


def _pointed_at(settings: Settings | ExtensionRules) -> dict[str, str]:
    return {one.slot: one.number for one in settings.pointers()}  # type: ignore[union-attr]


@given(settings=_SETTINGS, old=_NUMBERS, new=_NUMBERS)
def test_every_pointer_goes_along_and_nothing_else(
    settings: Settings | ExtensionRules, old: str, new: str
) -> None:
    """All that pointed at the old number points at the new one; the rest, and lists' order, are as before."""
    before = _pointed_at(settings)
    after = _pointed_at(re_pointed(settings, old=old, new=new, kind=NumberKind.EXTENSION))
    expected = {slot: new if number == old else number for slot, number in before.items()}
    single = {
        slot: number
        for slot, number in expected.items()
        if slot.split(".")[0] not in {"members", "agents", "mwi_mailboxes"}
    }
    listed = list(dict.fromkeys(number for slot, number in expected.items() if slot not in single))

    assert single == {slot: number for slot, number in after.items() if slot in single}
    assert listed == [number for slot, number in after.items() if slot not in single]


@given(settings=_SETTINGS, old=_NUMBERS)
def test_without_a_new_number_nothing_points_at_the_old_one(
    settings: Settings | ExtensionRules, old: str
) -> None:
    """Calls end there, lists are shorter, and the settings still hold."""
    after = re_pointed(settings, old=old, new=None, kind=None)
    after.check()

    assert sorted(number for number in _pointed_at(settings).values() if number != old) == sorted(
        _pointed_at(after).values()
    )


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (NumberKind.EXTENSION, DestinationAction.FORWARD_TO_VOICEMAIL),
        (NumberKind.MAILBOX, DestinationAction.FORWARD_TO_NUMBER),
    ],
)
def test_the_way_into_the_voicemail_of_an_extension(kind: NumberKind, action: DestinationAction) -> None:
    """Pointed at another extension it leads into its voicemail; at anything else it goes there."""
    voicemail = Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL, number="101")
    after = re_pointed(RingGroup(no_answer=voicemail), old="101", new="102", kind=kind)

    assert Destination(action=action, number="102") == after.no_answer


def test_masks_that_look_like_the_number_stay() -> None:
    """A DID or a caller is no pointer."""
    rule = InboundRule(
        dids=("101",),
        callers=("101",),
        destination=ByHours(
            office_hours=Destination(action=DestinationAction.FORWARD_TO_NUMBER, number="101")
        ),
    )
    after = re_pointed(rule, old="101", new="102", kind=NumberKind.EXTENSION)

    assert (("101",), ("101",), "102") == (after.dids, after.callers, after.destination.office_hours.number)
