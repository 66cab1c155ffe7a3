"""A tenant that publishes by hand beside one that does not, as phones and callers meet them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from controlplane.domain.configuration import Mode
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import Outcome, publish
from controlplane.services.publishing_modes import choose_mode
from controlplane.services.routes import reconcile_all_routes
from controlplane.services.routing.objects import create_object, update_object
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.call_peers import end
from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app
from tests.support.publishing import add_extension, publisher_to, remove_extension
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig
from tests.support.rigs import run_rig
from tests.support.rows import add_mailbox, add_tenant

__all__ = ["database", "database_url", "default_tenant", "jobs", "postgres", "queue_app"]

# One switch of its own: what it publishes would take the others' extensions away.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

OURS, THEIRS = "127.0.0.1", "north.example"
DID = "4930100"


@pytest.fixture(scope="module")
def rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan."""
    with run_rig(switch, tmp_path_factory.mktemp("publishing-by-hand")) as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What phones and callers meet: who may register, and which mailboxes the numbers reach."""

    registers: list[bool]
    reached: list[UUID | None]


class Town:
    """Two tenants of one switch: `default`, which is to publish by hand, and north."""

    def __init__(self, rig: Rig, database: Database, jobs: Jobs, ours: UUID, theirs: UUID) -> None:
        self.rig = rig
        self.database = database
        self.jobs = jobs
        self.ours = ours
        self.theirs = theirs
        root = rig.home / "configuration"
        self.files = CallFiles(routes=root / "routes", hours=root / "hours")

    async def publish(self, *waiting: UUID) -> Outcome:
        """Do what the jobs do."""
        publisher = publisher_to(self.rig, self.database)
        result = await publish(publisher, waiting=waiting, files=self.files)
        await reconcile_all_routes(self.database, self.files.routes)
        return result.outcome

    async def rule(self, number: str, *, change: bool = False) -> None:
        """Send the DID to a number."""
        destination = Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)
        rule = InboundRule(dids=(DID,), destination=ByHours(office_hours=destination))
        if change:
            await update_object(
                self.database,
                self.jobs,
                tenant_id=self.ours,
                kind=RoutingKind.INBOUND_RULE,
                key="main",
                name=None,
                changes={"destination": rule.destination},
                by="tests",
            )
            return
        await create_object(
            self.database,
            self.jobs,
            tenant_id=self.ours,
            kind=RoutingKind.INBOUND_RULE,
            number=None,
            name="main",
            settings=rule,
            by="tests",
        )

    async def met(self, *numbers: str) -> Met:
        """Have the phones register, and call the numbers of north and the DID."""
        phones = [("101", OURS), ("102", OURS), ("301", THEIRS)]
        async with RawPhone(self.rig.server).opened() as phone:
            registers = [
                200 == await phone.register(number, "password", domain=domain) for number, domain in phones
            ]
        called = [(DID, OURS), *((number, OURS) for number in numbers), ("8301", THEIRS)]
        return Met(registers=registers, reached=[await self._reached(*one) for one in called])

    async def _reached(self, number: str, domain: str) -> UUID | None:
        async with self.rig.peer(end) as peer, RawPhone(self.rig.server).opened() as phone:
            await phone.call(number, user="4989123", domain=domain).wait_ended()
        return peer.facts[0].mailbox_id if peer.facts else None


@pytest.fixture
async def town(rig: Rig, database: Database, jobs: Jobs, default_tenant: UUID) -> Town:
    """Make both tenants; nothing is published."""
    theirs = await add_tenant(database, "north", sip_domain=THEIRS)
    return Town(rig, database, jobs, default_tenant, theirs)


async def test_one_waits_and_the_other_goes_on(town: Town) -> None:
    """A phone, a number and a rule that are new, and a phone that is gone: when its tenant is published."""
    sales = await add_mailbox(town.database, town.ours, "8001")
    support = await add_mailbox(town.database, town.ours, "8002")
    await add_extension(town.database, town.ours, "101")
    await town.rule("8001")
    first = await town.publish()
    await choose_mode(town.database, town.jobs, Mode.MANUAL, tenant_id=town.ours, by="tests")
    new = await add_mailbox(town.database, town.ours, "8003")
    await add_extension(town.database, town.ours, "102")
    await remove_extension(town.database, town.ours, "101")
    await town.rule("8002", change=True)
    north = await add_mailbox(town.database, town.theirs, "8301")
    await add_extension(town.database, town.theirs, "301")
    others = await town.publish()
    waiting = await town.met("8003")
    ours = await town.publish(town.ours)

    assert 3 * [Outcome.LIVE] == [first, others, ours]
    assert Met(registers=[True, False, True], reached=[sales, None, north]) == waiting
    assert Met(registers=[False, True, True], reached=[support, new, north]) == await town.met("8003")
