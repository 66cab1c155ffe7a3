"""Ring groups: who rings, for how long, and where a call goes that nobody takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, HangupCause
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.plan import FIELDS
from controlplane.storage.wav import duration_ms
from tests.support.call_contract import ContractPrompts
from tests.support.product import until
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import ACME, DEFAULT, TONES, Rig
from tests.support.ringing_phone import Reply, RingingPhone

GROUP = "6100"
SCHEDULE = UUID("55555555-5555-4555-8555-555555555555")
BUSY, DECLINE, RING, ANSWER = Reply.BUSY, Reply.DECLINE, Reply.RING, Reply.ANSWER


@dataclass
class Desk:
    """The phones of a test, and how calls came to the mailbox 8001."""

    rig: Rig
    stack: AsyncExitStack
    ways: list[ReachedBy] = field(default_factory=list)

    async def phone(
        self, number: str = "", reply: Reply = RING, *, domain: str = "127.0.0.1"
    ) -> RingingPhone:
        """Open a phone, registered as an extension if a number is given."""
        phone = await self.stack.enter_async_context(RingingPhone(self.rig.server).opened())
        assert isinstance(phone, RingingPhone)
        phone.reply = reply
        if number:
            assert 200 == await phone.register(number, f"password-{number}", domain=domain)
        return phone

    def group(
        self,
        members: Sequence[str],
        *,
        number: str = GROUP,
        tenant: UUID = DEFAULT,
        strategy: str = "simultaneous",
        ring_seconds: int = 1,
        total_seconds: int = 10,
        skip_busy: str = "1",
        no_answer: str = "8001",
        closed: str = "",
    ) -> None:
        """Write the route file of a ring group."""
        plan = {
            "hours": str(SCHEDULE),
            "closed": closed,
            "strategy": strategy,
            "members": "&".join(members),
            "ring_seconds": str(ring_seconds),
            "total_seconds": str(total_seconds),
            "skip_busy": skip_busy,
            "no_answer": no_answer,
        }
        lines = [plan[name] for name in FIELDS[NumberKind.RING_GROUP]]
        self.rig.route(number, "ring-group", UUID(int=6100), tenant, plan=lines)

    async def reason(self) -> ReachedReason:
        """Call the group from outside and return why the call reached the mailbox."""
        await self.call_through()
        return self.ways[-1].reason

    async def call_through(self) -> None:
        """Call the group from outside until the call has ended."""
        caller = await self.phone()
        call = caller.call(GROUP, user="4930123")
        await call.wait_ended()


@pytest.fixture
async def desk(rig: Rig, tmp_path: Path) -> AsyncIterator[Desk]:
    """Open a desk whose mailbox notes how calls came, and ends them."""
    async with AsyncExitStack() as stack:
        desk = Desk(rig=rig, stack=stack)

        async def handler(call: Call) -> Ending:
            desk.ways.append(call.facts.reached_by)
            await call.hangup(HangupCause.NORMAL)
            return Ending(outcome=Outcome.FINISHED)

        await stack.enter_async_context(rig.handled(handler, prompts=ContractPrompts(tmp_path)))
        yield desk
    rig.route_all()
    rig.hours(SCHEDULE, None)


def steps(way: ReachedBy) -> list[tuple[str, str, str]]:
    """Return a way without its seconds."""
    return [(step.kind, step.number, step.reason.value) for step in way.path]


def waited(way: ReachedBy) -> int:
    """Return the seconds that the last step took."""
    seconds = way.path[-1].waited_seconds
    assert seconds is not None
    return seconds


@pytest.mark.parametrize("strategy", ["simultaneous", "in_order"])
@pytest.mark.parametrize(
    ("bob", "charlie", "reason"),
    [
        (RING, RING, "no_answer"),
        (BUSY, RING, "no_answer"),
        (RING, BUSY, "no_answer"),
        (DECLINE, RING, "no_answer"),
        (RING, None, "no_answer"),
        (None, RING, "no_answer"),
        (BUSY, BUSY, "busy"),
        (DECLINE, BUSY, "busy"),
        (DECLINE, DECLINE, "busy"),
        (BUSY, None, "busy"),
        (None, DECLINE, "busy"),
        (None, None, "not_registered"),
    ],
)
async def test_the_reason_is_that_of_the_whole_group(
    desk: Desk, strategy: str, bob: Reply | None, charlie: Reply | None, reason: str
) -> None:
    """One phone that rang out makes it no answer, else one that was busy or declined makes it busy."""
    for number, reply in (("102", bob), ("103", charlie)):
        if reply is not None:
            await desk.phone(number, reply)
    # A phone that answers at once has time to: a turn of one second may be half as long on FreeSWITCH.
    seconds = 1 if RING in (bob, charlie) else 5
    desk.group(["102", "103"], strategy=strategy, ring_seconds=seconds)

    assert reason == await desk.reason()
    assert [("ring-group", GROUP, reason)] == steps(desk.ways[-1])


@pytest.mark.parametrize("strategy", ["simultaneous", "in_order"])
@pytest.mark.parametrize("third", ["unregistered", "refused", "silent"])
async def test_a_dead_phone_beside_one_that_declines_and_one_that_is_busy(
    rig: Rig, third: str, strategy: str
) -> None:
    """The caller comes to the mailbox, at once where the third is known to be dead, else when it rang out.

    Unregistered it is no phone, and the group is busy. Whose host refuses calls is known to be dead on
    FreeSWITCH; Asterisk lets it ring out, as one that was switched off without a word does on both.
    """
    rig.empty_spool()
    async with AsyncExitStack() as stack:
        desk = Desk(rig=rig, stack=stack)
        others = [await desk.phone("101", DECLINE), await desk.phone("102", BUSY)]
        caller = await desk.phone()
        if third != "unregistered":
            gone = await desk.phone("103", Reply.SILENT)
            if third == "refused":
                gone.vanish()
        desk.group(["101", "102", "103"], strategy=strategy, ring_seconds=2)
        call = caller.call(GROUP, user="4930123")
        await call.wait_tone(TONES["beep"])
        for _ in range(60):
            await caller.media_sent()
        call.hang_up()
        await call.wait_ended()
        if third == "refused":
            assert 200 == await caller.register("103", "password-103", contact=b"*", expires=0)
    rang_out = third == "silent" or (third == "refused" and rig.switch == "asterisk")
    reason, seconds = ("no_answer", {2, 3}) if rang_out else ("busy", {0, 1})

    # The switch answers the BYE before it closes the file, which holds the facts.
    await until(lambda: any(duration_ms(path) > 0 for path in rig.spool.glob("*.wav")), "the recording")
    way = rig.facts().reached_by
    assert [1, 1] == [len(phone.invited) for phone in others]
    assert near([TONES["greeting-standard"], TONES["beep"]], caller.tones())
    assert [("ring-group", GROUP, reason)] == steps(way)
    assert waited(way) in seconds


@pytest.mark.parametrize("third", ["unregistered", "silent"])
async def test_such_a_group_hangs_up_with_its_reason(desk: Desk, third: str) -> None:
    """Busy, or not available where a phone rang out."""
    await desk.phone("101", DECLINE)
    await desk.phone("102", BUSY)
    if third == "silent":
        await desk.phone("103", Reply.SILENT)
    desk.group(["101", "102", "103"], no_answer="hangup")
    caller = await desk.phone()
    call = caller.call(GROUP, user="4930123")
    await call.wait_ended()

    assert ({"unregistered": 486, "silent": 480}[third], []) == (call.statuses[-1], desk.ways)


async def test_a_member_who_declined_alone_is_busy(desk: Desk) -> None:
    """The summary of a single declined call is the same as that of many."""
    await desk.phone("102", DECLINE)
    desk.group(["102"], ring_seconds=5)

    assert "busy" == await desk.reason()


async def test_all_members_ring_at_once_with_the_number_of_the_caller(desk: Desk) -> None:
    """Each phone of each member rings for the seconds of a turn, and shows who calls."""
    bob, also_bob, charlie = await desk.phone("102"), await desk.phone("102"), await desk.phone("103")
    desk.group(["102", "103"], ring_seconds=2)
    await desk.call_through()

    phones = (bob, also_bob, charlie)
    assert [1, 1, 1] == [len(phone.invited) for phone in phones]
    assert all(b"sip:4930123@" in phone.invited[0] for phone in phones)
    assert 0.5 > max(phone.offered_at[0] for phone in phones) - min(phone.offered_at[0] for phone in phones)
    assert 2 <= waited(desk.ways[-1]) <= 3


async def test_one_answers_and_the_others_stop_ringing(desk: Desk) -> None:
    """The call is with the one who answered, and ends when that one hangs up, not at the mailbox."""
    bob, charlie, caller = await desk.phone("102"), await desk.phone("103", ANSWER), await desk.phone()
    desk.group(["102", "103"], ring_seconds=5)
    call = caller.call(GROUP, user="4930123")
    await call.wait_answered()
    async with asyncio.timeout(5):
        await charlie.talking.wait()
        await bob.rings.wait()
        await bob.taken_back.wait()
    assert not call.ended.is_set()
    charlie.hang_up()
    await call.wait_ended()

    assert [] == desk.ways


async def test_members_ring_one_after_another(desk: Desk) -> None:
    """In order, each rings for its seconds and stops before the next one begins."""
    charlie, bob = await desk.phone("103"), await desk.phone("102")
    desk.group(["103", "102"], strategy="in_order")
    await desk.call_through()

    assert [1, 1] == [len(charlie.invited), len(bob.invited)]
    assert 0.5 < bob.offered_at[0] - charlie.offered_at[0] < 2
    assert charlie.cancelled_at[0] < bob.offered_at[0] + 0.1
    assert 1 <= waited(desk.ways[-1]) <= 3


async def test_the_second_in_order_answers(desk: Desk) -> None:
    """Who is busy is passed over at once, and the next one may take the call."""
    bob, charlie, caller = await desk.phone("102", BUSY), await desk.phone("103", ANSWER), await desk.phone()
    desk.group(["102", "103"], strategy="in_order", ring_seconds=5)
    call = caller.call(GROUP, user="4930123")
    await call.wait_answered()
    async with asyncio.timeout(5):
        await charlie.talking.wait()
    charlie.hang_up()
    await call.wait_ended()

    assert (1, 1, []) == (len(bob.invited), len(charlie.invited), desk.ways)


async def test_chance_decides_who_rings_first(desk: Desk) -> None:
    """At random each member rings once a call, and not always in the same order."""
    bob, charlie = await desk.phone("102", DECLINE), await desk.phone("103", DECLINE)
    desk.group(["102", "103"], strategy="random", ring_seconds=5)
    # Sixteen calls in one order alone happen once in 32,768 times.
    for _ in range(16):
        await desk.call_through()

    first = {one < other for one, other in zip(bob.offered_at, charlie.offered_at, strict=True)}
    assert {True, False} == first
    assert {"busy"} == {way.reason for way in desk.ways}


async def test_the_whole_lasts_no_longer_than_its_seconds(desk: Desk) -> None:
    """When the time of all is over the members after that do not ring."""
    bob, charlie, alice = await desk.phone("102"), await desk.phone("103"), await desk.phone("101")
    desk.group(["102", "103", "101"], strategy="in_order", ring_seconds=2, total_seconds=4)
    await desk.call_through()

    assert [1, 1, 0] == [len(phone.invited) for phone in (bob, charlie, alice)]
    assert 3 <= waited(desk.ways[-1]) <= 5


async def test_a_turn_ends_with_the_whole(desk: Desk) -> None:
    """All phones ring no longer than the whole may last."""
    await desk.phone("102")
    desk.group(["102"], ring_seconds=20, total_seconds=1)

    assert "no_answer" == await desk.reason()
    assert 1 <= waited(desk.ways[-1]) <= 2


@pytest.mark.parametrize("member", ["101", "102"])
@pytest.mark.parametrize("strategy", ["simultaneous", "in_order"])
async def test_a_member_on_a_call_is_left_out(desk: Desk, member: str, strategy: str) -> None:
    """Neither who called somebody nor who answered somebody is rung; alone that makes the group busy."""
    alice, bob = await desk.phone("101"), await desk.phone("102", ANSWER)
    talk = alice.call("102", user="101", password="password-101")
    await talk.wait_answered()
    async with asyncio.timeout(5):
        await bob.talking.wait()
    rung = len(alice.invited) + len(bob.invited)
    desk.group([member], strategy=strategy)
    reason = await desk.reason()
    talk.hang_up()
    await talk.wait_ended()

    assert (1, "busy") == (rung, reason)
    assert 1 == len(alice.invited) + len(bob.invited)


async def test_a_member_on_a_call_rings_where_none_is_left_out(desk: Desk) -> None:
    """Without skipping the phone of a busy member decides for itself."""
    alice, bob = await desk.phone("101"), await desk.phone("102", ANSWER)
    talk = alice.call("102", user="101", password="password-101")
    await talk.wait_answered()
    desk.group(["101"], skip_busy="")
    reason = await desk.reason()
    talk.hang_up()
    await talk.wait_ended()

    assert (1, 1, "no_answer") == (len(alice.invited), len(bob.invited), reason)


async def test_a_member_is_rung_again_after_a_call(desk: Desk) -> None:
    """Who has hung up is on a call no more, neither who called nor who was called."""
    alice, bob = await desk.phone("101"), await desk.phone("102", ANSWER)
    talk = alice.call("102", user="101", password="password-101")
    await talk.wait_answered()
    async with asyncio.timeout(5):
        await bob.talking.wait()
    talk.hang_up()
    await talk.wait_ended()
    bob.reply = RING
    desk.group(["101", "102"])
    async with asyncio.timeout(10):
        while not alice.invited or len(bob.invited) < 2:
            await desk.call_through()

    assert (ReachedReason.NO_ANSWER, 2) == (desk.ways[-1].reason, len(bob.invited))


async def test_a_phone_that_only_rings_is_not_on_a_call(desk: Desk) -> None:
    """Another call to a member who has not answered yet leaves nobody out."""
    bob, other = await desk.phone("102"), await desk.phone()
    ringing = other.call("102", user="4930999")
    async with asyncio.timeout(5):
        await bob.rings.wait()
    desk.group(["102"])
    reason = await desk.reason()
    other.cancel(ringing)
    await ringing.wait_ended()

    assert (2, "no_answer") == (len(bob.invited), reason)


async def test_a_member_who_wants_no_call_is_left_out(desk: Desk) -> None:
    """Do not disturb counts as busy, and the member's own rules send the call nowhere."""
    bob = await desk.phone("102")
    rules = dict.fromkeys(FIELDS[NumberKind.EXTENSION], "") | {"do_not_disturb": "1", "always.0": "103"}
    desk.rig.route(
        "102", "extension", UUID(int=102), plan=[rules[name] for name in FIELDS[NumberKind.EXTENSION]]
    )
    desk.group(["102"])

    assert "busy" == await desk.reason()
    assert [] == bob.invited


