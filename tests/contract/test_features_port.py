"""The contract of the Features port, for the service on a real PostgreSQL and for the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID

import pytest
from controlplane.callflows.features import Features
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.services.features import FeatureService
from controlplane.services.routing.objects import get_object
from controlplane.storage.database import Database
from controlplane.storage.extensions import by_number
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.routing.documents import rules_from
from tests.support.fake_features import FakeFeatures
from tests.support.fake_voicemail import TENANT
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.publishing import add_extension
from tests.support.rows import set_tenant

__all__ = ["database", "database_url", "default_tenant", "postgres"]


class FakeSubject:
    """The fake, which has extension 101 alone."""

    def __init__(self) -> None:
        self.port: Features = FakeFeatures()
        self.tenant = TENANT

    async def closed_now(self) -> bool:
        """Say whether it is closed."""
        return cast("FakeFeatures", self.port).closed_now

    async def disturbed(self) -> bool:
        """Say whether calls reach extension 101."""
        return not cast("FakeFeatures", self.port).extensions["101"]


class RealSubject:
    """The service."""

    def __init__(self, port: FeatureService, database: Database, tenant: UUID) -> None:
        self.port: Features = port
        self.tenant = tenant
        self._database = database

    async def closed_now(self) -> bool:
        """Say whether it is closed."""
        found = await get_object(
            self._database, tenant_id=self.tenant, kind=RoutingKind.OFFICE_HOURS, key=TENANT_HOURS
        )
        return cast("OfficeHours", found.settings).closed_now

    async def disturbed(self) -> bool:
        """Say whether calls reach extension 101."""
        async with self._database.transaction() as session:
            row = await by_number(session, self.tenant, "101")
        assert row is not None
        return not rules_from(row.rules).do_not_disturb


@pytest.fixture(params=["fake", "service"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[FakeSubject | RealSubject]:
    """Return each implementation; the tenant speaks German and has extension 101."""
    if request.param == "fake":
        yield FakeSubject()
        return
    url = request.getfixturevalue("database_url")
    tenant = request.getfixturevalue("default_tenant")
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    app = make_app(url, pool_size=1)
    try:
        await add_extension(database, tenant, "101")
        await set_tenant(database, tenant, language="de")
        # As in `calls`: the app stays closed, and a job is deferred on the transaction's connection.
        service = FeatureService(database=database, jobs=Jobs(app), languages=["de", "en"])
        yield RealSubject(service, database, tenant)
    finally:
        await database.close()


async def test_the_language_is_the_tenants(subject: FakeSubject | RealSubject) -> None:
    """What is spoken."""
    assert "de" == await subject.port.language(subject.tenant)


async def test_closed_now_is_turned_over(subject: FakeSubject | RealSubject) -> None:
    """The first press closes, whatever there was; the second opens."""
    answers = []
    for _ in range(3):
        answer = await subject.port.toggle_closed_now(subject.tenant, by="extension 101")
        answers.append((answer, await subject.closed_now()))

    assert [(True, True), (False, False), (True, True)] == answers


async def test_do_not_disturb_is_set(subject: FakeSubject | RealSubject) -> None:
    """Said twice it stays as it is."""
    answers = []
    for on in (True, True, False):
        found = await subject.port.set_do_not_disturb(subject.tenant, "101", on=on)
        answers.append((found, await subject.disturbed()))

    assert [(True, False), (True, False), (True, True)] == answers


async def test_nobody_else_is_switched(subject: FakeSubject | RealSubject) -> None:
    """An extension that is not there is told apart, and changes nothing."""
    found = await subject.port.set_do_not_disturb(subject.tenant, "199", on=True)

    assert (False, True) == (found, await subject.disturbed())
