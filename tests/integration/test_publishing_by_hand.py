"""Tenants that publish by hand beside those that do not: what waits, what goes on, and what follows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.callflows.call import CallFacts, Entry, HangupCause
from controlplane.callflows.ending import Outcome
from controlplane.callflows.leave_message import leave_message
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import Prompt
from controlplane.domain.caller import Caller
from controlplane.domain.configuration import Mode
from controlplane.domain.errors import Conflict
from controlplane.domain.message import ReachedBy, TakeFacts
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.hours import OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.domain.routing.trunk import Trunk
from controlplane.jobs.configuration import ALL_ROUTES, register
from controlplane.services.configuration_state import ConfigurationState, State, read_configuration
from controlplane.services.extensions import create_extension, delete_extension, update_extension
from controlplane.services.features import FeatureService
from controlplane.services.mailboxes import delete_mailbox
from controlplane.services.pin_hashing import HashCost, PinHasher, make_key
from controlplane.services.pins import Pins
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import Publisher, heal, publish
from controlplane.services.publishing_asked import Asked, ask_to_publish
from controlplane.services.publishing_modes import adopt_default, choose_mode, tenant_mode
from controlplane.services.receptionist_greetings import speak_receptionist
from controlplane.services.receptionists import ReceptionistService
from controlplane.services.routing.extension_rules import put_rules
from controlplane.services.routing.objects import create_object, delete_object, update_object
from controlplane.services.speaking import Speech
from controlplane.services.tenants import create_tenant, update_tenant
from controlplane.services.voicemail_service import VoicemailService
from controlplane.speech.cache import PromptCache
from controlplane.speech.speaker import Speaker
from controlplane.storage import revisions
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.routing import plans, published_plans, receptions
from controlplane.storage.spool import FileSpool
from procrastinate import App
from tests.support.applying import applier
from tests.support.fake_call import FakeCall
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import make_publisher, rendered_now
from tests.support.rows import add_mailbox, add_tenant

COMPANY = Path(__file__).parents[2] / "examples" / "company.yaml"
BY = "token billing"
MONDAYS = {Weekday.MONDAY: (TimeRange(start=time(9), end=time(17)),)}


def to(number: str) -> Destination:
    """Return a destination."""
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


class Office:
    """The tenant `default` and what its admin does, with the jobs that follow."""

    def __init__(self, publisher: Publisher, app: App, jobs: Jobs, tenant_id: UUID, north: UUID) -> None:
        self.publisher = publisher
        self.database = publisher.database
        self.app = app
        self.jobs = jobs
        self.tenant_id = tenant_id
        self.north = north
        self.files = CallFiles(routes=publisher.folder.root / "routes", hours=publisher.folder.root / "hours")
        register(app, publisher, files=self.files, automatic=True)

    async def work(self) -> None:
        """Run all waiting jobs."""
        await self.app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    async def choose(self, mode: Mode) -> None:
        """Choose how the tenant publishes; the jobs run."""
        await choose_mode(self.database, self.jobs, mode, tenant_id=self.tenant_id, by=BY)
        await self.work()

    async def publish(self) -> None:
        """Publish what waits of the tenant, as its admin does."""
        asked = Asked(tenant_id=self.tenant_id, all_told=False)
        await ask_to_publish(self.publisher, self.jobs, asked, by=BY, overwrite=False)
        await self.work()

    async def extension(self, number: str, *, north: bool = False) -> None:
        """Make an extension; the jobs run."""
        await create_extension(
            self.database,
            self.jobs,
            tenant_id=self.north if north else self.tenant_id,
            number=number,
            display_name="Alice",
            sip_password=None,
            realm="shared-voicemail",
            by=BY,
        )
        await self.work()

    async def remove_extension(self, number: str) -> None:
        """Remove it; the jobs run."""
        await delete_extension(self.database, self.jobs, tenant_id=self.tenant_id, number=number, by=BY)
        await self.work()

    async def make(self, kind: RoutingKind, settings: object, number: str | None = None) -> UUID:
        """Make what routes calls; the jobs run."""
        made = await create_object(
            self.database,
            self.jobs,
            tenant_id=self.tenant_id,
            kind=kind,
            number=number,
            name="default",
            settings=settings,  # type: ignore[arg-type]  # as the test says
            by=BY,
        )
        await self.work()
        return made.id

    async def delete(self, kind: RoutingKind, key: str) -> None:
        """Delete it; the jobs run."""
        await delete_object(self.database, self.jobs, tenant_id=self.tenant_id, kind=kind, key=key, by=BY)
        await self.work()

    async def change(self, kind: RoutingKind, key: str, **changes: object) -> None:
        """Change it; the jobs run."""
        await update_object(
            self.database,
            self.jobs,
            tenant_id=self.tenant_id,
            kind=kind,
            key=key,
            name=None,
            changes=changes,
            by=BY,
        )
        await self.work()

    def route(self, number: str) -> list[str] | None:
        """Return the lines of a route file."""
        path = self.files.routes / str(self.tenant_id) / number[-2:] / number
        return path.read_text().splitlines() if path.exists() else None

    async def state(self, *, north: bool = False) -> ConfigurationState:
        """Return what the tenant is told."""
        return await read_configuration(
            self.database,
            self.publisher.folder,
            tenant_id=self.north if north else self.tenant_id,
            all_tenants=False,
        )

    async def waiting(self) -> list[tuple[str, str, str]]:
        """Return what waits."""
        state = await self.state()
        return [(change.kind, change.name, change.action) for change in state.changes.items]


async def _no_deposit(facts: TakeFacts, wav: Path) -> bool:
    raise AssertionError(f"{facts.recording_id} {wav}")


@pytest.fixture
def hasher() -> Iterator[PinHasher]:
    """Hash cheaply."""
    with closing(PinHasher(make_key(), cost=HashCost(time_cost=1, memory_kib=64))) as made:
        yield made


@pytest.fixture
def switch(tmp_path: Path) -> FakeSwitch:
    """Return a switch that reads from the test's folder."""
    return FakeSwitch(tmp_path)


