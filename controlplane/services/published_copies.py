"""Publishing what waits of tenants that publish by hand: their copies, and the files that calls read.

A copy is taken before a revision is rendered from it, and takes the place of the one before once the switch
was seen to run that revision. If it is refused the copy is given up, so that what others change can be
published. Route files and files of office hours follow afterwards; those of numbers that go are taken away
before. A crash in between leaves either copy whole, and what is still to be done noted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from controlplane.services.hours_files import reconcile_hours
from controlplane.services.publisher import Outcome, Publisher, PublishResult
from controlplane.services.receptionist_greetings import defer_greetings
from controlplane.services.routes import reconcile_tenant_routes, remove_routes
from controlplane.storage import published_objects, publishing_modes, revisions
from controlplane.storage.database import Database
from controlplane.storage.routing import published_plans

# What copying a large tenant may take: some 100,000 objects.
_COPY_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFiles:
    """Where the files are that the switch reads at each call."""

    routes: Path
    hours: Path


async def take_copies(publisher: Publisher, tenant_ids: Collection[UUID] | None) -> None:
    """Copy what these tenants are now, all for None, as far as they publish by hand."""
    async with publisher.database.transaction() as session:
        waiting = await publishing_modes.by_hand(session)
    for tenant_id in waiting:
        if tenant_ids is None or tenant_id in tenant_ids:
            async with publisher.database.transaction(seconds=_COPY_SECONDS) as session:
                await published_objects.copy(session, tenant_id, is_next=True)
            publisher.reached("copied")


async def settle_copies(publisher: Publisher, result: PublishResult) -> None:
    """Put the copies in place that the switch runs now, or give up those that it refused."""
    if result.outcome is Outcome.PENDING:
        return
    async with publisher.database.transaction(seconds=_COPY_SECONDS) as session:
        concerned = await published_objects.being_published(session)
        if not concerned:
            return
        if publisher.jobs is not None:
            for tenant_id in concerned:
                await defer_greetings(session, publisher.jobs, tenant_id)
        if result.outcome is Outcome.LIVE:
            await published_objects.put_in_place(session, concerned)
        else:
            latest = await revisions.latest(session)
            failed = None if latest is None else latest.id
            await published_objects.give_up(session, concerned, failed_revision=failed)
    publisher.reached("copies-settled")
    structlog.get_logger().info(
        "configuration.by_hand",
        outcome=result.outcome.value,
        tenant_ids=[str(tenant_id) for tenant_id in concerned],
    )


async def take_files_away(database: Database, files: CallFiles) -> None:
    """Remove the route files of numbers that go with what is being published, before their objects do."""
    async with database.transaction() as session:
        gone = {
            tenant_id: await published_plans.numbers_that_go(session, tenant_id)
            for tenant_id in await published_objects.being_published(session)
        }
    for tenant_id, numbers in gone.items():
        await remove_routes(files.routes, tenant_id, numbers)


async def place_files(database: Database, files: CallFiles) -> int:
    """Bring the files of tenants up to date whose copy was put in place, given up or forgotten.

    Returns how many files changed. Idempotent. Raises Unavailable, OSError.
    """
    async with database.transaction() as session:
        waiting = await publishing_modes.with_waiting_files(session)
    changed = 0
    for tenant_id, noted in waiting.items():
        async with database.transaction() as session:
            schedules = await published_plans.schedules_of(session, tenant_id)
        # Plans name schedules.
        changed += await reconcile_hours(database, files.hours, only=schedules)
        changed += await reconcile_tenant_routes(database, files.routes, tenant_id)
        async with database.transaction() as session:
            await publishing_modes.note_files_placed(session, tenant_id, noted=noted)
    return changed
