"""Call queues: whom a waiting call rings, and where it goes that nobody takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, CallFacts, Entry, HangupCause
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.message import ReachedBy
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.plan import FIELDS
from tests.support.call_contract import ContractPrompts
from tests.support.raw_sip import RawCall, RawPhone
from tests.support.rig import MAILBOX, QUEUES, TONES, Rig, queue_contexts
from tests.support.ringing_phone import Reply, RingingPhone
from tests.support.transfers import target

SCHEDULE = UUID("66666666-6666-4666-8666-666666666666")
WAIT_SECONDS = {number: wait for number, _, _, wait, _ in QUEUES}
EXIT_KEY = {number: key or "" for number, _, _, _, key in QUEUES}
RING_ALL, IN_ORDER, WRAP_UP = "6200", "6201", "6204"
BUSY, DECLINE, RING, ANSWER = Reply.BUSY, Reply.DECLINE, Reply.RING, Reply.ANSWER
RING_SECONDS = 2
CALLER = "4930123"
# Who is asked for when an agent called the mailbox before he sends the caller there. Asterisk puts the caller
# in the agent's place in the call that he has; FreeSWITCH asks again.
ASKED_FOR = {"asterisk": ["101"], "freeswitch": ["101", CALLER]}


@dataclass
class Desk:
    """The phones of a test, and how calls came to the mailboxes."""

    rig: Rig
    stack: AsyncExitStack
    ways: list[ReachedBy | None] = field(default_factory=list)
    facts: list[CallFacts] = field(default_factory=list)
    stays: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def phone(self, number: str = "", reply: Reply = RING) -> RingingPhone:
        """Open a phone, registered as an extension if a number is given."""
        phone = await self.stack.enter_async_context(RingingPhone(self.rig.server).opened())
        assert isinstance(phone, RingingPhone)
        phone.reply = reply
        if number:
            assert 200 == await phone.register(number, f"password-{number}")
        return phone

    def queue(
        self,
        number: str = RING_ALL,
        *,
        agents: str = "101&102&103",
        wait_without_agents: str = "",
        no_answer: str = "8001",
        no_agents: str = "8001",
        max_callers: int = 0,
        full: str = "8001",
        closed: str = "",
        object_id: UUID | None = None,
    ) -> None:
        """Write the route file of a call queue; `agents` are those who are logged in."""
        plan = {
            "hours": str(SCHEDULE),
            "closed": closed,
            "max_wait_seconds": str(WAIT_SECONDS.get(number, 5)),
            "no_answer": no_answer,
            "wait_without_agents": wait_without_agents,
            "no_agents": no_agents,
            "max_callers": str(max_callers),
            "full": full,
            "exit_key": EXIT_KEY.get(number, ""),
            "exit": "8001",
            "agents": agents,
        }
        lines = [plan[name] for name in FIELDS[NumberKind.CALL_QUEUE]]
        self.rig.route(number, "call-queue", object_id or UUID(int=int(number)), plan=lines)

    def do_not_disturb(self, number: str) -> None:
        """Write the route file of an extension that wants no calls."""
        lines = ["1" if name == "do_not_disturb" else "" for name in FIELDS[NumberKind.EXTENSION]]
        self.rig.route(number, "extension", UUID(int=int(number)), plan=lines)

    async def caller(self, number: str) -> tuple[RawPhone, RawCall]:
        """Call a queue from outside."""
        phone = await self.phone()
        return phone, phone.call(number, user=CALLER)

    async def call_through(self, number: str = RING_ALL) -> ReachedBy:
        """Call a queue until the call has come to a mailbox and ended; return how it came."""
        _, call = await self.caller(number)
        await call.wait_ended()
        assert self.ways, "the call came to no mailbox"
        way = self.ways[-1]
        assert way is not None
        return way


async def rest(rig: Rig) -> None:
    """Forget what agents did in earlier tests: FreeSWITCH spares for seconds who declined or just talked."""
    if rig.switch == "freeswitch":
        for queue in queue_contexts():
            for agent in queue.agents:
                await rig.ask(f"callcenter_config agent del {queue.name}.{agent.number}")
        await rig.ask("callcenter_config queue reload cp-queues")


@pytest.fixture
async def desk(rig: Rig, tmp_path: Path) -> AsyncIterator[Desk]:
    """Open a desk whose mailbox notes how calls came, and ends them unless they are to stay."""
    await rest(rig)
    async with AsyncExitStack() as stack:
        desk = Desk(rig=rig, stack=stack)
        desk.stays.set()

        async def handler(call: Call) -> Ending:
            desk.ways.append(call.facts.reached_by)
            desk.facts.append(call.facts)
            desk.arrived.set()
            if not desk.stays.is_set():
                await call.answer()
                await desk.stays.wait()
            await call.hangup(HangupCause.NORMAL)
            return Ending(outcome=Outcome.FINISHED)

        prompts = ContractPrompts(tmp_path)
        await stack.enter_async_context(rig.handled(handler, prompts=prompts, max_calls=2))
        yield desk
        desk.stays.set()
    rig.route_all()
    rig.hours(SCHEDULE, None)


def press(call: RawCall, key: str) -> None:
    """Send a key by SIP INFO."""
    call.sequence += 1
    data = call.phone.request(b"INFO", call, body=b"Signal=%s\r\nDuration=160\r\n" % key.encode())
    call.phone.send(data.replace(b"application/sdp", b"application/dtmf-relay"))


def last_step(way: ReachedBy) -> tuple[str, str, str, str | None]:
    """Return the last step of a way without its seconds."""
    step = way.path[-1]
    return (step.kind, step.number, step.reason.value, step.key)


async def until(event: asyncio.Event, limit: float = 15) -> None:
    """Wait for something to happen."""
    async with asyncio.timeout(limit):
        await event.wait()


async def talk(agent: RingingPhone, limit: float = 15) -> None:
    """Wait until an agent hears the caller."""
    async with asyncio.timeout(limit):
        await agent.talking.wait()
        while not agent.tones():
            await agent.media()


async def talk_and_hang_up(agent: RingingPhone, limit: float = 15) -> None:
    """Wait until an agent hears the caller, and hang up; a call given up earlier would be offered again."""
    await talk(agent, limit)
    agent.hang_up()


@pytest.mark.parametrize("number", [number for number, *_ in QUEUES])
async def test_an_agent_takes_the_call(desk: Desk, number: str) -> None:
    """By each strategy a free agent rings, and talks to the caller; when he hangs up, the call is over."""
    desk.queue(number)
    agent = await desk.phone("101", ANSWER)
    _, call = await desk.caller(number)
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert (1, []) == (len(agent.invited), desk.ways)
    assert b"sip:4930123@" in agent.invited[0]


@pytest.mark.parametrize("attended", [False, True])
async def test_an_agent_sends_the_caller_into_a_mailbox(desk: Desk, *, attended: bool) -> None:
    """At once, or after he called it himself; then he is free again, and the next caller is his."""
    desk.queue(agents="101")
    desk.stays.clear()
    agent = await desk.phone("101", ANSWER)
    phone, call = await desk.caller(RING_ALL)
    await talk(agent)
    second = None
    if attended:
        second = agent.call("8001", user="101", password="password-101")
        await second.wait_answered()
    agent.taken[0].refer(target(desk.rig, "8001", second))
    asked_for = ASKED_FOR[desk.rig.switch] if attended else [CALLER]
    await until_asked(desk, len(asked_for))
    if not agent.taken[0].ended.is_set():
        # Asterisk leaves that to the phone, once it was told that the transfer is done.
        agent.hang_up()
    _, another = await desk.caller(RING_ALL)
    await another.wait_answered()
    await call_offered(agent, 2)

    assert [False, False] == [each.ended.is_set() for each in (call, another)]
    assert phone.tones()
    assert {(Entry.LEAVE, MAILBOX)} == {(facts.entry, facts.mailbox_id) for facts in desk.facts}
    assert asked_for == [facts.caller.number for facts in desk.facts]


async def until_asked(desk: Desk, times: int, limit: float = 15) -> None:
    """Wait until so many calls came to the mailbox."""
    async with asyncio.timeout(limit):
        while len(desk.facts) < times:
            desk.arrived.clear()
            await desk.arrived.wait()


async def call_offered(agent: RingingPhone, times: int, limit: float = 15) -> None:
    """Wait until a phone was called so often."""
    async with asyncio.timeout(limit):
        while len(agent.offered_at) < times:
            agent.rings.clear()
            await agent.rings.wait()


async def test_a_caller_hears_something_and_then_goes_on(desk: Desk) -> None:
    """While the phones ring he hears the switch's music; after the longest wait he comes to the mailbox."""
    desk.queue()
    agent = await desk.phone("101")
    phone, call = await desk.caller(RING_ALL)
    await call.wait_tone(TONES["hold"])
    await call.wait_ended()

    (way,) = desk.ways
    assert way is not None
    assert ("call-queue", RING_ALL, "queue_timeout", None) == last_step(way)
    waited = way.path[-1].waited_seconds
    assert waited is not None
    assert WAIT_SECONDS[RING_ALL] - 1 <= waited <= WAIT_SECONDS[RING_ALL] + 2
    assert len(agent.invited) >= 2
    assert len(agent.cancelled_at) == len(agent.invited)
    assert phone.tones()


