"""Tenants on one switch, each with a routing of its own: they are called at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from controlplane.callflows.call import Call, Entry, HangupCause, Onward
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import PromptFiles
from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.call_queue import QueueStrategy
from controlplane.rendering.context import (
    AgentContext,
    ExtensionContext,
    QueueContext,
    TenantContext,
    at_domain,
)
from controlplane.rendering.context_inbound import InboundRuleContext
from tests.support.dialplan_rig import WITNESS, DialplanRig
from tests.support.expected_call import expected
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig
from tests.support.independent_walk import reception
from tests.support.random_routing import EXTENSIONS, SCHEDULE, routing_of
from tests.support.rig import OWN_GREETING, Rig, a1_hash, write_tone
from tests.support.ring_log import LoggingPhone, Ring
from tests.support.ringing_phone import Reply
from tests.support.short_routings import MAX_WAIT, QUEUE, Case, Rule
from tests.support.watched_call import Watched, differences, recorded_way, watch
from tests.support.witness import AsteriskWitness, FreeswitchWitness, Witness

PARTNER = "104"
"""With whom those talk who are busy."""
_REPLIES = {
    "answered": Reply.ANSWER,
    "busy": Reply.BUSY,
    "declined": Reply.DECLINE,
    "unanswered": Reply.RING,
}


def with_offices(
    tenants: tuple[TenantContext, ...], *, rules: Sequence[tuple[Rule, ...]]
) -> tuple[TenantContext, ...]:
    """Add a tenant for each of the inbound rules, each with the extensions of a random routing."""
    return (*tenants, *(_tenant(place, own) for place, own in enumerate(rules)))


def _tenant(place: int, rules: tuple[Rule, ...]) -> TenantContext:
    name, domain = f"office{place}", _domain(place)
    return TenantContext(
        id=_id(place, 0),
        name=name,
        sip_domain=domain,
        language="en",
        extensions=tuple(
            ExtensionContext(
                number=number,
                display_name=number,
                endpoint=number + at_domain(name, domain),
                a1_hash=a1_hash(number, f"password-{number}"),
            )
            for number in (*EXTENSIONS, PARTNER)
        ),
        queues=(
            QueueContext(
                id=_id(place, int(QUEUE)),
                number=QUEUE,
                strategy=QueueStrategy.RING_ALL,
                ring_seconds=5,
                wrap_up_seconds=0,
                max_wait_seconds=MAX_WAIT,
                max_callers=0,
                exit_key=None,
                agents=tuple(
                    AgentContext(number=number, endpoint=number + at_domain(name, domain))
                    for number in EXTENSIONS
                ),
            ),
        ),
        rules=tuple(
            InboundRuleContext(
                dids=dids, callers=callers, trunk=None, hours=_id(place, 1), destinations=tokens
            )
            for dids, callers, tokens in rules
        ),
    )


def _domain(place: int) -> str:
    return f"office{place}.example"


def _id(place: int, number: int) -> UUID:
    return UUID(int=(place + 1) * 1_000_000 + number)


def witness_of(rig: Rig) -> Witness:
    """Return who listens to the switch of a rig."""
    if isinstance(rig, DialplanRig):
        return AsteriskWitness(rig.manager_port, account=WITNESS)
    assert isinstance(rig, FreeswitchRig)
    return FreeswitchWitness(rig.event_port, password=PASSWORD)


class Offices:
    """The phones of all tenants. The first case is called at the first one, and so on, again and again."""

    def __init__(self, rig: Rig, witness: Witness, *, count: int) -> None:
        self.rig = rig
        self._witness = witness
        self._free = [asyncio.Lock() for _ in range(count)]
        self._calls = 0
        self._at_desk: dict[int, tuple[Case, list[str]]] = {}
        """The routings of the tenants, and the keys that a caller there is still to press."""

    @asynccontextmanager
    async def receiving(self, prompts: PromptFiles) -> AsyncIterator[None]:
        """Stand for the flow of receptionists while the block runs; the dialplan alone takes messages."""
        server = self.rig.server_of_calls(
            dict.fromkeys(Entry, self._receive),
            prompts=prompts,
            secret=self.rig.secret,
            allowed_addresses=["127.0.0.0/8"],
            max_calls=100,
            first_line_seconds=5,
        )
        await server.start("127.0.0.1", self.rig.calls_port)
        try:
            yield
        finally:
            await server.drain(5)

    async def _receive(self, call: Call) -> Ending:
        if call.facts.entry is not Entry.RECEPTIONIST or call.facts.receptionist_id is None:
            return Ending(outcome=Outcome.ROUTED)
        place, number = divmod(call.facts.receptionist_id.int, 1_000_000)
        case, keys = self._at_desk[place - 1]
        thing = case.numbers[str(number)]
        token, reason, key, seconds = reception(thing, case.call["hours"], keys)
        await call.answer()
        if token == "hangup":
            await call.hangup(HangupCause.NORMAL)
            return Ending(outcome=Outcome.FINISHED)
        failed = thing["call_failed"] if reason == "direct" else ""
        await call.route(
            Onward(
                number=token, reason=ReachedReason(reason), key=key or "", seconds=seconds or 0, failed=failed
            )
        )
        return Ending(outcome=Outcome.ROUTED)

    async def compare(self, cases: Mapping[str, Case]) -> dict[str, list[str]]:
        """Call all at the same time; return in what they differ from their simulations, if they do."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                name: group.create_task(self._compare(case, place % len(self._free)))
                for place, (name, case) in enumerate(cases.items())
            }
        return {name: task.result() for name, task in tasks.items() if task.result()}

    async def _compare(self, case: Case, place: int) -> list[str]:
        """Call, on FreeSWITCH up to three times where a phone was rung for some time.

        It ends ringing with a second of its clock, so that a leg that is late on a full machine may ring for
        a second less. A fault of the routing is there each time.
        """
        async with self._free[place]:
            for _ in range(3):
                wrong, watched = await self._place(case, place)
                timed = self.rig.switch == "freeswitch" and any(ring.seconds for ring in watched.rings)
                if not (wrong and timed):
                    break
        return wrong

    async def _place(self, case: Case, place: int) -> tuple[list[str], Watched]:
        mailbox = self._write(case, place)
        rings: list[Ring] = []
        trail = self._next_trail()
        self._at_desk[place] = (case, list(case.call["keys"]))
        async with self._phones(case, place, rings) as phones:
            caller = LoggingPhone(self.rig.server)
            async with caller.opened():
                watched = await watch(
                    caller,
                    self._witness.trails[trail],
                    to=case.call["to"],
                    phones=phones,
                    rings=rings,
                    user=case.call["caller"],
                    name=trail.encode(),
                    domain=_domain(place),
                )
        watched.recorded = recorded_way(self.rig.spool, str(mailbox))
        told = expected(case.simulated, case.numbers, case.call["states"], mailbox=str(mailbox))
        return differences(told, watched, whole_seconds=self.rig.switch == "freeswitch"), watched

    def _next_trail(self) -> str:
        self._calls += 1
        return f"call {self._calls}"

    def _write(self, case: Case, place: int) -> UUID:
        """Write what the switch reads; return the id of the mailbox, which is that of this call alone."""
        tenant, schedule = _id(place, 0), _id(place, 1)
        mailbox = _id(place, 100_000 + self._calls)
        # The standard greeting lies too near to what is heard while phones ring.
        write_tone(self.rig.home / f"configuration/greetings/{mailbox}.wav", OWN_GREETING)
        self.rig.hours(schedule, case.call["hours"])
        for number, line in routing_of(case.numbers, case.call["hours"]).lines.items():
            plan = [str(schedule) if value == str(SCHEDULE) else value for value in line.plan.values()]
            object_id = mailbox if number == "8001" else _id(place, int(number))
            self.rig.route(number, line.kind.value, object_id, tenant, plan=plan)
        self.rig.route(PARTNER, "extension", _id(place, int(PARTNER)), tenant)
        return mailbox

    @asynccontextmanager
    async def _phones(
        self, case: Case, place: int, rings: list[Ring]
    ) -> AsyncIterator[dict[str, LoggingPhone]]:
        """Open the phones in their states; those of the busy talk with somebody already."""
        async with AsyncExitStack() as stack:
            phones: dict[str, LoggingPhone] = {}
            states = {number: state for number, state in case.call["states"].items() if state in _REPLIES}
            if "busy" in states.values():
                partner = await self._open(stack, PARTNER, place, [])
                partner.reply, partner.silent = Reply.ANSWER, True
            for number, state in states.items():
                phone = await self._open(stack, number, place, rings)
                phone.reply = _REPLIES[state]
                phone.silent = state != "answered"
                phones[number] = phone
                if state == "busy":
                    talk = phone.call(
                        PARTNER, user=number, password=f"password-{number}", domain=_domain(place)
                    )
                    await talk.wait_answered(20)
            yield phones

    async def _open(self, stack: AsyncExitStack, number: str, place: int, rings: list[Ring]) -> LoggingPhone:
        phone = LoggingPhone(self.rig.server, number=number, rings=rings)
        await stack.enter_async_context(phone.opened())
        assert 200 == await phone.register(number, f"password-{number}", domain=_domain(place))
        return phone
