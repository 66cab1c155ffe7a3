"""Tenants on one switch, each with a routing of its own: cases are called at the same time, as they wait a lot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from controlplane.rendering.context import ExtensionContext, TenantContext, at_domain
from tests.support.dialplan_rig import WITNESS, DialplanRig
from tests.support.expected_call import expected
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig
from tests.support.random_routing import EXTENSIONS, SCHEDULE, routing_of
from tests.support.rig import Rig, a1_hash
from tests.support.ring_log import LoggingPhone, Ring
from tests.support.ringing_phone import Reply
from tests.support.short_routings import Case
from tests.support.watched_call import Watched, differences, on_the_edge, recorded_way, watch
from tests.support.witness import AsteriskWitness, FreeswitchWitness, Witness

PARTNER = "104"
"""With whom those talk who are busy."""
_REPLIES = {
    "answered": Reply.ANSWER,
    "busy": Reply.BUSY,
    "declined": Reply.DECLINE,
    "unanswered": Reply.RING,
}


def with_offices(tenants: tuple[TenantContext, ...], *, count: int) -> tuple[TenantContext, ...]:
    """Add so many tenants, each with the extensions of a random routing."""
    return (*tenants, *(_tenant(place) for place in range(count)))


def _tenant(place: int) -> TenantContext:
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


@dataclass
class Offices:
    """The phones of all tenants; a call takes a tenant that is free."""

    rig: Rig
    witness: Witness
    places: asyncio.Queue[int]
    """The tenants that are free."""
    calls: int = 0

    async def compare(self, cases: Mapping[str, Case]) -> dict[str, list[str]]:
        """Call all at the same time; return in what each differs from its simulation, without those that do not."""
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(self._compare(case)) for name, case in cases.items()}
        return {name: task.result() for name, task in tasks.items() if task.result()}

    async def _compare(self, case: Case) -> list[str]:
        place = await self.places.get()
        try:
            wrong, watched = await self._place(case, place)
            if wrong and self.rig.switch == "freeswitch" and on_the_edge(watched):
                wrong, _ = await self._place(case, place)
        finally:
            self.places.put_nowait(place)
        return wrong

    async def _place(self, case: Case, place: int) -> tuple[list[str], Watched]:
        mailbox = self._write(case, place)
        rings: list[Ring] = []
        trail = self._next_trail()
        async with self._phones(case, place, rings) as phones:
            caller = LoggingPhone(self.rig.server)
            async with caller.opened():
                watched = await watch(
                    caller,
                    self.witness.trails[trail],
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
        self.calls += 1
        return f"call {self.calls}"

    def _write(self, case: Case, place: int) -> UUID:
        """Write what the switch reads; return the id of the mailbox, which is that of this call alone."""
        tenant, schedule = _id(place, 0), _id(place, 1)
        mailbox = _id(place, 100_000 + self.calls)
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
