"""Calls from outside: by which trunk, by which inbound rule, to where, and what the message says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from controlplane.callflows.call import CallFacts
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.routing.trunk import DidIn
from controlplane.rendering.context import TenantContext
from controlplane.rendering.context_inbound import InboundRuleContext, TrunkContext
from tests.support.call_peers import end
from tests.support.raw_sip import RawPhone, leave
from tests.support.rig import MAILBOX, TONES, Rig
from tests.support.rigs import run_rig

pytestmark = pytest.mark.xdist_group("dialplan-inbound")

NORTH = TrunkContext(id=UUID(int=0xA1), addresses=("127.0.0.2",))
SOUTH = TrunkContext(id=UUID(int=0xA2), addresses=("127.0.0.8/30", "::1"), did_in=DidIn.TO)
SCHEDULE = UUID(int=0xB1)
OTHER = UUID(int=0xC2)


def rule(
    *dids: str,
    to: str = "8001",
    callers: tuple[str, ...] = (),
    trunk: TrunkContext | None = None,
    hours: UUID | None = None,
    closed: str = "",
    holiday: str = "",
) -> InboundRuleContext:
    """Return an inbound rule; the same destination all day if no other one is given."""
    return InboundRuleContext(
        dids=dids,
        callers=callers,
        trunk=trunk.id if trunk else None,
        hours=hours,
        destinations=(to, closed or to, holiday or closed or to),
    )


# 8001 is a mailbox and 8002 another one.
RULES = (
    rule("4930200", callers=("49170*****", "200-299"), to="8002"),
    rule("4930200"),
    rule("+4930300", trunk=NORTH, to="8002"),
    rule("4930400-4930499"),
    rule("49305**"),
    rule("030600", "0306*1"),
    rule("4930700", hours=SCHEDULE, closed="8002", holiday="hangup"),
    rule("4930800", to="hangup"),
    rule("4930900", callers=("49301",)),
    rule("4930901", to="8765"),
    rule("101", trunk=NORTH),
)


def with_rules(tenants: tuple[TenantContext, ...]) -> tuple[TenantContext, ...]:
    """Give trunks and rules to the default tenant."""
    first, *others = tenants
    return (dataclasses.replace(first, trunks=(NORTH, SOUTH), rules=RULES), *others)


@pytest.fixture(scope="module")
def rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan with trunks and inbound rules."""
    with run_rig(switch, tmp_path_factory.mktemp("inbound"), change=with_rules) as running:
        running.route("8002", "mailbox", OTHER)
        yield running


DIRECT = ReachedBy(did=None, reason=ReachedReason.DIRECT, path=())


def dialled(did: str) -> ReachedBy:
    """Return the way of a call that a rule sent straight to a mailbox."""
    return ReachedBy(did=did, reason=ReachedReason.DIRECT, path=())


async def called(
    rig: Rig, number: str | bytes, *, source: str = "127.0.0.2", user: str | bytes = "4989123", **more: Any
) -> tuple[list[CallFacts], list[int], list[int]]:
    """Call from an address until the switch ends it; return what reached us, what was heard, and statuses."""
    async with rig.peer(end) as peer, RawPhone(rig.server, address=source).opened() as phone:
        made = phone.call(number, user=user, **more)
        await made.wait_ended()
    return peer.facts, [round(tone, -2) for tone in phone.tones()], made.statuses


async def reached(rig: Rig, number: str | bytes, **more: Any) -> tuple[UUID | None, ReachedBy]:
    """Return whose mailbox such a call reached, and how it got there."""
    (facts,), _, _ = await called(rig, number, **more)
    return facts.mailbox_id, facts.reached_by


async def is_unknown(rig: Rig, number: str | bytes, **more: Any) -> bool:
    """Say whether such a caller hears that the number is none."""
    facts, heard, _ = await called(rig, number, **more)
    return ([], [TONES["number-unknown"]]) == (facts, heard)


