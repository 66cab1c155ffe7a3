"""What is kept of providers' answers: the last one, and since when a trunk is registered or is not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.domain.routing.trunk_state import (
    Answer,
    Failure,
    HeardAnswer,
    Registration,
    TrunkState,
)
from controlplane.entrypoints.events import TrunkAnswers
from controlplane.jobs.trunks import register
from controlplane.services.trunk_states import HEARD, LOOK, ShownState, look, note_heard, state_of
from controlplane.storage.database import Database
from controlplane.storage.routing import objects, trunk_registrations
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from procrastinate import App
from procrastinate.testing import InMemoryConnector
from tests.support.call_contract import meanwhile

ACCOUNT = Trunk(host="sip.example.com", username="company", password="sw0rdfish")
REGISTERED = Registration(state=TrunkState.REGISTERED, said="REGED")
FAILED = Registration(state=TrunkState.FAILED, said="FAIL_WAIT", retry_seconds=30)
TRYING = Registration(state=TrunkState.TRYING, said="TRYING")
ACCEPTED = Answer(registered=True, sip_code=200)
FORBIDDEN, NOT_FOUND = (
    Answer(registered=False, sip_code=code, failure=Failure.REFUSED) for code in (403, 404)
)
SILENCE = Answer(registered=False, failure=Failure.UNREACHABLE)


class Said:
    """A switch that says of every trunk what it was told to."""

    def __init__(self, registrations: Mapping[UUID, Registration]) -> None:
        """Take what it says."""
        self._registrations = registrations

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Say it."""
        return self._registrations


@pytest.fixture
async def trunk(database: Database, default_tenant: UUID) -> RoutingObjectRow:
    """Return a trunk that registers."""
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=default_tenant,
        kind=RoutingKind.TRUNK.value,
        name="provider",
        settings=to_document(ACCOUNT),
    )
    async with database.transaction() as session:
        session.add(row)
    return row


def at(minute: int) -> datetime:
    """Return a time."""
    return datetime(2026, 3, 2, 8, minute, tzinfo=UTC)


async def heard(database: Database, trunk: RoutingObjectRow, *answers: Answer) -> None:
    """Hear answers, one a minute."""
    for minute, answer in enumerate(answers):
        await note_heard(database, HeardAnswer(trunk_id=trunk.id, answer=answer), at=at(minute))


async def shown(database: Database, trunk: RoutingObjectRow, now: Registration) -> ShownState:
    """Return the state of the trunk while the switch says `now`."""
    return await state_of(
        database, Said({trunk.id: now}), tenant_id=trunk.tenant_id, name="provider", seconds=3
    )


async def test_since_is_when_it_failed_first(database: Database, trunk: RoutingObjectRow) -> None:
    """And the code is that of the last answer; while the switch asks again it is told too."""
    await heard(database, trunk, ACCEPTED, FORBIDDEN, NOT_FOUND)
    failed, trying = [await shown(database, trunk, now) for now in (FAILED, TRYING)]

    assert [(at(1), 404, Failure.REFUSED)] * 2 == [
        (each.since, each.sip_code, each.failure) for each in (failed, trying)
    ]
    assert failed.detail.startswith("The provider refuses us (404)")
    assert [30, None] == [failed.retry_seconds, trying.retry_seconds]


async def test_one_who_goes_away_refuses_no_more(database: Database, trunk: RoutingObjectRow) -> None:
    """No answer has no code, and takes that of the refusal before it away."""
    await heard(database, trunk, FORBIDDEN, SILENCE)
    told = await shown(database, trunk, FAILED)

    assert (at(0), None, Failure.UNREACHABLE) == (told.since, told.sip_code, told.failure)
    assert told.detail.startswith("Nobody answers there (FAIL_WAIT)")


async def test_what_does_not_agree_is_not_told(database: Database, trunk: RoutingObjectRow) -> None:
    """The switch has the last word; an answer that we missed makes what we know old."""
    await heard(database, trunk, FORBIDDEN)
    told = await shown(database, trunk, REGISTERED)

    assert (TrunkState.REGISTERED, None, None, None) == (
        told.state,
        told.since,
        told.sip_code,
        told.failure,
    )


async def test_what_was_missed_is_looked_for(database: Database, trunk: RoutingObjectRow) -> None:
    """Only what is new is kept: a known failure keeps its time and code, and one who tries has not failed."""
    await heard(database, trunk, FORBIDDEN)
    for minute, now in ((5, FAILED), (6, TRYING), (7, REGISTERED), (8, REGISTERED)):
        assert 1 == await look(database, Said({trunk.id: now}), at=at(minute))
        if now is FAILED:
            refused = await shown(database, trunk, FAILED)
    told = await shown(database, trunk, REGISTERED)

    assert (at(0), 403) == (refused.since, refused.sip_code)
    assert (at(7), None) == (told.since, told.sip_code)


async def test_an_answer_goes_with_its_trunk(database: Database, trunk: RoutingObjectRow) -> None:
    """One that comes when the trunk is gone is not kept, and nothing fails."""
    await heard(database, trunk, FORBIDDEN)
    async with database.transaction() as session:
        await objects.remove(session, trunk.id)
    await heard(database, trunk, ACCEPTED)
    async with database.transaction() as session:
        known = await trunk_registrations.known(session, [trunk.id])

    assert {} == known


async def test_without_a_switch_nothing_is_looked_for(database: Database) -> None:
    """There are no registrations either."""
    assert 0 == await look(database, None, at=at(0))


async def test_what_is_heard_goes_through_the_queue(database: Database, trunk: RoutingObjectRow) -> None:
    """`events` defers it, and `jobs` keeps it with its time; to look afterwards does not undo it."""
    app = App(connector=InMemoryConnector())
    register(app, database, Said({trunk.id: FAILED}), clock=lambda: at(9))
    answers = TrunkAnswers(clock=at(3).timestamp)
    answers.hear(HeardAnswer(trunk_id=trunk.id, answer=FORBIDDEN))
    async with app.open_async(), meanwhile(asyncio.create_task(answers.keep_deferring(app))):
        async with asyncio.timeout(5):
            while not await app.job_manager.list_jobs_async(task=HEARD):  # noqa: ASYNC110 (the queue is asked)
                await asyncio.sleep(0)
        await app.configure_task(LOOK, lock=LOOK).defer_async()
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    told = await shown(database, trunk, FAILED)

    assert (at(3), 403, Failure.REFUSED) == (told.since, told.sip_code, told.failure)
