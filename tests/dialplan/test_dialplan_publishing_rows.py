"""Each row of docs/publishing.md with a revision: a refused change changes nothing, a good one is live."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.callflows.call import CallFacts
from controlplane.domain.configuration import ObjectKind
from controlplane.domain.numbers import Feature
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.domain.routing.trunk import Trunk
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.publishing_table import PUBLISHED
from controlplane.storage import feature_codes, revisions
from controlplane.storage.database import Database
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow, TenantRow
from sqlalchemy import update
from tests.support.call_peers import end
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.publishing import add_extension, publisher_to
from tests.support.raw_sip import RawPhone
from tests.support.rig import ACME_MAILBOX, MAILBOX, Rig

__all__ = ["database", "database_url", "default_tenant", "postgres"]

# One switch serves all of them: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

DID = "4930100"
# A template and what is done to it, so that the switch, asked for the revision, names another one. Until then
# it runs all the rest of what was rendered.
BROKEN = {
    "asterisk": ("cp-globals.conf.j2", "CP_REVISION=", "CP_ANOTHER="),
    "freeswitch": ("cp-dialplan.xml.j2", "cp_revision=", "cp_another="),
}


@pytest.fixture
def rig(publishing_rig: Rig) -> Rig:
    """Return the switch that tests publish to."""
    return publishing_rig


class Office:
    """A tenant with the extension 201 and two mailboxes, 8001 and 8002."""

    def __init__(self, rig: Rig, database: Database, tenant_id: UUID) -> None:
        self.rig = rig
        self.database = database
        self.tenant_id = tenant_id
        self.other_tenant = uuid4()
        self.publisher = publisher_to(rig, database)

    async def add(self, kind: RoutingKind, settings: Settings, number: str | None = None) -> UUID:
        """Make a routing object."""
        row = RoutingObjectRow(
            id=uuid4(),
            tenant_id=self.tenant_id,
            kind=kind.value,
            number=number,
            name="the-one",
            settings=to_document(settings),
        )
        async with self.database.transaction() as session:
            session.add(row)
        return row.id

    async def change(self, settings: Settings) -> None:
        """Change the one routing object of its kind."""
        async with self.database.transaction() as session:
            await session.execute(
                update(RoutingObjectRow)
                .where(RoutingObjectRow.tenant_id == self.tenant_id, RoutingObjectRow.name == "the-one")
                .values(settings=to_document(settings))
            )

    async def called(
        self, number: str, *, address: str = "127.0.0.1", user: str = "4989123"
    ) -> list[CallFacts]:
        """Call; return what reached us."""
        async with self.rig.peer(end) as peer, RawPhone(self.rig.server, address=address).opened() as phone:
            await phone.call(number, user=user, password="password").wait_ended()
        return peer.facts

    async def registers(self, number: str, domain: str = "127.0.0.1") -> bool:
        """Say whether a phone gets in."""
        async with RawPhone(self.rig.server).opened() as phone:
            return 200 == await phone.register(number, "password", domain=domain)


async def _extension(office: Office) -> None:
    await add_extension(office.database, office.tenant_id, "205")


async def _new_extension_registers(office: Office) -> bool:
    return await office.registers("205")


async def _tenant(office: Office) -> None:
    async with office.database.transaction() as session:
        session.add(
            TenantRow(
                id=office.other_tenant, name="north", sip_domain="old.example", language="en", time_zone="UTC"
            )
        )
        await session.flush()
    await add_extension(office.database, office.other_tenant, "301")


async def _other_domain(office: Office) -> None:
    async with office.database.transaction() as session:
        await session.execute(
            update(TenantRow).where(TenantRow.id == office.other_tenant).values(sip_domain="new.example")
        )


async def _phone_of_the_new_domain_registers(office: Office) -> bool:
    return await office.registers("301", "new.example")


async def _other_code(office: Office) -> None:
    async with office.database.transaction() as session:
        await feature_codes.replace(
            session, office.tenant_id, feature=Feature.CHECK_MESSAGES.value, code="*20", enabled=True
        )


async def _new_code_is_understood(office: Office) -> bool:
    return ["8001"] == [facts.dialled for facts in await office.called("*208001", user="201")]


def _to(number: str) -> InboundRule:
    destination = Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)
    return InboundRule(dids=(DID,), destination=ByHours(office_hours=destination))


async def _rule(office: Office) -> None:
    await office.add(RoutingKind.INBOUND_RULE, _to("8001"))


async def _other_destination(office: Office) -> None:
    await office.change(_to("8002"))


async def _did_reaches_the_other_mailbox(office: Office) -> bool:
    (facts,) = await office.called(DID)
    assert facts.mailbox_id in {MAILBOX, ACME_MAILBOX}
    return facts.mailbox_id == ACME_MAILBOX


async def _trunk(office: Office) -> None:
    await office.add(RoutingKind.TRUNK, Trunk(addresses=("127.0.0.3",)))


async def _other_address(office: Office) -> None:
    await office.change(Trunk(addresses=("127.0.0.2",)))


async def _call_from_there_is_the_trunks(office: Office) -> bool:
    (facts,) = await office.called("8001", address="127.0.0.2")
    return facts.reached_by.did == "8001"


async def _queue(office: Office) -> None:
    await office.add(RoutingKind.CALL_QUEUE, CallQueue(agents=("201",)), number="6300")


async def _switch_has_the_queue(office: Office) -> bool:
    live = await office.rig.control.live_configuration()
    return any(name.startswith("cp-") and not name.startswith("cp-trunk-") for name in live.endpoints)


async def _nothing(_office: Office) -> None:
    """Have nothing before the change: it adds something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A change of one kind of object, and how one meets it at the switch."""

    kind: ObjectKind
    before: Callable[[Office], Awaitable[None]] = _nothing
    change: Callable[[Office], Awaitable[None]]
    is_live: Callable[[Office], Awaitable[bool]]


ROWS = (
    Row(kind=ObjectKind.EXTENSION, change=_extension, is_live=_new_extension_registers),
    Row(
        kind=ObjectKind.TENANT,
        before=_tenant,
        change=_other_domain,
        is_live=_phone_of_the_new_domain_registers,
    ),
    Row(kind=ObjectKind.CALL_QUEUE, change=_queue, is_live=_switch_has_the_queue),
    Row(kind=ObjectKind.FEATURE_CODE, change=_other_code, is_live=_new_code_is_understood),
    Row(kind=ObjectKind.TRUNK, before=_trunk, change=_other_address, is_live=_call_from_there_is_the_trunks),
    Row(
        kind=ObjectKind.INBOUND_RULE,
        before=_rule,
        change=_other_destination,
        is_live=_did_reaches_the_other_mailbox,
    ),
)


@pytest.fixture
async def office(rig: Rig, database: Database, default_tenant: UUID) -> Office:
    """Provision the tenant, and route its numbers."""
    extension_id = await add_extension(database, default_tenant, "201")
    rig.route("201", "extension", extension_id, default_tenant)
    rig.route("8001", "mailbox", MAILBOX, default_tenant)
    rig.route("8002", "mailbox", ACME_MAILBOX, default_tenant)
    return Office(rig, database, default_tenant)


def broken(publisher: Publisher, switch: str, folder: Path) -> Publisher:
    """Return one whose templates make what the switch refuses."""
    shutil.copytree(TEMPLATES / switch, folder / switch)
    name, right, wrong = BROKEN[switch]
    template = folder / switch / name
    whole = template.read_text()
    assert right in whole
    template.write_text(whole.replace(right, wrong))
    rendering = dataclasses.replace(publisher.rendering, templates=folder)
    return dataclasses.replace(publisher, rendering=rendering, verify_seconds=0.5)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind.value)
async def test_a_change_is_refused_whole_and_taken_whole(office: Office, row: Row, tmp_path: Path) -> None:
    """What the switch does not run is rolled back and shown, calls go on as before; later it is live."""
    await row.before(office)
    good = await publish(office.publisher)
    before = await row.is_live(office)
    await row.change(office)
    refused = await publish(broken(office.publisher, office.rig.switch, tmp_path))
    running = (await office.rig.control.live_configuration()).digest
    after_refusal = await row.is_live(office)
    async with office.database.transaction() as session:
        shown = await revisions.latest(session)
    taken = await publish(office.publisher)

    assert (Outcome.LIVE, False) == (good.outcome, before)
    assert (Outcome.FAILED, good.digest, False) == (refused.outcome, running, after_refusal)
    assert shown is not None
    assert ("failed", True, True) == (shown.state, shown.put_back, bool(shown.error))
    assert (Outcome.LIVE, True) == (taken.outcome, await row.is_live(office))


def test_every_row_with_a_revision_is_here(switch: str) -> None:
    """A kind of object that is added to the table needs a change here."""
    rendered = {row.kind for row in PUBLISHED if row.switch == switch and row.reload is not None}

    assert rendered == {row.kind for row in ROWS}