@pytest.mark.parametrize(
    ("did", "caller", "mailbox"),
    [
        # By the order of the rules, and by the caller.
        ("4930200", "4989123", MAILBOX),
        ("4930200", "4917012345", OTHER),
        ("4930200", "+4917012345", OTHER),
        ("4930200", "491701234", MAILBOX),
        ("4930200", "250", OTHER),
        ("4930200", "x250", MAILBOX),
        # A range and both of its ends, patterns, a second number, with a + or without.
        ("4930400", "4989123", MAILBOX),
        ("4930499", "4989123", MAILBOX),
        ("+4930450", "4989123", MAILBOX),
        ("4930577", "4989123", MAILBOX),
        ("030600", "4989123", MAILBOX),
        ("030671", "4989123", MAILBOX),
        ("+4930300", "4989123", OTHER),
        ("4930300", "4989123", OTHER),
    ],
)
async def test_the_first_rule_that_matches_wins(rig: Rig, did: str, caller: str, mailbox: UUID) -> None:
    """Where a call goes is decided by the number dialled and by who calls; the way names that number."""
    assert (mailbox, dialled(did)) == await reached(rig, did, user=caller)


@pytest.mark.parametrize(
    "did", ["4930399", "4930500000", "493057", "30600", "0030600", "0306720", "49304500", "4930900"]
)
async def test_a_number_beside_the_masks_is_unknown(rig: Rig, did: str) -> None:
    """Ranges and patterns mean as many digits as they have, and a zero in front is a digit."""
    assert await is_unknown(rig, did)


async def test_a_rule_of_a_trunk_is_for_its_calls_alone(rig: Rig) -> None:
    """The same number by another trunk, or by none, is not meant."""
    south = await is_unknown(rig, "s", source="127.0.0.9", to="4930300")
    nobody = await is_unknown(rig, "4930300", source="127.0.0.1")
    north = await reached(rig, "4930300")

    assert (True, True, OTHER) == (south, nobody, north[0])


async def test_the_number_dialled_may_stand_in_to(rig: Rig) -> None:
    """A provider who dials one address for all has the number in To; the Request-URI does not count."""
    assert (MAILBOX, dialled("+4930400")) == await reached(rig, "s", source="127.0.0.11", to="+4930400")
    assert (MAILBOX, dialled("4930401")) == await reached(rig, "4930300", source="127.0.0.8", to="4930401")


async def test_beside_a_network_nobody_is_known(rig: Rig) -> None:
    """The next address is a stranger's, whose To says nothing."""
    assert (MAILBOX, dialled("4930499")) == await reached(rig, "4930499", source="127.0.0.12", to="8002")


async def test_an_extensions_number_by_a_trunk_is_a_caller(rig: Rig) -> None:
    """Who comes by a trunk is not asked for a password, and is nobody's extension."""
    (facts,), _, _ = await called(rig, "4930400", user="101")

    assert (MAILBOX, "101", None) == (facts.mailbox_id, facts.caller.number, facts.extension)


async def test_an_asserted_identity_is_not_the_caller(rig: Rig) -> None:
    """From says who calls by a trunk, as it does for everybody else."""
    asserted = b'P-Asserted-Identity: "Boss" <sip:49170999@127.0.0.2>'
    (facts,), _, _ = await called(rig, "4930200", user="4989123", extra=asserted)

    assert (MAILBOX, "4989123") == (facts.mailbox_id, facts.caller.number)


async def test_a_number_of_the_tenant_needs_no_rule(rig: Rig) -> None:
    """Rules come first for a trunk; without one the number dialled is what it is."""
    assert (OTHER, dialled("8002")) == await reached(rig, "8002")
    assert (MAILBOX, dialled("101")) == await reached(rig, "101")


async def test_a_stranger_reaches_numbers_first_and_then_rules(rig: Rig) -> None:
    """Without a trunk a number is dialled as ever, and a number of nobody is asked of the rules."""
    assert (OTHER, DIRECT) == await reached(rig, "8002", source="127.0.0.1")
    assert (MAILBOX, dialled("4930400")) == await reached(rig, "4930400", source="127.0.0.1")
    assert (MAILBOX, dialled("+4930401")) == await reached(rig, "+4930401", source="127.0.0.1")
    assert await is_unknown(rig, "4930399", source="127.0.0.1")