async def test_without_a_registered_agent_nobody_waits(desk: Desk) -> None:
    """The call goes on at once, unanswered by the queue."""
    desk.queue()

    assert ("call-queue", RING_ALL, "no_agents", None) == last_step(await desk.call_through())


async def test_without_an_agent_who_is_logged_in_nobody_waits(desk: Desk) -> None:
    """A registered phone is no agent when its owner is logged out."""
    desk.queue(agents="")
    agent = await desk.phone("101", ANSWER)

    assert "no_agents" == last_step(await desk.call_through())[2]
    assert [] == agent.invited


async def test_who_wants_not_to_be_disturbed_is_no_agent(desk: Desk) -> None:
    """Do not disturb counts in a queue."""
    desk.queue(agents="101")
    desk.do_not_disturb("101")
    agent = await desk.phone("101", ANSWER)

    assert "no_agents" == last_step(await desk.call_through())[2]
    assert [] == agent.invited


async def test_callers_may_wait_without_agents(desk: Desk) -> None:
    """Where it is set so, a caller waits, and an agent who registers meanwhile is offered the call."""
    desk.queue(IN_ORDER, wait_without_agents="1")
    phone, call = await desk.caller(IN_ORDER)
    await call.wait_tone(TONES["hold"])
    agent = await desk.phone("102", ANSWER)
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert [] == desk.ways
    assert phone.tones()