async def test_the_rules_of_a_member_do_not_count(desk: Desk) -> None:
    """A member whose calls are forwarded still rings in the group."""
    bob = await desk.phone("102")
    rules = dict.fromkeys(FIELDS[NumberKind.EXTENSION], "") | {"always.0": "103", "no_answer.0": "103"}
    desk.rig.route(
        "102", "extension", UUID(int=102), plan=[rules[name] for name in FIELDS[NumberKind.EXTENSION]]
    )
    desk.group(["102"])

    assert "no_answer" == await desk.reason()
    assert (1, [("ring-group", GROUP, "no_answer")]) == (len(bob.invited), steps(desk.ways[-1]))


@pytest.mark.parametrize("strategy", ["simultaneous", "in_order", "random"])
@pytest.mark.parametrize("members", [[], ["8001"], ["199"]])
async def test_a_group_without_phones_goes_on_at_once(desk: Desk, strategy: str, members: list[str]) -> None:
    """Nobody, and numbers that are no extension's, are rung by nobody."""
    desk.group(members, strategy=strategy, ring_seconds=20)

    assert "not_registered" == await desk.reason()
    assert waited(desk.ways[-1]) <= 1


async def test_a_change_counts_with_the_next_call(desk: Desk) -> None:
    """The route file is read with each call."""
    bob, charlie = await desk.phone("102", BUSY), await desk.phone("103", BUSY)
    desk.group(["102"], ring_seconds=5)
    await desk.call_through()
    desk.group(["103"], ring_seconds=5)
    await desk.call_through()

    assert (1, 1) == (len(bob.invited), len(charlie.invited))


