"""Lamps: what every change of a mailbox tells, in which order, and what an answer says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.message import MessageState
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.extension_rules import NO_RULES, ExtensionRules
from controlplane.services.extensions import create_extension, delete_extension
from controlplane.services.lamps import Lamps, answer, defer_lamps, replay, tell
from controlplane.services.message_changes import BulkAction, Requested, bulk, delete_message, set_state
from controlplane.services.numbers import take_number
from controlplane.services.routing.extension_rules import get_rules, put_rules
from controlplane.services.routing.re_pointing import re_point
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from tests.support.deposits import insert_mailbox, queued, rows
from tests.support.rows import add_message

KEYS = ("*568001",)
NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED


@dataclass
class FakePhones:
    """A switch that notes what it is to tell."""

    told: list[Lamp] = field(default_factory=list)
    answered: list[tuple[Lamp, LampQuery]] = field(default_factory=list)
    away: bool = False
    keeps_lamps: bool = False

    async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
        """Note it."""
        if self.away:
            raise SwitchUnavailable("The switch is away.")
        self.told += lamps

    async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:
        """Note it."""
        self.answered.append((lamp, query))


@pytest.fixture
def phones() -> FakePhones:
    """Return the phones."""
    return FakePhones()


@pytest.fixture
def lamps(database: Database, phones: FakePhones) -> Lamps:
    """Return what tells them."""
    return Lamps(database=database, control=phones)


@pytest.fixture
def mailbox(database_url: str, default_tenant: UUID) -> UUID:
    """Return the mailbox 8001."""
    return insert_mailbox(database_url, default_tenant)


def locks(url: str) -> list[tuple[str, str]]:
    """Return the lamps that wait to be told, with their locks."""
    return rows(url, "SELECT args->>'number', lock FROM procrastinate_jobs WHERE task_name = 'mwi.send'")


async def test_lamp_counts_what_is_new_and_saved(
    database: Database, lamps: Lamps, phones: FakePhones, mailbox: UUID
) -> None:
    """What is in the trash lights nothing."""
    for state in (NEW, NEW, SAVED, DELETED):
        await add_message(database, mailbox, state=state)
    await tell(lamps, "8001")

    assert [Lamp(number="8001", new=2, saved=1, keys=KEYS)] == phones.told


async def test_lamp_counts_urgent_ones_in_both(
    database: Database, lamps: Lamps, phones: FakePhones, mailbox: UUID
) -> None:
    """RFC 3842: an urgent message is one of the new, or of the saved, and is told beside."""
    for state, urgent in ((NEW, True), (NEW, False), (SAVED, True), (SAVED, True), (DELETED, True)):
        await add_message(database, mailbox, state=state, urgent=urgent)
    await tell(lamps, "8001")

    assert [lamp.summary for lamp in phones.told] == ["2/2 (1/2)"]


async def test_number_without_a_mailbox_is_dark(lamps: Lamps, phones: FakePhones) -> None:
    """A phone that asks for it is told so, and waits for nothing."""
    query = LampQuery(number="8999", domain="h", reply_to=(("sub-call-id", "x"),))
    await answer(lamps, query)

    assert [(Lamp(number="8999"), query)] == phones.answered


async def test_deleted_mailbox_lights_nothing_of_the_next_one(
    database: Database, lamps: Lamps, phones: FakePhones, database_url: str, default_tenant: UUID
) -> None:
    """A number that is used again shows the new mailbox."""
    gone = insert_mailbox(database_url, default_tenant, deleted_at="now")
    await add_message(database, gone)
    insert_mailbox(database_url, default_tenant)
    await tell(lamps, "8001")

    assert [Lamp(number="8001", keys=KEYS)] == phones.told


async def test_each_change_is_told_under_the_lock_of_its_number(  # noqa: PLR0917 (fixtures)
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID, mailbox: UUID, tmp_path: Path
) -> None:
    """Marking, deleting, and many at once: one job for each, which reads the present state."""
    first, second = [await add_message(database, mailbox) for _ in range(2)]
    store = RecordingStore(tmp_path)
    await set_state(
        database, jobs, default_tenant, first, state=Requested.SAVED, expected_version=None, by="t"
    )
    await delete_message(database, jobs, store, default_tenant, first, expected_version=None, by="t")
    await bulk(database, jobs, default_tenant, [first, second], action=BulkAction.MARK_READ, by="t")

    assert [("8001", "mwi:8001")] * 3 == locks(database_url)


async def test_change_that_changes_nothing_tells_nothing(
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID, mailbox: UUID
) -> None:
    """A repeated request is quiet."""
    message = await add_message(database, mailbox)
    await set_state(
        database, jobs, default_tenant, message, state=Requested.NEW, expected_version=None, by="t"
    )

    assert [] == queued(database_url)


async def test_job_is_there_only_with_its_change(
    database: Database, jobs: Jobs, database_url: str, mailbox: UUID
) -> None:
    """What is rolled back is told to nobody."""

    async def fail() -> None:
        async with database.transaction() as session:
            await defer_lamps(session, jobs, [mailbox])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert [] == locks(database_url)


async def test_replay_tells_all_that_is_lit(
    database: Database, lamps: Lamps, phones: FakePhones, database_url: str, default_tenant: UUID
) -> None:
    """Phones that asked while nobody listened learn of every mailbox that holds something."""
    for number in ("8001", "8002", "8003"):
        mailbox = insert_mailbox(database_url, default_tenant, number=number)
        if number != "8002":
            await add_message(database, mailbox)
    told = await replay(lamps)

    assert (2, ["8001", "8003"]) == (told, [lamp.number for lamp in phones.told])


async def test_replay_tells_again_what_changed_meanwhile(
    database: Database, database_url: str, default_tenant: UUID
) -> None:
    """A message that came while its mailbox was told of is told too: the last word is right."""
    mailbox = insert_mailbox(database_url, default_tenant)
    await add_message(database, mailbox)

    class Busy(FakePhones):
        async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
            if not self.told:
                await add_message(database, mailbox)
            await super().send_mwi(lamps)

    phones = Busy()
    await replay(Lamps(database=database, control=phones))

    assert [1, 2] == [lamp.new for lamp in phones.told]


async def test_switch_that_is_away_is_tried_again(lamps: Lamps, phones: FakePhones) -> None:
    """The job fails, and its retry reads the state anew."""
    phones.away = True

    with pytest.raises(SwitchUnavailable):
        await tell(lamps, "8001")


async def test_where_no_phone_has_a_lamp_nothing_is_told(database: Database) -> None:
    """The jobs run, and end at once."""
    lamps = Lamps(database=database, control=None)
    await tell(lamps, "8001")

    assert 0 == await replay(lamps)


async def test_lamp_of_an_extension_shows_all_mailboxes_that_it_watches(  # noqa: PLR0917 (fixtures)
    database: Database, jobs: Jobs, lamps: Lamps, phones: FakePhones, default_tenant: UUID, database_url: str
) -> None:
    """The one that it owns and those that it names, each once; a change of one is told to its phones."""
    own, other, third = [
        await numbered(database, database_url, default_tenant, number) for number in ("8001", "8002", "8003")
    ]
    await make_extension(
        database, jobs, default_tenant, "101", mailbox="8001", mwi_mailboxes=("8001", "8002")
    )
    for mailbox in (own, other, third):
        await add_message(database, mailbox)
    await tell(lamps, "8002")
    await tell(lamps, "8003")

    assert [("8002", 1), ("101", 2), ("8003", 1)] == [(lamp.number, lamp.new) for lamp in phones.told]


async def test_rules_that_name_other_mailboxes_are_told_at_once(
    database: Database, jobs: Jobs, default_tenant: UUID, database_url: str
) -> None:
    """And so are new targets of what named one, and an extension that is deleted; other rules are not."""
    for number in ("8001", "8002"):
        await numbered(database, database_url, default_tenant, number)
    await make_extension(database, jobs, default_tenant, "101", mwi_mailboxes=("8001",))
    await make_extension(database, jobs, default_tenant, "102")
    await re_point(database, jobs, tenant_id=default_tenant, number="8001", to="8002", by="t")
    rules, _ = await get_rules(database, tenant_id=default_tenant, number="101")
    await put_rules(
        database,
        jobs,
        tenant_id=default_tenant,
        number="102",
        rules=replace(NO_RULES, no_answer_seconds=20),
        by="t",
    )
    await delete_extension(database, jobs, tenant_id=default_tenant, number="101", by="t")

    assert ("8002",) == rules.mwi_mailboxes
    assert ["101", "101", "101"] == [number for number, _ in locks(database_url)]


async def test_what_waits_is_told_together(  # noqa: PLR0917 (fixtures)
    database: Database, jobs: Jobs, lamps: Lamps, phones: FakePhones, mailbox: UUID, database_url: str
) -> None:
    """Who tells a number tells all that waits for its lock, and none of another number."""
    await add_message(database, mailbox)
    async with database.transaction() as session:
        for _ in range(20):
            await defer_lamps(session, jobs, [mailbox])
        await jobs.defer(session, "mwi.send", lock="mwi:8002", number="8002")
    await tell(lamps, "8001")

    assert [("8002", "mwi:8002")] == locks(database_url)
    assert [1] == [lamp.new for lamp in phones.told]


async def test_key_asks_for_the_mailbox_that_it_dials(
    database: Database, lamps: Lamps, phones: FakePhones, mailbox: UUID
) -> None:
    """By the feature code that the tenant has; another code is no lamp, and dark."""
    await add_message(database, mailbox)
    for key in ("*568001", "*998001", "*56*"):
        query = LampQuery(number="", domain="h", reply_to=(("call-id", "x"),), key=key)
        await answer(lamps, query)

    assert [1, 0, 0] == [lamp.new for lamp, _ in phones.answered]


async def test_answer_is_given_again_if_it_was_overtaken(
    database: Database, lamps: Lamps, phones: FakePhones, mailbox: UUID
) -> None:
    """A message that came while a phone was answered is told to it too."""

    class Busy(FakePhones):
        async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:
            if not self.answered:
                await add_message(database, mailbox)
            await super().answer_mwi(lamp, query)

    busy = Busy()
    await answer(
        Lamps(database=database, control=busy),
        LampQuery(number="8001", domain="h", reply_to=(("call-id", "x"),)),
    )

    assert [0, 1] == [lamp.new for lamp, _ in busy.answered]


async def test_switch_that_keeps_lamps_is_told_of_empty_mailboxes_too(
    database: Database, database_url: str, default_tenant: UUID
) -> None:
    """Those with messages come first: their phones wait."""
    for number in ("8001", "8002"):
        mailbox = insert_mailbox(database_url, default_tenant, number=number)
    await add_message(database, mailbox)
    phones = FakePhones(keeps_lamps=True)
    await replay(Lamps(database=database, control=phones))

    assert ["8002", "8001"] == [lamp.number for lamp in phones.told]


async def numbered(database: Database, url: str, tenant_id: UUID, number: str) -> UUID:
    """Make a mailbox that others can name."""
    mailbox = insert_mailbox(url, tenant_id, number=number)
    async with database.transaction() as session:
        await take_number(
            session, tenant_id=tenant_id, number=number, kind=NumberKind.MAILBOX, object_id=mailbox
        )
    return mailbox


async def make_extension(database: Database, jobs: Jobs, tenant_id: UUID, number: str, **rules: Any) -> None:
    """Make an extension with these rules."""
    await create_extension(
        database,
        jobs,
        tenant_id=tenant_id,
        number=number,
        display_name=number,
        sip_password=None,
        realm="r",
        by="t",
    )
    if rules:
        await put_rules(
            database, jobs, tenant_id=tenant_id, number=number, rules=ExtensionRules(**rules), by="t"
        )
