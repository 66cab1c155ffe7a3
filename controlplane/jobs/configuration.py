"""The jobs that bring route files and the switch's configuration to what the database says."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import structlog
from procrastinate import App, JobContext, RetryStrategy

from controlplane.domain.configuration import Mode
from controlplane.domain.errors import Unavailable
from controlplane.services.configuration_mode import current_mode
from controlplane.services.hours_files import reconcile_hours
from controlplane.services.publishing import Outcome, Publisher, PublishResult, heal, note_pending, publish
from controlplane.services.publishing_asked import BY_HAND
from controlplane.services.publishing_jobs import HOURS, MAILBOXES, is_followed
from controlplane.services.routes import reconcile_all_routes, reconcile_routes

ALL_ROUTES = "configuration.all_routes"
ALL_HOURS = "configuration.all_hours"

# No limit of tries: a number that stays unpublished is worse than a job that goes on.
_RETRY = RetryStrategy(wait=2, retry_exceptions={Unavailable, OSError})


def register(app: App, publisher: Publisher, *, routes: Path, hours: Path, automatic: bool) -> None:
    """Define the jobs `configuration.routes`, `.hours`, `.publish` and others.

    `.heal` runs each minute.

    Every ten minutes, and so after a start, `configuration.all_routes` mends what a job that was
    lost or a power failure left of the route files.

    `automatic` is the mode where nobody chose one. In manual mode a change is noted as pending and
    published by hand; route files follow at once all the same, since they name objects and hold
    no configuration.
    """
    default = Mode.AUTOMATIC if automatic else Mode.MANUAL

    @app.task(name="configuration.routes", retry=_RETRY)
    async def reconcile(tenant_id: str, numbers: list[str]) -> None:
        changed = await reconcile_routes(
            publisher.database, routes, tenant_id=UUID(tenant_id), numbers=numbers
        )
        structlog.get_logger().info("routes.reconciled", tenant_id=tenant_id, changed=changed)

    @app.task(name=HOURS, lock=HOURS, retry=_RETRY)
    async def write_hours(schedule_id: str) -> None:
        changed = await reconcile_hours(publisher.database, hours, only=[UUID(schedule_id)])
        structlog.get_logger().info("hours.written", schedule_id=schedule_id, changed=changed)

    # The files reach a day further each day; an hour is time enough for a machine that is off at night.
    @app.periodic(cron="17 * * * *")
    @app.task(name=ALL_HOURS, lock=HOURS, queueing_lock=ALL_HOURS)
    async def write_all_hours(timestamp: int) -> None:
        del timestamp
        changed = await reconcile_hours(publisher.database, hours)
        structlog.get_logger().info("hours.written", changed=changed)

    @app.task(name="configuration.publish", lock="configuration", retry=_RETRY, pass_context=True)
    async def publish_now(context: JobContext) -> None:
        # One of many changes at once: the last job does the work of all, since it reads the present state.
        if context.job.id is not None and await is_followed(publisher.database, context.job.id):
            return
        mode = await current_mode(publisher.database, default=default)
        _tell(await (publish(publisher) if mode is Mode.AUTOMATIC else note_pending(publisher)))

    @app.task(name=BY_HAND, lock="configuration", retry=_RETRY)
    async def publish_by_hand(by: str, overwrite: bool) -> None:
        _tell(await publish(publisher, by=by, overwrite=overwrite))

    @app.task(name=MAILBOXES, lock="configuration", retry=_RETRY)
    async def publish_mailboxes() -> None:
        # Only where a mailbox is a part of the rendered files.
        if publisher.rendering.has_mailboxes:
            mode = await current_mode(publisher.database, default=default)
            _tell(await (publish(publisher) if mode is Mode.AUTOMATIC else note_pending(publisher)))

    # A queueing lock is right here: no business transaction defers it, and one waiting run is enough.
    @app.periodic(cron="* * * * *")
    @app.task(name="configuration.heal", lock="configuration", queueing_lock="configuration.heal")
    async def heal_now(timestamp: int) -> None:
        del timestamp  # procrastinate's, the minute that this run is for
        mode = await current_mode(publisher.database, default=default)
        await heal(publisher, automatic=mode is Mode.AUTOMATIC)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=ALL_ROUTES, lock=ALL_ROUTES, queueing_lock=ALL_ROUTES)
    async def reconcile_all(timestamp: int) -> None:
        del timestamp
        changed = await reconcile_all_routes(publisher.database, routes)
        if changed:
            structlog.get_logger().warning("routes.healed", changed=changed)


def _tell(result: PublishResult) -> None:
    if result.outcome is Outcome.PENDING:
        structlog.get_logger().warning("configuration.pending", digest=result.digest, error=result.error)
