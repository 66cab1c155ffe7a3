"""A virtual receptionist in the dialplan: before its flow, behind it, and without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, Entry, Onward
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.message import ReachedReason, ReachedStep
from tests.support.call_contract import LONG, ContractPrompts
from tests.support.call_peers import PeerCall, close_at_once, end, say_nothing
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import DEFAULT, MAILBOX, TONES, Rig

RECEPTIONIST = UUID("66666666-6666-4666-8666-666666666666")
HOURS = UUID("77777777-7777-4777-8777-777777777777")
SORRY = TONES["technical-problem"]
LONG_HERTZ = 500
# FreeSWITCH waits so long for the first word (mod_event_socket); Asterisk as long as the rig's dialplan says.
FIRST_WORD_SECONDS = {"asterisk": 2, "freeswitch": 25}
WATCHDOG_SECONDS = 5.0


def step(reason: str, *, key: str | None = None, seconds: int | None = None) -> ReachedStep:
    """Return a part of a way: how the receptionist was left."""
    return ReachedStep(
        kind="virtual-receptionist",
        number="6000",
        key=key,
        reason=ReachedReason(reason),
        waited_seconds=seconds,
    )


def receptionist(
    rig: Rig, *, hours: UUID | str = "", closed: str = "", fallback: str = "", call_failed: str = ""
) -> None:
    """Give 6000 to a virtual receptionist with this plan."""
    rig.route("6000", "virtual-receptionist", RECEPTIONIST, plan=[str(hours), closed, fallback, call_failed])


class Flow:
    """Stands for the flow: the first calls are routed onward, all others are left to the dialplan."""

    def __init__(self, *onward: Onward) -> None:
        self.onward = list(onward)
        self.entries: list[Entry] = []

    async def __call__(self, call: Call) -> Ending:
        """Answer, say a tone and route."""
        self.entries.append(call.facts.entry)
        if call.facts.entry is Entry.RECEPTIONIST and self.onward:
            await call.answer()
            await call.play(LONG)
            await call.route(self.onward.pop(0))
        return Ending(outcome=Outcome.ROUTED)


@pytest.fixture
def routing(rig: Rig, tmp_path: Path) -> Callable[[Flow], AbstractAsyncContextManager[None]]:
    """Return what lets the product's own server run a flow."""
    return lambda flow: rig.handled(flow, prompts=ContractPrompts(tmp_path))


Routing = Callable[[Flow], AbstractAsyncContextManager[None]]


async def test_the_request_names_the_receptionist(rig: Rig, phone: RawPhone) -> None:
    """The flow is asked with tenant and receptionist, and hears of no mailbox."""
    receptionist(rig)
    async with rig.peer(end) as peer:
        await phone.call("6000").wait_ended()

    (facts,) = peer.facts
    assert (Entry.RECEPTIONIST, DEFAULT, RECEPTIONIST, None, None) == (
        facts.entry,
        facts.tenant_id,
        facts.receptionist_id,
        facts.mailbox_id,
        facts.extension,
    )


@pytest.mark.parametrize(("key", "said"), [("5", "5"), ("*1#", "*1#"), ("", None)])
async def test_a_chosen_mailbox_takes_the_message(
    rig: Rig, phone: RawPhone, routing: Routing, key: str, said: str | None
) -> None:
    """The call goes where the flow says, and the message knows the key and the time."""
    receptionist(rig)
    flow = Flow(Onward(number="8001", reason=ReachedReason.DIRECT, key=key, seconds=7, failed="repeat"))
    async with routing(flow):
        await leave(phone, "6000")

    facts = rig.facts()
    assert (MAILBOX, (step("direct", key=said, seconds=7),)) == (facts.mailbox_id, facts.reached_by.path)
    assert LONG_HERTZ == round(phone.tones()[0], -2)


async def test_a_timeout_is_told(rig: Rig, phone: RawPhone, routing: Routing) -> None:
    """The reason is the flow's."""
    receptionist(rig)
    async with routing(Flow(Onward(number="8001", reason=ReachedReason.TIMEOUT, seconds=31))):
        await leave(phone, "6000")

    assert (step("timeout", seconds=31),) == rig.facts().reached_by.path