async def test_waiting_without_agents_ends(desk: Desk) -> None:
    """Nobody comes: after the longest wait the call goes on."""
    desk.queue(wait_without_agents="1")

    assert "queue_timeout" == last_step(await desk.call_through())[2]


async def test_an_agent_logs_in_and_out_while_a_caller_waits(desk: Desk) -> None:
    """The route file of the queue is read with each offer: no reload is needed."""
    desk.queue(IN_ORDER, agents="101&102")
    out = await desk.phone("101", DECLINE)
    agent = await desk.phone("102", DECLINE)
    _, call = await desk.caller(IN_ORDER)
    await until(agent.rings)
    desk.queue(IN_ORDER, agents="102")
    count = len(out.invited)
    agent.reply = ANSWER
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert (1, count) == (count, len(out.invited))


async def test_a_full_queue_takes_no_more(desk: Desk) -> None:
    """With as many callers as may wait the next one goes elsewhere; who left does not count."""
    desk.queue(max_callers=1)
    agent = await desk.phone("101")
    _, first = await desk.caller(RING_ALL)
    await until(agent.rings)
    assert "queue_full" == last_step(await desk.call_through())[2]
    first.hang_up()
    await first.wait_ended()
    agent.reply = ANSWER
    _, third = await desk.caller(RING_ALL)
    await talk_and_hang_up(agent)
    await third.wait_ended()

    assert 1 == len(desk.ways)