@pytest.mark.parametrize(
    ("reply", "status"), [(BUSY, 486), (DECLINE, 486), (RING, 480), (None, 480)], ids=str
)
async def test_a_group_hangs_up_with_its_reason(desk: Desk, reply: Reply | None, status: int) -> None:
    """Without a destination the caller is told why, as an extension would tell."""
    if reply is not None:
        await desk.phone("102", reply)
    desk.group(["102"], no_answer="hangup")
    caller = await desk.phone()
    call = caller.call(GROUP, user="4930123")
    await call.wait_ended()

    assert (status, []) == (call.statuses[-1], desk.ways)


async def test_a_group_rings_again(desk: Desk) -> None:
    """After everybody declined, `repeat` rings them again, and who answers then has the call."""
    bob, caller = await desk.phone("102", DECLINE), await desk.phone()
    desk.group(["102"], no_answer="repeat")
    call = caller.call(GROUP, user="4930123")
    async with asyncio.timeout(5):
        await bob.rings.wait()
    bob.reply = ANSWER
    await call.wait_answered()
    async with asyncio.timeout(5):
        await bob.talking.wait()
    bob.hang_up()
    await call.wait_ended()

    assert (2, []) == (len(bob.invited), desk.ways)
    assert 0.5 < bob.offered_at[1] - bob.offered_at[0] < 3