@pytest.mark.parametrize("busy", [True, False])
async def test_a_failed_choice_goes_where_the_receptionist_says(
    rig: Rig, phone: RawPhone, routing: Routing, busy: bool
) -> None:
    """An extension without a rule that is busy, or has no phone: the call goes on as `call_failed` says."""
    receptionist(rig)
    flow = Flow(Onward(number="102", reason=ReachedReason.DIRECT, key="1", seconds=7, failed="8001"))
    async with RawPhone(rig.server).opened() as bob, routing(flow):
        if busy:
            await bob.register("102", "password-102")
        try:
            await leave(phone, "6000")
        finally:
            if busy:
                await bob.register("102", "password-102", expires=0)

        assert int(busy) == len(bob.invited)
    assert [
        ("virtual-receptionist", "1", "direct", 7),
        ("extension", None, "busy" if busy else "not_registered", 0 if busy else None),
        ("virtual-receptionist", None, "call_failed", None),
    ] == [(one.kind, one.key, one.reason.value, one.waited_seconds) for one in rig.facts().reached_by.path]


async def test_a_failed_choice_may_come_back(rig: Rig, phone: RawPhone, routing: Routing) -> None:
    """`repeat` is the receptionist again, which then may lead elsewhere."""
    receptionist(rig)
    flow = Flow(
        Onward(number="102", reason=ReachedReason.DIRECT, key="1", seconds=7, failed="repeat"),
        Onward(number="8001", reason=ReachedReason.DIRECT, key="5", seconds=3, failed="repeat"),
    )
    async with routing(flow):
        await leave(phone, "6000")

    assert [Entry.RECEPTIONIST, Entry.RECEPTIONIST] == flow.entries[:2]
    assert [
        ("6000", "1", "direct"),
        ("102", None, "not_registered"),
        ("6000", None, "call_failed"),
        ("6000", "5", "direct"),
    ] == [(one.number, one.key, one.reason.value) for one in rig.facts().reached_by.path]


@pytest.mark.parametrize("failed", ["hangup", ""])
async def test_a_failed_choice_may_end(rig: Rig, phone: RawPhone, routing: Routing, failed: str) -> None:
    """`hangup` ends the call, and so does no rule at all; nothing is recorded."""
    receptionist(rig)
    flow = Flow(Onward(number="102", reason=ReachedReason.DIRECT, key="1", failed=failed))
    async with routing(flow):
        await phone.call("6000").wait_ended()

    assert ([Entry.RECEPTIONIST], {}) == (flow.entries, rig.takes())


async def test_closed_sends_the_call_on_at_once(rig: Rig, phone: RawPhone) -> None:
    """Outside office hours the flow is not asked."""
    receptionist(rig, hours=HOURS, closed="8001")
    rig.hours(HOURS, None, closed=True)

    async def nothing(call: PeerCall) -> None:
        """Leave the call to the dialplan."""

    try:
        async with rig.peer(nothing) as peer:
            await leave(phone, "6000")
    finally:
        rig.hours(HOURS, None)

    assert [Entry.LEAVE] == [facts.entry for facts in peer.facts]
    assert (step("closed"),) == rig.facts().reached_by.path


@pytest.mark.parametrize("hours", [HOURS, ""])
async def test_open_asks_the_flow(rig: Rig, phone: RawPhone, hours: UUID | str) -> None:
    """In office hours, or without any, `closed` does not count."""
    receptionist(rig, hours=hours, closed="8001")
    async with rig.peer(end) as peer:
        await phone.call("6000").wait_ended()

    assert [Entry.RECEPTIONIST] == [facts.entry for facts in peer.facts]


async def test_without_us_the_call_goes_to_the_fall_back(rig: Rig, phone: RawPhone) -> None:
    """Nobody answers the dialplan: the caller reaches the fall-back number, and can leave a message."""
    receptionist(rig, fallback="8001")
    await leave(phone, "6000")

    assert (step("call_failed"),) == rig.facts().reached_by.path