@pytest.mark.parametrize("number", ["6200", "6202", "6203"])
async def test_the_exit_key_leads_out(desk: Desk, number: str) -> None:
    """A waiting caller presses it and goes on; the key is a part of the way. Another key does nothing."""
    desk.queue(number)
    await desk.phone("101")
    _, call = await desk.caller(number)
    await call.wait_tone(TONES["hold"])
    press(call, "5")
    press(call, EXIT_KEY[number])
    await call.wait_ended()

    (way,) = desk.ways
    assert way is not None
    assert ("call-queue", number, "exit_key", EXIT_KEY[number]) == last_step(way)
    assert (way.path[-1].waited_seconds or 0) < WAIT_SECONDS[number]


async def test_a_closed_queue_takes_nobody(desk: Desk) -> None:
    """Outside office hours the call goes on at once, whoever is there."""
    desk.rig.hours(SCHEDULE, None, closed=True)
    desk.queue(closed="8001")
    agent = await desk.phone("101", ANSWER)

    assert "closed" == last_step(await desk.call_through())[2]
    assert [] == agent.invited


async def test_a_closed_queue_without_a_destination_is_open(desk: Desk) -> None:
    """Office hours matter where a destination is set for what is outside of them."""
    desk.rig.hours(SCHEDULE, None, closed=True)
    desk.queue()
    agent = await desk.phone("101", ANSWER)
    _, call = await desk.caller(RING_ALL)
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert [] == desk.ways


async def test_agents_ring_in_their_order(desk: Desk) -> None:
    """The second one rings when the first did not answer, the third after him."""
    desk.queue(IN_ORDER)
    phones = [await desk.phone(number) for number in ("103", "102", "101")]
    third, second, first = phones
    _, call = await desk.caller(IN_ORDER)
    await until(third.rings)
    call.hang_up()
    await call.wait_ended()

    times = [phone.offered_at[0] for phone in (first, second, third)]
    assert sorted(times) == times
    assert all(after - before >= RING_SECONDS - 1.1 for before, after in pairwise(times))
    assert [1, 1, 1] == [len(phone.invited) for phone in (first, second, third)]


async def test_all_agents_ring_together(desk: Desk) -> None:
    """Whoever answers first has the call; the other phones stop ringing."""
    desk.queue()
    quiet = await desk.phone("101")
    also_quiet = await desk.phone("103")
    agent = await desk.phone("102", ANSWER)
    _, call = await desk.caller(RING_ALL)
    await talk_and_hang_up(agent)
    await call.wait_ended()
    for phone in (quiet, also_quiet):
        if phone.invited:
            await until(phone.taken_back)

    assert 1 == len(agent.invited)
    assert 1 >= len(quiet.invited)
    assert [] == desk.ways


@pytest.mark.parametrize("reply", [BUSY, DECLINE])
async def test_who_declines_leaves_the_call_to_another(desk: Desk, reply: Reply) -> None:
    """An agent who declines, or says busy, does not end the wait: the next one rings at once."""
    desk.queue(IN_ORDER)
    first = await desk.phone("101", reply)
    second = await desk.phone("102", ANSWER)
    _, call = await desk.caller(IN_ORDER)
    await talk_and_hang_up(second)
    await call.wait_ended()

    assert (1, 1) == (len(first.invited), len(second.invited))
    assert second.offered_at[0] - first.offered_at[0] < RING_SECONDS