@pytest.mark.parametrize("source", ["127.0.0.2", "127.0.0.1"])
@pytest.mark.parametrize(
    "number",
    [
        b"4930400%0Aagi_x%3A1",
        b"4930400%2Cs%2C1",
        b"4930400%29%7D",
        b"4930400&4930401",
        b"49304++0",
        b"++4930400",
        b"%24%7BSHELL(id)%7D",
        b"h",
        b"4" * 33,
    ],
)
async def test_a_hostile_number_is_no_number(rig: Rig, number: bytes, source: str) -> None:
    """What is dialled is digits with a + before them at most, or nothing that a rule is asked about."""
    facts, heard, statuses = await called(rig, number, source=source)

    assert [] == facts
    assert [TONES["number-unknown"]] == heard or statuses[-1] in {400, 404, 603}


async def test_a_hostile_to_is_no_number(rig: Rig) -> None:
    """The same where To has the number."""
    for text in ("4930400%0Ax", "4930400,s,1", "4930400)", "4930400;x", "%24%7BSHELL(id)%7D"):
        assert await is_unknown(rig, "4930400", source="127.0.0.9", to=text)


async def test_a_rule_may_end_the_call(rig: Rig) -> None:
    """Nothing is heard, and the call is not answered."""
    facts, heard, statuses = await called(rig, "4930800")

    assert ([], [], False) == (facts, heard, 200 in statuses)


async def test_a_caller_without_a_number_matches_no_mask(rig: Rig) -> None:
    """Masks of callers mean numbers."""
    assert await is_unknown(rig, "4930900", user="anonymous")
    assert await is_unknown(rig, "4930900", user=b"49301%0A")
    assert await is_unknown(rig, "4930900", user=b"4930%2B1")


async def test_a_rule_to_nobody_is_unknown(rig: Rig) -> None:
    """A number that is nobody's any more is said to be none."""
    assert await is_unknown(rig, "4930901", user="49301")


@pytest.mark.parametrize("digit", [0, 1, 2])
async def test_hours_choose_the_destination(rig: Rig, digit: int) -> None:
    """In office hours, outside and on holidays; what was chosen because of the time says so."""
    rig.hours(SCHEDULE, digit)
    facts, _, _ = await called(rig, "4930700")
    closed = ReachedStep(
        kind="inbound-rule", number="", key=None, reason=ReachedReason.CLOSED, waited_seconds=None
    )
    expected = {
        0: [(MAILBOX, dialled("4930700"))],
        1: [(OTHER, ReachedBy(did="4930700", reason=ReachedReason.CLOSED, path=(closed,)))],
        2: [],
    }

    assert expected[digit] == [(each.mailbox_id, each.reached_by) for each in facts]


async def test_closed_now_closes(rig: Rig) -> None:
    """Whatever the hours are."""
    rig.hours(SCHEDULE, 0, closed=True)
    found, way = await reached(rig, "4930700")

    assert (OTHER, ReachedReason.CLOSED) == (found, way.reason)


async def test_without_files_of_hours_it_is_open(rig: Rig) -> None:
    """A rule goes on as in office hours."""
    rig.hours(SCHEDULE, None)

    assert (MAILBOX, dialled("4930700")) == await reached(rig, "4930700")


async def test_a_message_says_which_number_was_dialled(rig: Rig) -> None:
    """Also when the dialplan takes it by itself, as its facts in the spool say."""
    rig.empty_spool()
    async with RawPhone(rig.server, address="127.0.0.2").opened() as phone:
        await leave(phone, "+4930300", user="4989123")
    facts = rig.facts()

    assert (OTHER, dialled("+4930300")) == (facts.mailbox_id, facts.reached_by)
