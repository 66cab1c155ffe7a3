"""The call forward rules of extensions, by real calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import quote
from uuid import UUID

import pytest
from controlplane.callflows.call import CallFacts
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import MINUTES_OF_A_DAY
from controlplane.domain.routing.masks import matches
from controlplane.domain.routing.plan import FIELDS
from tests.support.call_peers import PeerCall, end
from tests.support.product import until
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import MAILBOX, TONES, Rig

SCHEDULE = UUID("66666666-6666-4666-8666-666666666666")
OPEN, CLOSED, HOLIDAY = 0, 1, 2
OTHER_MAILBOX = UUID("77777777-7777-4777-8777-777777777777")
HOLIDAY_MAILBOX = UUID("88888888-8888-4888-8888-888888888888")
SPEECH = 200
# All three hours of a rule that leads to the mailbox.
ALWAYS_THERE = ("8001", "8001", "8001")
BY_HOURS = ("8001", "8002", "8003")


def plan(**lines: str | tuple[str, str, str]) -> list[str]:
    """Return the lines of an extension's plan; a rule is given for office hours, outside and holidays."""
    values = {"hours": str(SCHEDULE), "seconds": "5"}
    for name, value in lines.items():
        if isinstance(value, str):
            values[name] = value
        else:
            values |= {f"{name}.{hours}": token for hours, token in enumerate(value)}
    return [values.get(name, "") for name in FIELDS[NumberKind.EXTENSION]]


@pytest.fixture
def ruled(rig: Rig) -> Iterator[Rig]:
    """Route three mailboxes; afterwards the extensions have no rules and there are no office hours."""
    rig.route("8002", "mailbox", OTHER_MAILBOX)
    rig.route("8003", "mailbox", HOLIDAY_MAILBOX)
    yield rig
    rig.route_all()
    rig.hours(SCHEDULE, None)


