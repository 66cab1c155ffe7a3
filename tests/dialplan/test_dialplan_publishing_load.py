"""Publishing while twenty calls a second come: each of them reaches us, and one that goes on goes on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.domain.routing.trunk import Trunk
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.storage.database import Database
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from tests.support.call_peers import PeerCall
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.publishing import add_extension, publisher_to
from tests.support.raw_sip import RawPhone
from tests.support.rig import MAILBOX, Rig

__all__ = ["database", "database_url", "default_tenant", "postgres"]

# One switch serves all of them: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

CALLS_A_SECOND = 20
LONG, SHORT = "4989999", "4989123"


@pytest.fixture
def rig(publishing_rig: Rig) -> Rig:
    """Return the switch that tests publish to."""
    return publishing_rig


@pytest.fixture
def publisher(rig: Rig, database: Database) -> Publisher:
    """Return a publisher to that switch."""
    return publisher_to(rig, database, verify_seconds=30)


async def _one_stays(call: PeerCall) -> None:
    """Talk to one caller until he hangs up; let the others go."""
    if call.facts.caller.number == LONG:
        await call.answer()
        await call.hang()
    await call.stage("done")


def _changes(place: int) -> tuple[tuple[RoutingKind, str | None, Settings], ...]:
    """Return a new object of each kind that is a part of a revision."""
    there = Destination(action=DestinationAction.FORWARD_TO_NUMBER, number="8001")
    rule = InboundRule(dids=(f"493010{place}",), destination=ByHours(office_hours=there))
    return (
        (RoutingKind.CALL_QUEUE, f"630{place}", CallQueue(agents=("201",))),
        (RoutingKind.INBOUND_RULE, None, rule),
        (RoutingKind.TRUNK, None, Trunk(addresses=(f"127.0.1.{place}",))),
    )


async def _add(
    database: Database, tenant_id: UUID, kind: RoutingKind, number: str | None, settings: Settings
) -> None:
    async with database.transaction() as session:
        session.add(
            RoutingObjectRow(
                id=uuid4(),
                tenant_id=tenant_id,
                kind=kind.value,
                number=number,
                name=f"one-{uuid4().hex[:8]}",
                settings=to_document(settings),
            )
        )


async def test_no_call_is_lost_while_much_is_published(
    rig: Rig, publisher: Publisher, default_tenant: UUID
) -> None:
    """Queues, rules, trunks and extensions come live one by one; nobody who calls meanwhile notices."""
    database = publisher.database
    rig.route("8001", "mailbox", MAILBOX, default_tenant)
    await add_extension(database, default_tenant, "201")
    first = await publish(publisher)
    outcomes = []
    placed = []
    published = asyncio.Event()

    async def call_on() -> None:
        while not published.is_set():
            placed.append(caller.call("8001", user=SHORT))
            # The time between two calls is what is asked for here.
            await asyncio.sleep(1 / CALLS_A_SECOND)

    async with AsyncExitStack() as stack:
        peer = await stack.enter_async_context(rig.peer(_one_stays))
        talker = await stack.enter_async_context(RawPhone(rig.server).opened())
        caller = await stack.enter_async_context(RawPhone(rig.server).opened())
        talk = talker.call("8001", user=LONG)
        await talk.wait_answered()
        calling = asyncio.create_task(call_on())
        for place in range(5):
            for kind, number, settings in _changes(place):
                await _add(database, default_tenant, kind, number, settings)
                outcomes.append((await publish(publisher)).outcome)
            await add_extension(database, default_tenant, f"21{place}")
            outcomes.append((await publish(publisher)).outcome)
        published.set()
        await calling
        for call in placed:
            await call.wait_ended()
        came = [facts.mailbox_id for facts in peer.facts if facts.caller.number == SHORT]

        assert not talk.ended.is_set()
    assert [Outcome.LIVE] * 21 == [first.outcome, *outcomes]
    assert [MAILBOX] * len(placed) == came
    assert len(placed) > CALLS_A_SECOND
