"""How a change announces, inside its own transaction, that the switch's configuration must follow."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.queue import Jobs


async def defer_publishing(
    session: AsyncSession,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    numbers: Collection[str] = (),
    revision: bool = False,
    mailboxes: bool = False,
) -> None:
    """Defer the jobs that publish a change; they run once `session` commits.

    `numbers` are those whose owner changed (given, taken away or moved): their route files are
    reconciled. `revision` says that the rendered files change too: a tenant, an extension or a
    feature code; `mailboxes` that they do where the switch's own voicemail must know the mailboxes, which is
    seldom: else a mailbox needs no revision. The revision is deferred first, because a route
    file should follow what it names; either order ends right.
    """
    if revision:
        await jobs.defer(session, "configuration.publish", lock="configuration")
    if mailboxes and not revision:
        await jobs.defer(session, "configuration.mailboxes", lock="configuration")
    if numbers:
        await jobs.defer(
            session,
            "configuration.routes",
            lock=f"routes:{tenant_id}",
            tenant_id=str(tenant_id),
            numbers=sorted(set(numbers)),
        )