@pytest.fixture
def publisher(database: Database, tmp_path: Path, switch: FakeSwitch) -> Publisher:
    """Return a publisher to that switch."""
    return make_publisher(database, tmp_path, switch)


@pytest.fixture
async def office(publisher: Publisher, queue_app: App, jobs: Jobs, default_tenant: UUID) -> Office:
    """Publish the extension 101, and another tenant that publishes by itself."""
    made = Office(
        publisher,
        queue_app,
        jobs,
        default_tenant,
        await add_tenant(publisher.database, "north"),
    )
    await made.extension("101")
    return made


async def test_what_is_changed_waits_and_others_go_on(office: Office, switch: FakeSwitch) -> None:
    """An extension of a tenant that publishes by hand is neither a file nor an endpoint; others' are."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    await office.extension("301", north=True)

    assert frozenset({"anonymous", "101", "301@north.example"}) == switch.running.endpoints
    assert (None, ["extension"]) == (office.route("102"), (office.route("101") or [])[:1])
    assert [("extension", "102", "added")] == await office.waiting()
    assert (State.PENDING, State.LIVE) == (
        (await office.state()).state,
        (await office.state(north=True)).state,
    )


async def test_what_waits_is_published_by_hand(office: Office, switch: FakeSwitch) -> None:
    """Then the switch knows it, calls find it, and nothing waits any more; the revision says who asked."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    await office.publish()
    async with office.database.transaction() as session:
        latest = await revisions.latest(session)

    assert "102" in switch.running.endpoints
    assert ["extension"] == (office.route("102") or [])[:1]
    assert (State.LIVE, []) == ((await office.state()).state, await office.waiting())
    assert latest is not None
    assert ("live", BY) == (latest.state, latest.author)


