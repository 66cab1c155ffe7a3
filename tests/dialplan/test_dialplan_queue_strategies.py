"""Call queues: which agent is offered a call, where the switch remembers, counts, or leaves it to chance."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from uuid import UUID

import pytest
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.plan import FIELDS
from tests.support.product import until_told
from tests.support.rig import Rig, queue_contexts
from tests.support.ringing_phone import Reply, RingingPhone

ROUND_ROBIN, LEAST_WORKED, RANDOM = "6202", "6203", "6205"
SPEECH = 200
"""What a raw phone says all the time."""
# By Asterisk: an agent, the state of his phone, and how many calls he took.
_MEMBER = re.compile(r"^ +(\d+) \(Local/.*\(([^()]+)\)[^()]*has taken (no|\d+) calls", re.MULTILINE)

_COUNT_CALLS = {"asterisk": "core show channels count", "freeswitch": "status"}
_NO_CALLS = re.compile(r"^0 (active channels|session\(s\) - peak)", re.MULTILINE)


class Agents:
    """The agents of a queue, whose phones answer, and callers who talk to them one after another."""

    def __init__(self, rig: Rig, stack: AsyncExitStack) -> None:
        self._rig = rig
        self._stack = stack
        self._number = ""
        self._phones: dict[str, RingingPhone] = {}
        self._logged_in: Sequence[str] = ()

    async def come(self, number: str, agents: Sequence[str]) -> None:
        """Register a phone for each agent of the queue with this number, and forget earlier calls."""
        self._number = number
        await forget(self._rig, number)
        for agent in agents:
            phone = await self._stack.enter_async_context(RingingPhone(self._rig.server).opened())
            assert isinstance(phone, RingingPhone)
            phone.reply = Reply.ANSWER
            assert 200 == await phone.register(agent, f"password-{agent}")
            self._phones[agent] = phone
        self.log_in(agents)

    def log_in(self, agents: Sequence[str]) -> None:
        """Write the route file of the queue: these agents are logged in, and no others."""
        self._logged_in = agents
        plan = {"max_wait_seconds": "9", "no_answer": "hangup", "agents": "&".join(agents)}
        lines = [plan.get(name, "") for name in FIELDS[NumberKind.CALL_QUEUE]]
        self._rig.route(self._number, "call-queue", UUID(int=int(self._number)), plan=lines)

    async def takers(self, calls: int) -> list[str]:
        """Call so often, one call after another, and return who took each."""
        return [await self.taker() for _ in range(calls)]

    async def taker(self) -> str:
        """Call once all who are logged in are free, talk to who takes the call, and hang up."""
        await until_told(self._free, "all agents are free")
        before = {agent: len(phone.taken) for agent, phone in self._phones.items()}
        async with RingingPhone(self._rig.server).opened() as caller:
            call = caller.call(self._number, user="4930123")
            await call.wait_tone(SPEECH)
            call.hang_up()
            await call.wait_ended()
        (who,) = [agent for agent, phone in self._phones.items() if len(phone.taken) > before[agent]]
        await self._phones[who].taken[-1].wait_ended()
        return who

    async def _free(self) -> bool:
        free, taken = await counted(self._rig, self._number)
        return free >= set(self._logged_in) and taken == sum(len(one.taken) for one in self._phones.values())


async def forget(rig: Rig, number: str) -> None:
    """Let the switch end the calls of earlier tests, and forget what the agents of a queue did in them."""

    async def ended() -> bool:
        return _NO_CALLS.search(await rig.ask(_COUNT_CALLS[rig.switch])) is not None

    await until_told(ended, "the end of earlier calls")
    name = f"cp-{UUID(int=int(number))}"
    if rig.switch == "asterisk":
        await rig.ask(f"queue reset stats {name}")
        return
    for queue in queue_contexts():
        if queue.number == number:
            for agent in queue.agents:
                await rig.ask(f"callcenter_config agent del {queue.name}.{agent.number}")
    await rig.ask("callcenter_config queue reload cp-queues")


async def counted(rig: Rig, number: str) -> tuple[set[str], int]:
    """Return which agents of a queue could be offered a call now, and how many calls all of them took."""
    name = f"cp-{UUID(int=int(number))}"
    if rig.switch == "asterisk":
        members = _MEMBER.findall(await rig.ask(f"queue show {name}"))
        free = {agent for agent, state, _ in members if state == "Not in use"}
        return free, sum(int(count) for _, _, count in members if count != "no")
    agents = [row for row in table(await rig.ask("callcenter_config agent list")) if name in row["name"]]
    now = int(time.time())
    # mod_callcenter spares for seconds who was busy, and until the next second who talked.
    free = {
        agent["name"].rpartition(".")[2]
        for agent in agents
        if agent["state"] == "Waiting" and int(agent["last_bridge_end"]) < now >= int(agent["ready_time"])
    }
    return free, sum(int(agent["calls_answered"]) for agent in agents)


def table(text: str) -> list[Mapping[str, str]]:
    """Read a list of mod_callcenter."""
    header, *rows = [line.split("|") for line in text.splitlines() if "|" in line]
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
async def agents(rig: Rig) -> AsyncIterator[Agents]:
    """Have agents come."""
    async with AsyncExitStack() as stack:
        yield Agents(rig, stack)
    rig.route_all()


async def test_agents_take_turns(agents: Agents) -> None:
    """Each call goes to the agent after the one who had the last one, in their order, and then again."""
    after = {"101": "102", "102": "103", "103": "101"}
    await agents.come(ROUND_ROBIN, list(after))
    takers = await agents.takers(4)

    assert [after[taker] for taker in takers[:-1]] == takers[1:]


async def test_who_is_logged_out_has_no_turn(agents: Agents) -> None:
    """The turn passes over him, and the two others have every second call."""
    await agents.come(ROUND_ROBIN, ["101", "102", "103"])
    agents.log_in(["101", "103"])
    takers = await agents.takers(4)

    assert takers in (["101", "103", "101", "103"], ["103", "101", "103", "101"])


async def test_who_took_the_fewest_calls_is_next(agents: Agents) -> None:
    """An agent who took two calls alone has no other one until his colleague took as many."""
    await agents.come(LEAST_WORKED, ["101", "102"])
    agents.log_in(["101"])
    alone = await agents.takers(2)
    agents.log_in(["101", "102"])
    together = await agents.takers(2)

    assert (["101", "101"], ["102", "102"]) == (alone, together)


async def test_chance_decides_who_is_next(agents: Agents) -> None:
    """Whose turn it is after an agent is not the same each time."""
    await agents.come(RANDOM, ["101", "102", "103"])
    takers: list[str] = []
    # Without chance the same one follows an agent each time. Sixteen calls by chance look so about twice in a
    # million times.
    for _ in range(16):
        takers.append(await agents.taker())
        pairs = set(pairwise(takers))
        if len(pairs) > len({first for first, _ in pairs}):
            break

    assert len(pairs) > len({first for first, _ in pairs}), takers