async def test_closed_at_once_goes_to_the_fall_back(rig: Rig, phone: RawPhone) -> None:
    """A connection that is closed before its first word is as good as none."""
    receptionist(rig, fallback="8001")
    async with rig.listening(close_at_once):
        await leave(phone, "6000")

    assert (step("call_failed"),) == rig.facts().reached_by.path


async def test_silence_goes_to_the_fall_back(rig: Rig, phone: RawPhone) -> None:
    """Who accepts and says nothing delays the caller, for the receptionist and for the mailbox."""
    receptionist(rig, fallback="8001")
    async with rig.listening(say_nothing):
        await leave(phone, "6000", limit=2 * FIRST_WORD_SECONDS[rig.switch] + 10)

    assert (step("call_failed"),) == rig.facts().reached_by.path


@pytest.mark.parametrize("stage", ["", "greeting"])
async def test_a_flow_that_dies_leaves_the_call_to_the_fall_back(
    rig: Rig, phone: RawPhone, stage: str
) -> None:
    """In the middle of the call, before anything was chosen."""
    receptionist(rig, fallback="8001")

    async def script(call: PeerCall) -> None:
        if call.facts.entry is Entry.RECEPTIONIST:
            await call.answer()
            await call.stage(stage)

    async with rig.peer(script):
        await leave(phone, "6000")

    assert (step("call_failed"),) == rig.facts().reached_by.path


async def test_a_flow_that_hangs_leaves_the_call_to_the_fall_back(rig: Rig, phone: RawPhone) -> None:
    """Asterisk leaves it by itself; on FreeSWITCH the watchdog ends the process, and with it the link."""
    receptionist(rig, fallback="8001")

    async def script(call: PeerCall) -> None:
        if call.facts.entry is Entry.RECEPTIONIST:
            await call.answer()
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCHDOG_SECONDS):
                    await call.hang()

    async with rig.peer(script):
        await leave(phone, "6000")

    assert (step("call_failed"),) == rig.facts().reached_by.path


async def test_a_stage_without_a_number_goes_to_the_fall_back(rig: Rig, phone: RawPhone) -> None:
    """`routed` alone leads nowhere."""
    receptionist(rig, fallback="8001")

    async def script(call: PeerCall) -> None:
        if call.facts.entry is Entry.RECEPTIONIST:
            await call.answer()
            await call.stage("routed")

    async with rig.peer(script):
        await leave(phone, "6000")

    assert (step("call_failed"),) == rig.facts().reached_by.path


async def test_without_a_fall_back_the_caller_is_told(rig: Rig, phone: RawPhone) -> None:
    """Not silence: there is a technical problem, and the call ends."""
    receptionist(rig)
    await phone.call("6000").wait_ended()

    assert near([SORRY], phone.tones()), phone.tones()
    assert {} == rig.takes()


async def test_a_finished_flow_ends_the_call(rig: Rig, phone: RawPhone) -> None:
    """Stage done: nobody is sent anywhere, and nothing is said again."""
    receptionist(rig, fallback="8001")

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.stage("done")

    async with rig.peer(script) as peer:
        await phone.call("6000").wait_ended()

    assert (1, [], {}) == (len(peer.calls), phone.tones(), rig.takes())


async def test_a_caller_who_hangs_up_is_gone(rig: Rig, phone: RawPhone, tmp_path: Path) -> None:
    """No fall-back calls after a caller who left while the receptionist spoke."""
    receptionist(rig, fallback="8001")
    flow = Flow(Onward(number="8001", reason=ReachedReason.DIRECT, key="5"))
    async with rig.handled(flow, prompts=ContractPrompts(tmp_path)):
        call = phone.call("6000")
        await call.wait_tone(LONG_HERTZ)
        call.hang_up()
        await call.wait_ended()

    assert ([Entry.RECEPTIONIST], {}) == (flow.entries, rig.takes())