async def test_publishing_one_tenant_leaves_another_waiting(office: Office, switch: FakeSwitch) -> None:
    """Both publish by hand; one is published, then all."""
    await office.choose(Mode.MANUAL)
    await choose_mode(office.database, office.jobs, Mode.MANUAL, tenant_id=office.north, by=BY)
    await office.extension("102")
    await office.extension("301", north=True)
    await office.publish()
    one = switch.running.endpoints
    await ask_to_publish(
        office.publisher, office.jobs, Asked(tenant_id=None, all_told=True), by="cli", overwrite=False
    )
    await office.work()

    assert frozenset({"anonymous", "101", "102"}) == one
    assert frozenset({"anonymous", "101", "102", "301@north.example"}) == switch.running.endpoints


async def test_by_itself_again_publishes_what_waited(office: Office, switch: FakeSwitch) -> None:
    """The choice alone is enough: endpoints, route files and office hours."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    hours = await office.make(RoutingKind.OFFICE_HOURS, OfficeHours(time_zone="UTC"))
    before = (office.files.hours / str(hours)).exists()
    await office.choose(Mode.AUTOMATIC)

    assert "102" in switch.running.endpoints
    assert office.route("102") is not None
    assert (False, True) == (before, (office.files.hours / str(hours)).exists())
    assert Mode.AUTOMATIC is (await tenant_mode(office.database, office.tenant_id)).mode


async def test_a_deleted_extension_stays_until_that_is_published(office: Office, switch: FakeSwitch) -> None:
    """Its phone goes on, its route file stands; both go with what is published."""
    await office.choose(Mode.MANUAL)
    await office.remove_extension("101")
    before = ("101" in switch.running.endpoints, office.route("101") is not None, await office.waiting())
    await office.publish()

    assert (True, True, [("extension", "101", "removed")]) == before
    assert (False, None) == ("101" in switch.running.endpoints, office.route("101"))


async def test_a_new_password_waits_and_is_named(office: Office) -> None:
    """The rendered digest is the old one; what waits names the field."""
    await office.choose(Mode.MANUAL)
    before, _ = await rendered_now(office.publisher)
    await update_extension(
        office.database,
        office.jobs,
        tenant_id=office.tenant_id,
        number="101",
        changes={"sip_password": None},
        realm="shared-voicemail",
        by=BY,
    )
    after, _ = await rendered_now(office.publisher)
    published, _ = await rendered_now(office.publisher, current=[office.tenant_id])
    (change,) = (await office.state()).changes.items

    assert before == after != published
    assert ("sip_password",) == change.fields


async def test_rules_and_groups_wait_without_a_revision(office: Office) -> None:
    """What only route files say is listed, and followed by the file when it is published."""
    await add_mailbox(office.database, office.tenant_id)
    await office.make(RoutingKind.RING_GROUP, RingGroup(no_answer=to("8001")), "6100")
    await office.choose(Mode.MANUAL)
    route = office.route("6100")
    await office.change(RoutingKind.RING_GROUP, "6100", no_answer=to("101"))
    rules = ExtensionRules(busy=ByHours(office_hours=to("8001")))
    await put_rules(
        office.database, office.jobs, tenant_id=office.tenant_id, number="101", rules=rules, by=BY
    )
    await office.work()
    held = (office.route("6100"), len(office.route("101") or []))
    waiting = await office.waiting()
    await office.publish()

    assert (route, 2) == held
    assert [("ring-group", "6100", "changed"), ("extension", "101", "changed")] == waiting
    assert ("101", True) == ((office.route("6100") or [""])[-1], "8001" in (office.route("101") or []))
    assert [] == await office.waiting()


async def test_files_that_are_lost_come_back_as_they_were_published(office: Office) -> None:
    """The reconciliation of each ten minutes takes nothing along that waits."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    await office.remove_extension("101")
    before = office.route("101")
    shutil.rmtree(office.files.routes / str(office.tenant_id))
    await office.app.configure_task(ALL_ROUTES).defer_async(timestamp=0)
    await office.work()

    assert before is not None
    assert (before, None) == (office.route("101"), office.route("102"))


