"""Each row of docs/publishing.md that is read with each call: the next one meets a change, unreloaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from controlplane.domain.configuration import ObjectKind
from controlplane.domain.routing.destination import Destination, DestinationAction
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject, Settings
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.services.hours_files import reconcile_hours
from controlplane.services.publishing import Outcome, publish
from controlplane.services.publishing_table import PUBLISHED
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.tables import MailboxRow, NumberRow
from tests.support.call_peers import end
from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app
from tests.support.publishing_office import PublishingOffice
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig

__all__ = ["database", "database_url", "default_tenant", "jobs", "postgres", "queue_app"]

# One switch serves all of them: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

GROUP, RECEPTIONIST = "6100", "6000"


@pytest.fixture
def rig(publishing_rig: Rig) -> Rig:
    """Return the switch that tests publish to."""
    return publishing_rig


class Office(PublishingOffice):
    """A tenant with the mailboxes 8001 and 8002."""

    def __init__(self, rig: Rig, database: Database, jobs: Jobs, tenant_id: UUID) -> None:
        super().__init__(rig, database, jobs, tenant_id)
        self.numbers: dict[UUID, str] = {}

    async def add_mailbox(self, number: str) -> None:
        """Make a mailbox."""
        mailbox_id = uuid4()
        self.numbers[mailbox_id] = number
        async with self.database.transaction() as session:
            session.add(
                NumberRow(tenant_id=self.tenant_id, number=number, kind="mailbox", object_id=mailbox_id)
            )
            session.add(
                MailboxRow(
                    id=mailbox_id,
                    tenant_id=self.tenant_id,
                    number=number,
                    display_name="Sales",
                    language=None,
                    pin_hash="x",
                    email_recipients=[],
                    deleted_at=None,
                )
            )

    async def make(self, kind: RoutingKind, settings: Settings, number: str | None = None) -> RoutingObject:
        """Make a routing object, and remember its number."""
        made = await super().make(kind, settings, number)
        self.numbers[made.id] = number or ""
        return made

    async def follow(self) -> None:
        """Do what the jobs do after a change: bring the files up to date. The switch is told nothing."""
        await self.route("8001", "8002", "8003", GROUP, RECEPTIONIST)
        await reconcile_hours(self.database, self.rig.home / "configuration/hours")

    async def reached(self, number: str) -> list[str]:
        """Call from outside; return the numbers of what asked the control plane for a flow."""
        async with self.rig.peer(end) as peer, RawPhone(self.rig.server).opened() as phone:
            await phone.call(number, user="4989123").wait_ended()
        found = [facts.mailbox_id or facts.receptionist_id for facts in peer.facts]
        return [self.numbers[one] for one in found if one is not None]


def _to(number: str) -> Destination:
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


async def _nothing(_office: Office) -> None:
    """Have nothing before the change: it adds something."""


async def _mailbox(office: Office) -> None:
    await office.add_mailbox("8003")


async def _group(office: Office) -> None:
    await office.make(RoutingKind.RING_GROUP, RingGroup(no_answer=_to("8001")), GROUP)


async def _other_destination(office: Office) -> None:
    await office.change(RoutingKind.RING_GROUP, GROUP, no_answer=_to("8002"))


async def _group_with_hours(office: Office) -> None:
    await office.make(RoutingKind.OFFICE_HOURS, OfficeHours(time_zone="Europe/Berlin"))
    settings = RingGroup(no_answer=_to("8001"), office_hours="default", closed=_to("8002"))
    await office.make(RoutingKind.RING_GROUP, settings, GROUP)


async def _close(office: Office) -> None:
    await office.change(RoutingKind.OFFICE_HOURS, "default", closed_now=True)


async def _receptionist(office: Office) -> None:
    await office.make(RoutingKind.VIRTUAL_RECEPTIONIST, VirtualReceptionist(), RECEPTIONIST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A change of one kind of object, and what a call to `number` reaches before and after it."""

    kind: ObjectKind
    before: Callable[[Office], Awaitable[None]] = _nothing
    change: Callable[[Office], Awaitable[None]]
    number: str
    reached: tuple[list[str], list[str]]


ROWS = (
    Row(kind=ObjectKind.MAILBOX, change=_mailbox, number="8003", reached=([], ["8003"])),
    Row(
        kind=ObjectKind.RING_GROUP,
        before=_group,
        change=_other_destination,
        number=GROUP,
        reached=(["8001"], ["8002"]),
    ),
    Row(
        kind=ObjectKind.OFFICE_HOURS,
        before=_group_with_hours,
        change=_close,
        number=GROUP,
        reached=(["8001"], ["8002"]),
    ),
    Row(
        kind=ObjectKind.VIRTUAL_RECEPTIONIST,
        change=_receptionist,
        number=RECEPTIONIST,
        reached=([], [RECEPTIONIST]),
    ),
)


@pytest.fixture
async def office(rig: Rig, database: Database, jobs: Jobs, default_tenant: UUID) -> Office:
    """Publish the tenant, and make its mailboxes."""
    made = Office(rig, database, jobs, default_tenant)
    assert Outcome.LIVE == (await publish(made.publisher)).outcome
    for number in ("8001", "8002"):
        await made.add_mailbox(number)
    return made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind.value)
async def test_the_next_call_meets_the_change(office: Office, row: Row) -> None:
    """Once the files are up to date; nothing was published."""
    await row.before(office)
    await office.follow()
    before = await office.reached(row.number)
    await row.change(office)
    await office.follow()

    assert row.reached == (before, await office.reached(row.number))


def test_every_row_without_a_revision_is_here(switch: str) -> None:
    """A kind of object that is added to the table needs a change here."""
    read = {row.kind for row in PUBLISHED if row.switch == switch and row.reload is None}

    assert read == {row.kind for row in ROWS}