async def test_who_declined_is_offered_the_call_again(desk: Desk) -> None:
    """The only agent declines and then answers."""
    desk.queue(IN_ORDER, agents="101")
    agent = await desk.phone("101", DECLINE)
    _, call = await desk.caller(IN_ORDER)
    await until(agent.rings)
    agent.reply = ANSWER
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert 2 == len(agent.invited)
    assert [] == desk.ways


async def test_all_phones_of_an_agent_ring(desk: Desk) -> None:
    """Two phones registered as one agent both ring, and the one that answers has the call."""
    desk.queue(IN_ORDER, agents="101")
    quiet = await desk.phone("101")
    agent = await desk.phone("101", ANSWER)
    _, call = await desk.caller(IN_ORDER)
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert (1, 1) == (len(quiet.invited), len(agent.invited))


async def test_an_agent_on_a_call_is_left_alone(desk: Desk) -> None:
    """Who talks to somebody else is not offered a call, and another agent is."""
    desk.queue(IN_ORDER)
    desk.stays.clear()
    talking = await desk.phone("101", ANSWER)
    other = talking.call("8001", user="101", password="password-101")
    await other.wait_answered()
    agent = await desk.phone("102", ANSWER)
    _, call = await desk.caller(IN_ORDER)
    await talk_and_hang_up(agent)
    await call.wait_ended()
    desk.stays.set()
    await other.wait_ended()

    assert [] == talking.invited


async def test_an_agent_who_just_talked_is_left_alone(desk: Desk) -> None:
    """While he wraps up, his phone does not ring again: the next caller waits as long as callers wait."""
    # Nobody else calls this one: on Asterisk he is left alone in later tests as well.
    desk.queue(WRAP_UP, agents="103")
    agent = await desk.phone("103", ANSWER)
    _, first = await desk.caller(WRAP_UP)
    await talk_and_hang_up(agent)
    await first.wait_ended()

    assert "queue_timeout" == last_step(await desk.call_through(WRAP_UP))[2]
    assert 1 == len(agent.invited)


async def test_a_caller_who_hangs_up_frees_the_agent(desk: Desk) -> None:
    """The phones stop ringing, and nothing comes to the mailbox."""
    desk.queue()
    agent = await desk.phone("101")
    _, call = await desk.caller(RING_ALL)
    await until(agent.rings)
    call.hang_up()
    await until(agent.taken_back)

    assert [] == desk.ways


async def test_a_queue_that_is_not_published_has_no_agents(desk: Desk) -> None:
    """A number whose queue the switch does not know yet leads on, and is not silent."""
    desk.queue("6299")
    await desk.phone("101", ANSWER)

    assert "no_agents" == last_step(await desk.call_through("6299"))[2]


async def test_a_contact_stays_one_address(desk: Desk) -> None:
    """What a phone registers adds neither options nor destinations to what rings an agent."""
    desk.queue(IN_ORDER, agents="101")
    agent = await desk.phone("", ANSWER)
    contact = b"<sip:101,1,G(cp-check)@127.0.0.1:%d>" % agent.sip_port
    assert 200 == await agent.register("101", "password-101", contact=contact)
    _, call = await desk.caller(IN_ORDER)
    await talk_and_hang_up(agent)
    await call.wait_ended()

    assert 1 == len(agent.invited)


async def test_a_name_of_many_lines_is_one_caller(desk: Desk) -> None:
    """A caller's name that looks like the switch's own list makes the queue no fuller."""
    desk.queue(max_callers=2)
    agent = await desk.phone("101")
    name = b"x%0Acp-1|single_box|1|1|Waiting%0A|Waiting"
    hostile = await desk.phone()
    first = hostile.call(RING_ALL, user="4930123", name=name)
    await until(agent.rings)
    agent.reply = ANSWER
    _, second = await desk.caller(RING_ALL)
    await talk_and_hang_up(agent)
    first.hang_up()
    second.hang_up()
    await first.wait_ended()

    assert [] == desk.ways
    assert all(b"\n" not in invite.replace(b"\r\n", b"") for invite in agent.invited)