@pytest.fixture
async def callee(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone that registers as 102."""
    async with RawPhone(rig.server).opened() as opened:
        assert 200 == await opened.register("102", "password-102")
        yield opened


def step(reason: ReachedReason, *, waited: int | None = None, number: str = "102") -> ReachedStep:
    """Return what the way has of an extension."""
    return ReachedStep(kind="extension", number=number, key=None, reason=reason, waited_seconds=waited)


async def asked(rig: Rig, phone: RawPhone, number: str = "102", **call: object) -> CallFacts:
    """Call, and return what the server is asked for."""
    async with rig.peer(end) as peer:
        await phone.call(number, **call).wait_ended()  # type: ignore[arg-type]  # passed on
    (facts,) = peer.facts
    return facts


def forward(rig: Rig, number: str = "102", **lines: str | tuple[str, str, str]) -> None:
    """Give an extension these rules."""
    rig.route(number, "extension", UUID(int=int(number)), plan=plan(**lines))


async def arrived(rig: Rig, phone: RawPhone, number: str = "102", **call: object) -> tuple[UUID, ReachedBy]:
    """Call, leave a message, and return in which mailbox and by which way."""
    await leave(phone, number, limit=30, **call)
    facts = rig.facts()
    return facts.mailbox_id, facts.reached_by


async def test_always_comes_before_the_phones(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """A call is forwarded at once, and no phone rings."""
    forward(ruled, always=ALWAYS_THERE, do_not_disturb="1", disturbed=("8002",) * 3)
    got = await arrived(ruled, phone)

    expected = ReachedBy(did=None, reason=ReachedReason.ALWAYS, path=(step(ReachedReason.ALWAYS),))
    assert (MAILBOX, expected) == got
    assert [] == callee.invited


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (486, ReachedReason.BUSY),
        (600, ReachedReason.BUSY),
        (603, ReachedReason.BUSY),
        (180, ReachedReason.NO_ANSWER),
        (480, ReachedReason.NO_ANSWER),
        (404, ReachedReason.NOT_REGISTERED),
    ],
)
async def test_what_the_phone_says_chooses_the_rule(
    ruled: Rig, phone: RawPhone, callee: RawPhone, status: int, reason: ReachedReason
) -> None:
    """Busy and declined follow `busy`, ringing to the end `no_answer`; the way says how long it rang."""
    others = dict.fromkeys({"busy", "no_answer", "not_registered"} - {reason.value}, ("8002", "8002", "8002"))
    forward(ruled, **{reason.value: ALWAYS_THERE}, **others)
    callee.reply = status
    got = await arrived(ruled, phone)

    waited = 5 if status == 180 else 0
    expected = ReachedBy(did=None, reason=reason, path=(step(reason, waited=waited),))
    assert (MAILBOX, expected) == got
    assert 1 == len(callee.invited)


async def test_an_extension_without_a_phone_is_not_registered(ruled: Rig, phone: RawPhone) -> None:
    """Where no phone is registered nothing rings, and the rule for that follows at once."""
    forward(ruled, not_registered=ALWAYS_THERE, busy=("8002",) * 3, no_answer=("8002",) * 3)
    got = await arrived(ruled, phone)

    reason = ReachedReason.NOT_REGISTERED
    assert (MAILBOX, ReachedBy(did=None, reason=reason, path=(step(reason),))) == got


async def test_a_phone_that_is_not_to_be_disturbed_does_not_ring(
    ruled: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """Do not disturb has a destination of its own, and counts as busy."""
    forward(ruled, do_not_disturb="1", disturbed=ALWAYS_THERE, busy=("8002",) * 3)
    got = await arrived(ruled, phone)

    reason = ReachedReason.BUSY
    assert (MAILBOX, ReachedBy(did=None, reason=reason, path=(step(reason),))) == got
    assert [] == callee.invited


@pytest.mark.parametrize("hours", [OPEN, CLOSED, HOLIDAY])
@pytest.mark.parametrize("rule", ["always", "disturbed", "busy", "no_answer", "not_registered"])
async def test_each_rule_looks_at_the_hours(
    ruled: Rig, phone: RawPhone, callee: RawPhone, rule: str, hours: int
) -> None:
    """Each rule has a destination in office hours, outside, and on holidays."""
    ruled.hours(SCHEDULE, hours)
    disturbed = "1" if rule == "disturbed" else ""
    forward(ruled, do_not_disturb=disturbed, **{rule: BY_HOURS})
    if rule == "no_answer":
        callee.reply = 180
    if rule == "not_registered":
        await callee.register("102", "password-102", expires=0)
    facts = await asked(ruled, phone)

    assert (MAILBOX, OTHER_MAILBOX, HOLIDAY_MAILBOX)[hours] == facts.mailbox_id


async def test_a_switch_closes_whatever_the_clock_says(ruled: Rig, phone: RawPhone) -> None:
    """A file `closed` beside the days makes it outside of office hours."""
    ruled.hours(SCHEDULE, OPEN, closed=True)
    forward(ruled, always=BY_HOURS)
    facts = await asked(ruled, phone)

    assert OTHER_MAILBOX == facts.mailbox_id


async def test_the_minute_is_that_of_now(ruled: Rig, phone: RawPhone) -> None:
    """The digit of this minute counts, in UTC, and not those before and after it."""
    ruled.hours(SCHEDULE, CLOSED)
    now = datetime.now(UTC)
    at = now.hour * 60 + now.minute
    # Two minutes: the call may come in the next one.
    digits = str(HOLIDAY) * at + str(CLOSED) * 2 + str(HOLIDAY) * MINUTES_OF_A_DAY
    (ruled.home / f"configuration/hours/{SCHEDULE}/{now:%Y%m%d}").write_text(digits[:MINUTES_OF_A_DAY])
    forward(ruled, always=BY_HOURS)
    facts = await asked(ruled, phone)

    assert OTHER_MAILBOX == facts.mailbox_id


@pytest.mark.parametrize("declined", [486, 603])
async def test_without_a_rule_a_busy_extension_is_busy(
    ruled: Rig, phone: RawPhone, callee: RawPhone, declined: int
) -> None:
    """A declined call ends as a busy one does where nothing follows."""
    forward(ruled, no_answer=ALWAYS_THERE)
    callee.reply = declined
    call = phone.call("102")
    await call.wait_ended()

    assert 486 == call.statuses[-1]


async def test_a_rule_can_end_the_call(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """`hangup` ends the call, and nothing rings."""
    forward(ruled, always=("hangup",) * 3, not_registered=ALWAYS_THERE)
    call = phone.call("102")
    await call.wait_ended()

    assert call.statuses[-1] in {480, 603}
    assert [] == callee.invited


@pytest.mark.parametrize(
    ("mask", "caller", "meant"),
    [
        ("4930123", "4930123", True),
        ("4930123", "+4930123", True),
        ("4930123", "4930124", False),
        ("4930123", "493012", False),
        ("49301**", "4930123", True),
        ("4*301**", "4930223", False),
        ("4930100-4930199", "4930100", True),
        ("4930100-4930199", "+4930199", True),
        ("4930100-4930199", "4930200", False),
        ("4930100-4930199", "493015", False),
        ("999999999999999998-999999999999999999", "999999999999999999", True),
        ("999999999999999997-999999999999999998", "999999999999999999", False),
        ("**", "ab", False),
        ("***", "1+3", False),
    ],
)
async def test_an_exception_is_for_some_callers(
    ruled: Rig, phone: RawPhone, mask: str, caller: str, meant: bool
) -> None:
    """A mask is a number, a range or a pattern; who is not meant meets the rules.

    What the switches take for meant is what the product takes for it.
    """
    forward(ruled, exceptions=f"{mask}>a>8002", always=ALWAYS_THERE)
    facts = await asked(ruled, phone, user=quote(caller))

    assert meant == matches(mask, caller)
    assert (OTHER_MAILBOX if meant else MAILBOX) == facts.mailbox_id
    assert (
        ReachedBy(did=None, reason=ReachedReason.ALWAYS, path=(step(ReachedReason.ALWAYS),))
        == facts.reached_by
    )


@pytest.mark.parametrize(
    ("when", "hours", "counts"),
    [
        ("o", OPEN, True),
        ("o", CLOSED, False),
        ("o", HOLIDAY, False),
        ("c", OPEN, False),
        ("c", CLOSED, True),
        ("c", HOLIDAY, True),
    ],
)
async def test_an_exception_may_have_hours(
    ruled: Rig, phone: RawPhone, when: str, hours: int, counts: bool
) -> None:
    """An exception counts always, in office hours, or outside of them and on holidays."""
    ruled.hours(SCHEDULE, hours)
    forward(ruled, exceptions=f"4930123>{when}>8002", always=ALWAYS_THERE)
    facts = await asked(ruled, phone, user="4930123")

    assert (OTHER_MAILBOX if counts else MAILBOX) == facts.mailbox_id


async def test_the_last_of_many_exceptions_counts(ruled: Rig, phone: RawPhone) -> None:
    """As many and as long exceptions as there can be are looked at in order, and the rules after them."""
    far = "8" * 38
    many = [f"4930100{count:02}-4930100{count:02}>a>{far}" for count in range(48)]
    exceptions = "|".join([*many, "49301***>a>8002", "4930****>a>8003"])
    forward(ruled, exceptions=exceptions, always=ALWAYS_THERE)
    meant = await asked(ruled, phone, user="49301999")
    other = await asked(ruled, phone, user="5550000")

    assert 2950 < len(exceptions) <= 3000
    assert (OTHER_MAILBOX, MAILBOX) == (meant.mailbox_id, other.mailbox_id)


async def test_an_exception_lets_the_phones_ring_in_spite_of_all_rules(
    ruled: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """`ring` of an exception passes `always` and do not disturb by; what follows then is as ever."""
    forward(
        ruled,
        exceptions="4930123>a>ring",
        always=("8002",) * 3,
        do_not_disturb="1",
        disturbed=("8002",) * 3,
        busy=ALWAYS_THERE,
    )
    facts = await asked(ruled, phone, user="4930123")

    assert (1, MAILBOX, ReachedReason.BUSY) == (
        len(callee.invited),
        facts.mailbox_id,
        facts.reached_by.reason,
    )


async def test_always_may_let_the_phones_ring_at_some_hours(
    ruled: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """With `ring` in office hours the rule `always` counts outside only."""
    ruled.hours(SCHEDULE, OPEN)
    forward(ruled, always=("ring", "8002", "8003"), busy=ALWAYS_THERE)
    during = await asked(ruled, phone)
    ruled.hours(SCHEDULE, CLOSED)
    after = await asked(ruled, phone)

    assert (MAILBOX, OTHER_MAILBOX) == (during.mailbox_id, after.mailbox_id)
    assert 1 == len(callee.invited)


async def test_always_with_ring_leaves_do_not_disturb_alone(
    ruled: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """`ring` of the rule `always` passes that rule by, and no other one."""
    forward(ruled, always=("ring",) * 3, do_not_disturb="1", disturbed=ALWAYS_THERE)
    facts = await asked(ruled, phone)

    assert (MAILBOX, []) == (facts.mailbox_id, callee.invited)


@pytest.mark.parametrize(("second", "reason"), [(180, ReachedReason.NO_ANSWER), (486, ReachedReason.BUSY)])
async def test_one_phone_that_rings_out_is_no_answer(
    ruled: Rig, phone: RawPhone, callee: RawPhone, second: int, reason: ReachedReason
) -> None:
    """Of two phones one declines: it is busy if the other one is too, else nobody answered."""
    forward(ruled, busy=ALWAYS_THERE, no_answer=ALWAYS_THERE)
    callee.reply = 603
    async with RawPhone(ruled.server).opened() as other:
        assert 200 == await other.register("102", "password-102")
        other.reply = second
        facts = await asked(ruled, phone)

        assert (1, 1) == (len(callee.invited), len(other.invited))
    assert reason == facts.reached_by.reason


async def test_the_way_has_each_extension(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """A call that is forwarded twice says so, with the reason and the time of each."""
    forward(ruled, "101", always=("102",) * 3)
    forward(ruled, busy=ALWAYS_THERE)
    mailbox, way = await arrived(ruled, phone, "101")

    always, busy = ReachedReason.ALWAYS, ReachedReason.BUSY
    assert (
        MAILBOX,
        ReachedBy(did=None, reason=busy, path=(step(always, number="101"), step(busy, waited=0))),
    ) == (
        mailbox,
        way,
    )


async def test_what_an_earlier_phone_did_is_no_reason(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """After a phone that nobody answered, one that is busy is busy, and one that declines too."""
    forward(ruled, "101", seconds="1", no_answer=("102",) * 3)
    forward(ruled, busy=ALWAYS_THERE, no_answer=("8002",) * 3)
    async with RawPhone(ruled.server).opened() as silent:
        assert 200 == await silent.register("101", "password-101")
        silent.reply = 180
        mailbox, way = await arrived(ruled, phone, "101")

    no_answer, busy = ReachedReason.NO_ANSWER, ReachedReason.BUSY
    path = (step(no_answer, number="101", waited=1), step(busy, waited=0))
    assert (MAILBOX, ReachedBy(did=None, reason=busy, path=path)) == (mailbox, way)


async def test_a_circle_is_cut(ruled: Rig, phone: RawPhone) -> None:
    """Two extensions that forward to each other end in words and a warning, not in a call without an end."""
    forward(ruled, "101", always=("102",) * 3)
    forward(ruled, always=("101",) * 3)
    before = len(ruled.log)
    await phone.call("102").wait_ended()

    assert near([TONES["technical-problem"]], phone.tones()), phone.tones()
    (warning,) = [line for line in ruled.log[before:].splitlines() if "cut a call" in line]
    assert "WARNING" in warning
    assert 10 == warning.count("always")


async def stay(call: PeerCall) -> None:
    """Take the call, and say nothing."""
    await call.answer()
    await call.hang()


@pytest.mark.parametrize(("forwarded", "reached"), [(8, [MAILBOX]), (9, [])])
async def test_who_is_transferred_keeps_his_count(
    ruled: Rig, phone: RawPhone, callee: RawPhone, forwarded: int, reached: list[UUID]
) -> None:
    """A phone that answers after some numbers transfers to another one: the tenth is reached, no eleventh."""
    numbers = [str(300 + place) for place in range(forwarded)]
    for number, following in pairwise([*numbers, "102"]):
        forward(ruled, number, always=(following,) * 3)
    callee.reply = 200
    async with ruled.peer(stay) as peer:
        call = phone.call(numbers[0], user="4930123")
        await call.wait_answered()
        await until(lambda: callee.taken, "the call of the phone")
        # What a raw phone says all the time: who is referred before the two are connected stays.
        await callee.taken[0].wait_tone(SPEECH)
        await call.wait_tone(SPEECH)
        callee.taken[0].refer(f"<sip:8001@{ruled.server[0]}:{ruled.server[1]}>".encode())
        if reached:
            await until(lambda: peer.calls, "a call for the server")
        else:
            await call.wait_ended()

    assert reached == [facts.mailbox_id for facts in peer.facts]
    assert call.ended.is_set() != bool(reached)
    assert bool(reached) or near([TONES["technical-problem"]], phone.tones()[-1:]), phone.tones()


async def test_an_answered_call_is_not_forwarded(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """When the called person hangs up the call ends; no rule follows."""
    forward(ruled, busy=ALWAYS_THERE, no_answer=ALWAYS_THERE, not_registered=ALWAYS_THERE)
    callee.reply = 200
    async with ruled.peer(end) as peer:
        call = phone.call("102")
        await call.wait_answered()
        (taken,) = callee.taken
        taken.hang_up()
        await call.wait_ended()

    assert [] == peer.calls


async def test_a_plan_that_is_empty_rings_the_phones(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """An extension without rules is called, and its caller told that it is busy."""
    ruled.route("102", "extension", UUID(int=102))
    call = phone.call("102")
    await call.wait_ended()

    assert (1, 486) == (len(callee.invited), call.statuses[-1])


async def test_nobody_at_the_address_of_a_phone(ruled: Rig, phone: RawPhone) -> None:
    """A phone was switched off, and its host says so: it rings out on Asterisk, FreeSWITCH believes that."""
    forward(ruled, seconds="1", busy=("8002",) * 3, no_answer=ALWAYS_THERE, not_registered=("8003",) * 3)
    async with RawPhone(ruled.server).opened() as gone:
        assert 200 == await gone.register("102", "password-102")
        gone.vanish()
        facts = await asked(ruled, phone)
    # Whatever is registered as this extension; what is there no more cannot do it.
    assert 200 == await phone.register("102", "password-102", contact=b"*", expires=0)

    rings_out = (MAILBOX, ReachedReason.NO_ANSWER)
    is_refused = (HOLIDAY_MAILBOX, ReachedReason.NOT_REGISTERED)
    expected = {"asterisk": rings_out, "freeswitch": is_refused}[ruled.switch]
    assert expected == (facts.mailbox_id, facts.reached_by.reason)
