"""How a change announces, inside its own transaction, that the switch's configuration must follow."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import ObjectChange
from controlplane.storage import configuration_changes, revisions
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

MAILBOXES = "configuration.mailboxes"
HOURS = "configuration.hours"


async def defer_publishing(
    session: AsyncSession,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    numbers: Collection[str] = (),
    revision: bool = False,
    mailboxes: bool = False,
    hours: UUID | None = None,
    change: ObjectChange | None = None,
    held: ObjectChange | None = None,
) -> None:
    """Defer the jobs that publish a change; they run once `session` commits.

    `numbers` are those whose owner changed (given, taken away or moved): their route files are
    reconciled. `revision` says that the rendered files change too: a tenant, an extension or a
    feature code (`services.publishing_table`); `mailboxes` that they do where the switch's own voicemail
    must know the mailboxes, which is seldom: else a mailbox needs no revision. `hours` is the id of
    office hours that changed, whose files are written anew. `change` says what a
    revision will take along, for people; `held` what none does, and what waits all the same where the tenant
    publishes by hand. The revision is deferred first, because a route
    file should follow what it names; either order ends right.
    """
    if change is not None:
        await configuration_changes.note(session, tenant_id, change)
    if held is not None:
        await configuration_changes.note_held(session, tenant_id, held)
    if revision:
        await jobs.defer(session, "configuration.publish", lock="configuration")
    if mailboxes and not revision:
        await jobs.defer(session, MAILBOXES, lock="configuration")
    if hours is not None:
        await jobs.defer(session, HOURS, lock=HOURS, schedule_id=str(hours))
    if numbers:
        await jobs.defer(
            session,
            "configuration.routes",
            lock=f"routes:{tenant_id}",
            tenant_id=str(tenant_id),
            numbers=sorted(set(numbers)),
        )


async def defer_change(
    session: AsyncSession,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    change: ObjectChange,
    rendered: bool,
    numbers: Collection[str] = (),
    hours: UUID | None = None,
) -> None:
    """Defer what publishes the change of one object; `rendered` says that it is a part of revisions.

    The rest is as in `defer_publishing`.
    """
    await defer_publishing(
        session,
        jobs,
        tenant_id=tenant_id,
        numbers=numbers,
        revision=rendered,
        hours=hours,
        change=change if rendered else None,
        held=None if rendered else change,
    )


async def is_followed(db: Database, job_id: int) -> bool:
    """Say whether a later job than this one waits to publish, which then need not be done twice.

    That job was committed with a change of its own and runs after this one, under the same lock.
    """
    async with db.transaction() as session:
        return await revisions.is_queued_again(session, job_id)
