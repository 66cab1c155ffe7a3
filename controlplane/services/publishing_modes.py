"""Whether a tenant's changes are published by themselves: as somebody chose, else as the settings say."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.domain.errors import NotFound
from controlplane.storage import published_objects, publishing_modes, tenants
from controlplane.storage.database import Database
from controlplane.storage.publishing_modes import TenantMode
from controlplane.storage.queue import Jobs

__all__ = ["TenantMode", "adopt_default", "begin", "choose_mode", "tenant_mode"]

# What a copy of a large tenant may take: some 100,000 objects.
_COPY_SECONDS = 120.0


async def tenant_mode(db: Database, tenant_id: UUID) -> TenantMode:
    """Return how a tenant publishes."""
    async with db.transaction() as session:
        return await publishing_modes.of_tenant(session, tenant_id)


async def choose_mode(db: Database, jobs: Jobs, mode: Mode, *, tenant_id: UUID, by: str) -> None:
    """Choose how a tenant publishes.

    By hand from now on: what it is now counts as published, changes on their way too. By itself again: what
    waited is published. Idempotent. Raises NotFound for a tenant that is gone.
    """
    async with db.transaction(seconds=_COPY_SECONDS) as session:
        if await tenants.get(session, tenant_id, lock=True) is None:
            raise NotFound("There is no such tenant.", error_id="no-such-tenant")
        before = (await publishing_modes.of_tenant(session, tenant_id)).mode
        await publishing_modes.choose(session, tenant_id, mode, by=by)
        if mode is Mode.MANUAL:
            if before is not mode or tenant_id in await publishing_modes.not_copied(session):
                await published_objects.copy(session, tenant_id, is_next=False)
        elif before is not mode:
            await published_objects.forget(session, tenant_id)
            await jobs.defer(session, "configuration.publish", lock="configuration")
    structlog.get_logger().info("configuration.mode", mode=mode.value, tenant_id=str(tenant_id), by=by)


async def begin(session: AsyncSession, tenant_id: UUID) -> None:
    """Have a new tenant publish as the settings say: where that is by hand, nothing of it is published."""
    if await publishing_modes.default_mode(session) is Mode.MANUAL:
        await publishing_modes.choose(session, tenant_id, Mode.MANUAL, by=None)
        await published_objects.start_empty(session, tenant_id)


async def adopt_default(db: Database, mode: Mode) -> None:
    """Have the tenants for which nobody chose publish as the settings say.

    What a tenant is when it comes to publish by hand counts as published.
    """
    async with db.transaction() as session:
        await publishing_modes.note_default(session, mode)
        if mode is Mode.MANUAL:
            for tenant_id in await publishing_modes.undecided(session):
                await publishing_modes.choose(session, tenant_id, mode, by=None)
        else:
            for tenant_id in await publishing_modes.by_the_settings(session):
                await publishing_modes.choose(session, tenant_id, mode, by=None)
                await published_objects.forget(session, tenant_id)
        to_copy = await publishing_modes.not_copied(session)
    for tenant_id in to_copy:
        async with db.transaction(seconds=_COPY_SECONDS) as session:
            await published_objects.copy(session, tenant_id, is_next=False)
