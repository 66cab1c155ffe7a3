"""The jobs that bring route files and the switch's configuration to what the database says."""

from __future__ import annotations

from uuid import UUID

import structlog
from procrastinate import App, JobContext, RetryStrategy

from controlplane.domain.configuration import Mode
from controlplane.domain.errors import Unavailable
from controlplane.services.hours_files import reconcile_hours
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import Outcome, Publisher, PublishResult, heal, publish
from controlplane.services.publishing_asked import BY_HAND
from controlplane.services.publishing_jobs import HOURS, MAILBOXES, is_followed
from controlplane.services.publishing_modes import adopt_default
from controlplane.services.routes import reconcile_all_routes, reconcile_routes

ALL_ROUTES = "configuration.all_routes"
ALL_HOURS = "configuration.all_hours"

# No limit of tries: a number that stays unpublished is worse than a job that goes on.
_RETRY = RetryStrategy(wait=2, retry_exceptions={Unavailable, OSError})


def register(app: App, publisher: Publisher, *, files: CallFiles, automatic: bool) -> None:
    """Define the jobs `configuration.routes`, `.hours`, `.publish` and others.

    `.heal` runs each minute.

    Every ten minutes, and so after a start, `configuration.all_routes` mends what a job that was
    lost or a power failure left of the route files.

    `automatic` is how tenants publish for which nobody chose. What the jobs make of a tenant that publishes
    by hand, files and revisions, is what was published of it last; `.publish_by_hand` publishes what waits.
    """
    default = Mode.AUTOMATIC if automatic else Mode.MANUAL

    @app.task(name="configuration.routes", retry=_RETRY)
    async def reconcile(tenant_id: str, numbers: list[str]) -> None:
        changed = await reconcile_routes(
            publisher.database, files.routes, tenant_id=UUID(tenant_id), numbers=numbers
        )
        structlog.get_logger().info("routes.reconciled", tenant_id=tenant_id, changed=changed)

    @app.task(name=HOURS, lock=HOURS, retry=_RETRY)
    async def write_hours(schedule_id: str) -> None:
        changed = await reconcile_hours(publisher.database, files.hours, only=[UUID(schedule_id)])
        structlog.get_logger().info("hours.written", schedule_id=schedule_id, changed=changed)

    # The files reach a day further each day; an hour is time enough for a machine that is off at night.
    @app.periodic(cron="17 * * * *")
    @app.task(name=ALL_HOURS, lock=HOURS, queueing_lock=ALL_HOURS)
    async def write_all_hours(timestamp: int) -> None:
        del timestamp
        changed = await reconcile_hours(publisher.database, files.hours)
        structlog.get_logger().info("hours.written", changed=changed)

    @app.task(name="configuration.publish", lock="configuration", retry=_RETRY, pass_context=True)
    async def publish_now(context: JobContext) -> None:
        # One of many changes at once: the last job does the work of all, since it reads the present state.
        if context.job.id is not None and await is_followed(publisher.database, context.job.id):
            return
        _tell(await publish(publisher, files=files))

    @app.task(name=BY_HAND, lock="configuration", retry=_RETRY)
    async def publish_by_hand(by: str, overwrite: bool, tenant_ids: list[str] | None = None) -> None:
        waiting = None if tenant_ids is None else [UUID(tenant_id) for tenant_id in tenant_ids]
        result = await publish(publisher, by=by, overwrite=overwrite, waiting=waiting, files=files)
        _tell(result)
        if result.outcome is Outcome.FAILED:
            # Without what waits, what others changed meanwhile may be right.
            await heal(publisher, files=files)

    @app.task(name=MAILBOXES, lock="configuration", retry=_RETRY)
    async def publish_mailboxes() -> None:
        # Only where a mailbox is a part of the rendered files.
        if publisher.rendering.has_mailboxes:
            _tell(await publish(publisher, files=files))

    # A queueing lock is right here: no business transaction defers it, and one waiting run is enough.
    @app.periodic(cron="* * * * *")
    @app.task(name="configuration.heal", lock="configuration", queueing_lock="configuration.heal")
    async def heal_now(timestamp: int) -> None:
        del timestamp  # procrastinate's, the minute that this run is for
        await adopt_default(publisher.database, default)
        await heal(publisher, files=files)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=ALL_ROUTES, lock=ALL_ROUTES, queueing_lock=ALL_ROUTES)
    async def reconcile_all(timestamp: int) -> None:
        del timestamp
        changed = await reconcile_all_routes(publisher.database, files.routes)
        if changed:
            structlog.get_logger().warning("routes.healed", changed=changed)


def _tell(result: PublishResult) -> None:
    if result.outcome is Outcome.PENDING:
        structlog.get_logger().warning("configuration.pending", digest=result.digest, error=result.error)
