"""A tenant whose objects are published to the switch of a rig: what its tests share."""

from __future__ import annotations

from uuid import UUID

from controlplane.domain.routing.kinds import RoutingKind, RoutingObject, Settings
from controlplane.services.publishing import Publisher
from controlplane.services.routes import reconcile_routes
from controlplane.services.routing import objects
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.publishing import publisher_to
from tests.support.rig import Rig


class PublishingOffice:
    """A tenant, the switch of a rig, and a publisher between the two."""

    def __init__(self, rig: Rig, database: Database, jobs: Jobs, tenant_id: UUID) -> None:
        self.rig = rig
        self.database = database
        self.jobs = jobs
        self.tenant_id = tenant_id
        self.publisher: Publisher = publisher_to(rig, database)

    async def make(self, kind: RoutingKind, settings: Settings, number: str | None = None) -> RoutingObject:
        """Make a routing object; one without a number is named `default`."""
        return await objects.create_object(
            self.database,
            self.jobs,
            tenant_id=self.tenant_id,
            kind=kind,
            number=number,
            name="default" if number is None else "The one",
            settings=settings,
            by="tests",
        )

    async def change(self, kind: RoutingKind, key: str, **changes: object) -> None:
        """Change a routing object."""
        await objects.update_object(
            self.database,
            self.jobs,
            tenant_id=self.tenant_id,
            kind=kind,
            key=key,
            name=None,
            changes=changes,
            by="tests",
        )

    async def route(self, *numbers: str) -> None:
        """Do what the job does after a change: bring the route files of numbers up to date."""
        routes = self.rig.home / "configuration/routes"
        await reconcile_routes(self.database, routes, tenant_id=self.tenant_id, numbers=numbers)