async def test_ringing_again_comes_to_an_end(desk: Desk) -> None:
    """Each round counts as a way that the call was sent on, so that it is cut, and the caller told."""
    bob, caller = await desk.phone("102", DECLINE), await desk.phone()
    desk.group(["102"], no_answer="repeat")
    call = caller.call(GROUP, user="4930123")
    await call.wait_tone(1300)
    await call.wait_ended()

    assert (desk.rig.installation.calls.max_hops, []) == (len(bob.invited), desk.ways)


@pytest.mark.parametrize("hours", [None, 1, 2])
async def test_a_closed_group_does_not_ring(desk: Desk, hours: int | None) -> None:
    """Closed now, outside office hours, and on holidays the call goes to the destination for that at once."""
    bob = await desk.phone("102")
    desk.rig.hours(SCHEDULE, hours, closed=hours is None)
    desk.group(["102"], closed="8001", no_answer="hangup")

    assert "closed" == await desk.reason()
    assert ([], [("ring-group", GROUP, "closed")]) == (bob.invited, steps(desk.ways[-1]))


@pytest.mark.parametrize(("hours", "closed"), [(0, "8001"), (1, "")])
async def test_an_open_group_rings(desk: Desk, hours: int, closed: str) -> None:
    """In office hours, and always where no destination for the rest is set, the phones ring."""
    bob = await desk.phone("102", BUSY)
    desk.rig.hours(SCHEDULE, hours)
    desk.group(["102"], closed=closed, ring_seconds=5)

    assert "busy" == await desk.reason()
    assert 1 == len(bob.invited)


