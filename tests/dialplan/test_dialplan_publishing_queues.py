"""Publishing call queues to a real switch: made, changed while somebody waits, refused, and removed."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.routing.call_queue import CallQueue, QueueStrategy
from controlplane.domain.routing.destination import HANGUP
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.routing import objects, queue_agents
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.dialplan.test_dialplan_queues import press, talk_and_hang_up, until
from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app
from tests.support.publishing import add_extension
from tests.support.publishing_office import PublishingOffice
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig
from tests.support.ringing_phone import Reply, RingingPhone

__all__ = ["database", "database_url", "default_tenant", "jobs", "postgres", "queue_app"]

# One switch serves all of them: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

QUEUE = "6300"
# A template and what is done to it, so that the switch lacks the queue.
BROKEN = {
    "asterisk": ("queues.conf.j2", "[{{ queue.name", "[other-{{ queue.name"),
    "freeswitch": ("cp-callcenter.xml.j2", '<queue name="{{', '<queue name="other-{{'),
}


@pytest.fixture
def rig(publishing_rig: Rig) -> Rig:
    """Return the switch that tests publish to."""
    return publishing_rig


class Office(PublishingOffice):
    """A tenant with the extensions 201 and 202, whose queue is published."""

    async def publish(self, publisher: Publisher | None = None) -> Outcome:
        """Publish a revision, then the route files."""
        result = await publish(publisher or self.publisher)
        await self.route(QUEUE, "201", "202")
        return result.outcome

    async def remove(self) -> None:
        """Remove the queue."""
        await objects.delete_object(
            self.database,
            self.jobs,
            tenant_id=self.tenant_id,
            kind=RoutingKind.CALL_QUEUE,
            key=QUEUE,
            by="tests",
        )

    async def queues(self) -> set[str]:
        """Ask the switch which queues of ours it has."""
        live = await self.rig.control.live_configuration()
        return {name for name in live.endpoints if name.startswith("cp-")}


@pytest.fixture
async def office(rig: Rig, database: Database, jobs: Jobs, default_tenant: UUID) -> Office:
    """Provision the extensions."""
    for number in ("201", "202"):
        await add_extension(database, default_tenant, number)
    return Office(rig, database, jobs, default_tenant)


async def test_a_change_is_live_and_who_waits_goes_on(office: Office) -> None:
    """Agents and the exit key change while a caller waits: he reaches the new agent, the next one leaves."""
    made = await office.make(
        RoutingKind.CALL_QUEUE,
        CallQueue(agents=("201",), strategy=QueueStrategy.IN_ORDER, ring_seconds=5),
        QUEUE,
    )
    assert Outcome.LIVE == await office.publish()
    assert {f"cp-{made.id}"} == await office.queues()
    async with (
        RingingPhone(office.rig.server).opened() as first,
        RingingPhone(office.rig.server).opened() as second,
        RawPhone(office.rig.server).opened() as caller,
        RawPhone(office.rig.server).opened() as next_caller,
    ):
        assert isinstance(first, RingingPhone)
        assert isinstance(second, RingingPhone)
        for phone, number in ((first, "201"), (second, "202")):
            assert 200 == await phone.register(number, "password")
        second.reply = Reply.ANSWER
        call = caller.call(QUEUE, user="4930123")
        await until(first.rings)
        await office.change(
            RoutingKind.CALL_QUEUE, QUEUE, agents=("202",), exit_key="7", exit=HANGUP, max_wait_seconds=200
        )
        assert Outcome.LIVE == await office.publish()
        await talk_and_hang_up(second, limit=25)
        await call.wait_ended()
        second.reply = Reply.RING
        leaves = next_caller.call(QUEUE, user="4930124")
        await leaves.wait_answered()
        async with asyncio.timeout(25):
            while len(second.invited) < 2:  # he waits in the queue when its agent rings
                second.rings.clear()
                await second.rings.wait()
        press(leaves, "7")
        await leaves.wait_ended()

    assert 1 == len(first.invited)


async def test_who_logs_out_is_not_called_any_more(office: Office) -> None:
    """The route file alone says it, without a revision."""
    await office.make(RoutingKind.CALL_QUEUE, CallQueue(agents=("201",), no_agents=HANGUP), QUEUE)
    assert Outcome.LIVE == await office.publish()
    await queue_agents.set_logged_in(
        office.database,
        office.jobs,
        tenant_id=office.tenant_id,
        number=QUEUE,
        extension="201",
        logged_in=False,
        by="tests",
    )
    await office.route(QUEUE)
    async with (
        RingingPhone(office.rig.server).opened() as agent,
        RawPhone(office.rig.server).opened() as caller,
    ):
        assert 200 == await agent.register("201", "password")
        call = caller.call(QUEUE, user="4930123")
        await call.wait_ended(10)

    assert [] == agent.invited


async def test_a_removed_queue_is_gone(office: Office) -> None:
    """The switch does not know it any more, and that is verified."""
    await office.make(RoutingKind.CALL_QUEUE, CallQueue(agents=("201", "202")), QUEUE)
    assert Outcome.LIVE == await office.publish()
    before = await office.queues()
    await office.remove()

    assert Outcome.LIVE == await office.publish()
    assert (1, set()) == (len(before), await office.queues())


async def test_a_queue_that_the_switch_lacks_is_undone(office: Office, tmp_path: Path) -> None:
    """It is found out by asking for it, and the last good revision is back."""
    assert Outcome.LIVE == await office.publish()
    shutil.copytree(TEMPLATES / office.rig.switch, tmp_path / office.rig.switch)
    name, right, wrong = BROKEN[office.rig.switch]
    template = tmp_path / office.rig.switch / name
    whole = template.read_text()
    template.write_text(whole.replace(right, wrong))
    broken = dataclasses.replace(
        office.publisher,
        rendering=dataclasses.replace(office.publisher.rendering, templates=tmp_path),
        verify_seconds=0.5,
    )
    await office.make(RoutingKind.CALL_QUEUE, CallQueue(agents=("201",)), QUEUE)

    assert right in whole
    assert Outcome.FAILED == await office.publish(broken)
    assert set() == await office.queues()