async def test_office_hours_wait_and_closed_now_does_not(office: Office) -> None:
    """A changed week is in no file until it is published; what somebody dials closes at once."""
    schedule = OfficeHours(time_zone="UTC", week=dict.fromkeys(Weekday, MONDAYS[Weekday.MONDAY]))
    hours = await office.make(RoutingKind.OFFICE_HOURS, schedule)
    await office.choose(Mode.MANUAL)
    folder = office.files.hours / str(hours)
    day = folder / f"{datetime.now(UTC):%Y%m%d}"
    before = day.read_text()
    await office.change(RoutingKind.OFFICE_HOURS, "default", week=MONDAYS)
    features = FeatureService(database=office.database, jobs=office.jobs, languages=["en"])
    await features.toggle_closed_now(office.tenant_id, by="extension 101")
    await office.work()
    held = (day.read_text(), (folder / "closed").exists())
    await office.publish()

    assert (before, True) == held
    assert before != day.read_text()
    assert (folder / "closed").exists()


async def test_closed_now_counts_where_there_were_no_office_hours(office: Office) -> None:
    """Office hours that somebody makes by closing them are published at once, with what depends on them."""
    await add_mailbox(office.database, office.tenant_id)
    group = RingGroup(no_answer=to("101"), closed=to("8001"))
    await office.make(RoutingKind.RING_GROUP, group, "6100")
    await office.choose(Mode.MANUAL)
    features = FeatureService(database=office.database, jobs=office.jobs, languages=["en"])
    await features.toggle_closed_now(office.tenant_id, by="extension 101")
    await office.work()
    (folder,) = (path for path in office.files.hours.iterdir() if path.is_dir())

    assert (folder / "closed").exists()
    assert folder.name == (office.route("6100") or ["", "", ""])[2]


async def test_what_is_said_by_phone_counts_at_once(office: Office) -> None:
    """Do not disturb, and who is logged in at a queue, beside changes of the same objects that wait."""
    await office.extension("102")
    await office.make(RoutingKind.CALL_QUEUE, CallQueue(agents=("101", "102")), "6200")
    await office.choose(Mode.MANUAL)
    features = FeatureService(database=office.database, jobs=office.jobs, languages=["en"])
    await features.set_logged_in(office.tenant_id, "6200", "102", on=False)
    await features.set_do_not_disturb(office.tenant_id, "101", on=True)
    await office.work()
    out = (office.route("6200") or [])[-1]
    # He is no agent any more, and so nobody remembers that he logged out; until that is published he is one.
    await office.choose(Mode.AUTOMATIC)
    await office.choose(Mode.MANUAL)
    await office.change(RoutingKind.CALL_QUEUE, "6200", agents=("101",))
    await office.app.configure_task(ALL_ROUTES).defer_async(timestamp=0)
    await office.work()

    assert ("101", "101") == (out, (office.route("6200") or [])[-1])
    assert "1" in (office.route("101") or [])


async def test_a_receptionist_is_met_as_it_was_published(office: Office, tmp_path: Path) -> None:
    """Its keys, whom one can dial, and its office hours; deleted it goes on, until that is published."""
    await add_mailbox(office.database, office.tenant_id)
    await office.make(RoutingKind.OFFICE_HOURS, OfficeHours(time_zone="UTC"))
    keys = (KeyRule(keys="1", destination=ByHours(office_hours=to("101"), outside_hours=to("8001"))),)
    made = await office.make(RoutingKind.VIRTUAL_RECEPTIONIST, VirtualReceptionist(keys=keys), "6000")
    await office.choose(Mode.MANUAL)
    service = ReceptionistService(database=office.database, greetings=tmp_path, languages=["en"])

    async def met() -> dict[str, str] | None:
        found = await service.reception(made, at=datetime.now(UTC))
        return None if found is None else dict(found.keys)

    await office.extension("102")
    await office.change(RoutingKind.VIRTUAL_RECEPTIONIST, "6000", keys=(), dial_extensions=True)
    await office.change(RoutingKind.OFFICE_HOURS, "default", week=MONDAYS)
    changed = (await met(), (await service.dialled(office.tenant_id, "102")).is_extension)
    await office.delete(RoutingKind.VIRTUAL_RECEPTIONIST, "6000")
    deleted = await met()
    await office.publish()

    assert ({"1": "101"}, False) == changed
    assert {"1": "101"} == deleted
    assert (None, True) == (await met(), (await service.dialled(office.tenant_id, "102")).is_extension)