async def test_a_caller_who_hangs_up_stops_the_ringing(desk: Desk) -> None:
    """The phone stops, the next member does not ring, and the mailbox hears nothing of it."""
    bob, charlie, caller = await desk.phone("102"), await desk.phone("103"), await desk.phone()
    desk.group(["102", "103"], strategy="in_order", ring_seconds=5)
    call = caller.call(GROUP, user="4930123")
    async with asyncio.timeout(5):
        await bob.rings.wait()
    caller.cancel(call)
    await call.wait_ended()
    async with asyncio.timeout(5):
        await bob.taken_back.wait()
    # The next call of the same caller comes after whatever the switch still does with the first.
    desk.group([])
    await desk.call_through()

    assert (487, 0, 1) == (call.statuses[-1], len(charlie.invited), len(desk.ways))


@pytest.mark.parametrize("members", [["102"], []])
async def test_a_caller_who_was_answered_before_hears_ringing(
    rig: Rig, tmp_path: Path, members: list[str]
) -> None:
    """Sent here by a flow, the call has no other sign that phones ring, or are about to again."""

    async def handler(call: Call) -> Ending:
        await call.answer()
        await call.transfer(GROUP)
        return Ending(outcome=Outcome.FINISHED)

    async with AsyncExitStack() as stack:
        desk = Desk(rig=rig, stack=stack)
        await desk.phone("102")
        await stack.enter_async_context(rig.handled(handler, prompts=ContractPrompts(tmp_path)))
        desk.group(members, ring_seconds=5, no_answer="repeat")
        caller = await desk.phone()
        call = caller.call("8001", user="4930123")
        await call.wait_tone(425)
        call.hang_up()
        await call.wait_ended()

    assert near([425], caller.tones())


async def test_members_are_those_of_the_tenant(desk: Desk) -> None:
    """The same number of another tenant does not ring."""
    ours, theirs = await desk.phone("101"), await desk.phone("101", DECLINE, domain="acme.example")
    desk.rig.route("101", "extension", UUID(int=201), ACME)
    desk.group(["101"], tenant=ACME, ring_seconds=5)
    caller = await desk.phone()
    call = caller.call(GROUP, user="4930123", domain="acme.example")
    await call.wait_ended()

    assert ([], 1, ["busy"]) == (ours.invited, len(theirs.invited), [way.reason for way in desk.ways])


@pytest.mark.parametrize(
    "user",
    [
        b"102,1,G(cp-check)",
        b"102&PJSIP/101/sip:101",
        b"102%7Csofia/x",
        b"102,sofia/shared-voicemail/sip:101",
    ],
)
async def test_a_contact_of_a_member_stays_one_address(desk: Desk, user: bytes) -> None:
    """A registered contact adds neither options nor destinations to what rings for a group."""
    bob, charlie = await desk.phone(), await desk.phone("103", BUSY)
    bob.reply = BUSY
    contact = b"<sip:%s@127.0.0.1:%d>" % (user, bob.sip_port)
    assert 200 == await bob.register("102", "password-102", contact=contact)
    desk.group(["102", "103"], ring_seconds=5)

    assert "busy" == await desk.reason()
    assert (1, 1) == (len(bob.invited), len(charlie.invited))


async def test_a_message_says_how_it_came(rig: Rig) -> None:
    """Without the control plane too, the spool entry says that nobody in the group answered, and when."""
    rig.empty_spool()
    async with RingingPhone(rig.server).opened() as bob, RawPhone(rig.server).opened() as caller:
        await bob.register("102", "password-102")
        lines = {"strategy": "simultaneous", "members": "102", "ring_seconds": "1", "total_seconds": "5"}
        lines |= {"skip_busy": "1", "no_answer": "8001"}
        plan = [lines.get(name, "") for name in FIELDS[NumberKind.RING_GROUP]]
        rig.route(GROUP, "ring-group", UUID(int=6100), plan=plan)
        await leave(caller, GROUP, user="4930123")

    way = rig.facts().reached_by
    assert isinstance(way, ReachedBy)
    assert (ReachedReason.NO_ANSWER, [("ring-group", GROUP, "no_answer")]) == (way.reason, steps(way))
    assert 1 <= waited(way) <= 2