async def test_what_a_receptionist_says_waits_with_it(
    office: Office, publisher: Publisher, jobs: Jobs, tmp_path: Path
) -> None:
    """Its old text is spoken until it is published; deleted, what was placed stays until then."""
    made = await office.make(RoutingKind.VIRTUAL_RECEPTIONIST, VirtualReceptionist(greeting="Old."), "6000")
    await office.choose(Mode.MANUAL)
    await office.change(RoutingKind.VIRTUAL_RECEPTIONIST, "6000", greeting="New.")
    async with office.database.transaction() as session:
        changed = await receptions.receptionist(session, made)
    await office.delete(RoutingKind.VIRTUAL_RECEPTIONIST, "6000")
    speech = Speech(Speaker(PromptCache(tmp_path), engines=lambda _: (), warn=print))
    placed = tmp_path / f"{made}.wav"
    placed.touch()
    await speak_receptionist(office.database, speech, made, tmp_path)
    held = placed.exists()
    await publish(replace(publisher, jobs=jobs), waiting=None, files=office.files)
    spoken = [
        job.task_kwargs["receptionist_id"]
        for job in await office.app.job_manager.list_jobs_async(task="speech.receptionist", status="todo")
    ]
    await speak_receptionist(office.database, speech, made, tmp_path)

    assert changed is not None
    assert ("Old.", True, [str(made)]) == (changed.settings.greeting, held, spoken)
    assert not placed.exists()


async def test_a_mailbox_that_is_gone_ends_well_for_its_callers(
    office: Office, hasher: PinHasher, tmp_path: Path
) -> None:
    """Its route file stands until that is published: who is sent there hears that it is not in use."""
    mailbox_id = await add_mailbox(office.database, office.tenant_id)
    await office.choose(Mode.MANUAL)
    await delete_mailbox(office.database, office.jobs, tenant_id=office.tenant_id, number="8001", by=BY)
    await office.work()
    facts = CallFacts(
        call_id="1",
        entry=Entry.LEAVE,
        tenant_id=office.tenant_id,
        mailbox_id=mailbox_id,
        dialled="8001",
        extension=None,
        caller=Caller.of("4930123", ""),
        reached_by=ReachedBy(),
    )
    call = FakeCall(facts)
    call.expect_to_hear(Prompt.MAILBOX_UNKNOWN)
    ending = await leave_message(
        call,
        voicemail=VoicemailService(
            database=office.database,
            jobs=office.jobs,
            pins=Pins(office.database, hasher, office.jobs, policy=PinLockPolicy()),
            recordings=RecordingStore(tmp_path / "recordings"),
            deposit=_no_deposit,
            languages=["en"],
        ),
        spool=FileSpool(tmp_path / "spool"),
        options=FlowOptions(),
        clock=lambda: datetime.now(UTC),
        new_id=uuid4,
    )

    call.assert_over()
    assert ["mailbox", str(mailbox_id)] == office.route("8001")
    assert (Outcome.MAILBOX_UNKNOWN, HangupCause.UNALLOCATED) == (ending.outcome, call.hangup_cause)
    assert [("mailbox", "8001", "removed")] == await office.waiting()


async def test_a_copy_says_all_that_the_tables_said(office: Office) -> None:
    """A whole company: to choose by hand changes no file of the switch, and no route file."""
    with applier(office.database, office.jobs) as files:
        await files.apply(COMPANY.read_text())
    for number, enabled in (("1", True), ("2", False)):
        await create_object(
            office.database,
            office.jobs,
            tenant_id=office.tenant_id,
            kind=RoutingKind.TRUNK,
            number=None,
            name=f"trunk-{number}",
            settings=Trunk(addresses=(f"192.0.2.{number}",), enabled=enabled),
            by=BY,
        )
    _, files_before = await rendered_now(office.publisher)
    async with office.database.transaction() as session:
        owners = await plans.owners(session, office.tenant_id)
        ids = await plans.schedule_ids(session)
        schedules = await plans.schedules(session)
    await choose_mode(office.database, office.jobs, Mode.MANUAL, tenant_id=office.tenant_id, by=BY)
    async with office.database.transaction() as session:
        published = await published_plans.owners(session, office.tenant_id)
        published_ids = await published_plans.schedule_ids(session)
        published_schedules = await published_plans.schedules(session, ids)
    _, copied = await rendered_now(office.publisher)

    assert files_before == copied
    assert (owners, ids, schedules) == (published, published_ids, published_schedules)
    assert {"6000", "6100", "6200", "101", "8001"} <= owners.keys()


async def test_what_the_switch_refuses_is_put_back_and_blocks_nobody(
    office: Office, switch: FakeSwitch
) -> None:
    """The tenant is told that it failed, its files stay as they were, and what others change is live."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    await office.remove_extension("101")
    switch.deaf = {"102"}
    await office.publish()
    refused = await office.state()
    ours = (office.route("101") is not None, office.route("102"))
    await office.extension("301", north=True)
    others = (switch.running.endpoints, (await office.state(north=True)).state)
    switch.deaf = set()
    await office.publish()

    assert (State.FAILED, True) == (refused.state, refused.mode.failed_revision is not None)
    assert (True, None) == ours
    assert (frozenset({"anonymous", "101", "301@north.example"}), State.LIVE) == others
    assert frozenset({"anonymous", "102", "301@north.example"}) == switch.running.endpoints
    assert (State.LIVE, None) == (
        (await office.state()).state,
        (await office.state()).mode.failed_revision,
    )


async def test_while_the_switch_is_away_calls_find_the_old_files(office: Office, switch: FakeSwitch) -> None:
    """What is published by hand is linked and waits; its route files follow once the switch runs it."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    switch.down = True
    await office.publish()
    waits = (office.route("102"), (await office.state()).state)
    switch.down = False
    await heal(office.publisher, files=office.files)

    assert (None, State.PENDING) == waits
    assert "102" in switch.running.endpoints
    assert office.route("102") is not None
    assert State.LIVE is (await office.state()).state


async def test_a_domain_is_taken_until_that_is_published(office: Office) -> None:
    """A tenant that waits is still reached by its old SIP domain: nobody else gets it, and it says why."""
    await choose_mode(office.database, office.jobs, Mode.MANUAL, tenant_id=office.north, by=BY)
    await update_tenant(
        office.database, office.jobs, name="north", changes={"sip_domain": "new.example"}, by=BY
    )
    with pytest.raises(Conflict) as new:
        await create_tenant(office.database, office.jobs, name="south", sip_domain="north.example", by=BY)
    with pytest.raises(Conflict) as changed:
        await update_tenant(
            office.database, office.jobs, name="default", changes={"sip_domain": "north.example"}, by=BY
        )
    said = [
        (one.value.error_id, one.value.field, "publishes" in one.value.sentence) for one in (new, changed)
    ]
    await publish(office.publisher, waiting=[office.north])
    made = await create_tenant(office.database, office.jobs, name="south", sip_domain="north.example", by=BY)

    assert 2 * [("sip-domain-taken", "sip_domain", True)] == said
    assert "north.example" == made.sip_domain


async def test_its_own_domain_is_taken_back(office: Office) -> None:
    """A tenant that waits may have its own one again."""
    await choose_mode(office.database, office.jobs, Mode.MANUAL, tenant_id=office.north, by=BY)
    for domain in ("new.example", "north.example"):
        kept = await update_tenant(
            office.database, office.jobs, name="north", changes={"sip_domain": domain}, by=BY
        )

    assert "north.example" == kept.sip_domain


async def test_an_address_of_a_trunk_is_taken_until_that_is_published(office: Office) -> None:
    """Calls from there are still those of the tenant that waits."""
    trunk = Trunk(addresses=("192.0.2.1",))
    await office.make(RoutingKind.TRUNK, trunk)
    await office.choose(Mode.MANUAL)
    await office.change(RoutingKind.TRUNK, "default", addresses=("192.0.2.9",))
    ours, office.tenant_id = office.tenant_id, office.north
    with pytest.raises(Conflict) as refused:
        await office.make(RoutingKind.TRUNK, trunk)
    office.tenant_id = ours
    await office.publish()
    office.tenant_id = office.north
    made = await office.make(RoutingKind.TRUNK, trunk)

    assert ("address-taken", "addresses.0") == (refused.value.error_id, refused.value.field)
    assert "publishes its changes" in refused.value.sentence
    assert made is not None


async def test_a_new_tenant_waits_where_the_settings_say_so(office: Office, switch: FakeSwitch) -> None:
    """Nothing of it is on the switch until somebody publishes it; those that exist count as published."""
    await adopt_default(office.database, Mode.MANUAL)
    made = await create_tenant(office.database, office.jobs, name="south", sip_domain="south.example", by=BY)
    office.north = made.id
    await office.extension("401", north=True)
    before = switch.running.endpoints
    await publish(office.publisher, waiting=None)

    assert frozenset({"anonymous", "101"}) == before
    assert frozenset({"anonymous", "101", "401@south.example"}) == switch.running.endpoints


async def test_the_settings_decide_only_where_nobody_chose(office: Office) -> None:
    """Tenants follow them, but for one that said by hand; and one that said by itself stays so."""
    await office.choose(Mode.MANUAL)
    for default in (Mode.MANUAL, Mode.AUTOMATIC):
        await adopt_default(office.database, default)
        modes = [(await tenant_mode(office.database, one)).mode for one in (office.tenant_id, office.north)]

        assert [Mode.MANUAL, default] == modes

    await office.choose(Mode.AUTOMATIC)
    await adopt_default(office.database, Mode.MANUAL)

    assert Mode.AUTOMATIC is (await tenant_mode(office.database, office.tenant_id)).mode


async def test_to_choose_by_hand_again_takes_nothing_along(office: Office, switch: FakeSwitch) -> None:
    """It is no publishing."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    await office.choose(Mode.MANUAL)

    assert "102" not in switch.running.endpoints
    assert [("extension", "102", "added")] == await office.waiting()


async def test_a_change_on_its_way_is_published_when_by_hand_is_chosen(
    office: Office, switch: FakeSwitch
) -> None:
    """What was changed before counts, though its job runs afterwards, and waits no more then."""
    await create_extension(
        office.database,
        office.jobs,
        tenant_id=office.tenant_id,
        number="102",
        display_name="Bob",
        sip_password=None,
        realm="shared-voicemail",
        by=BY,
    )
    await office.choose(Mode.MANUAL)

    assert "102" in switch.running.endpoints
    assert office.route("102") is not None
    assert (State.LIVE, []) == ((await office.state()).state, await office.waiting())


async def test_a_start_takes_nothing_along(office: Office, switch: FakeSwitch) -> None:
    """What is written for a switch that is about to start is what was published."""
    await office.choose(Mode.MANUAL)
    await office.extension("102")
    switch.running = type(switch.running)(digest=None, endpoints=frozenset())
    await heal(office.publisher, files=office.files)

    assert frozenset({"anonymous", "101"}) == switch.running.endpoints
