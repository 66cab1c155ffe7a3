"""A tenant with very many mailboxes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from controlplane.services.tenants import update_tenant
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from procrastinate import App

MAILBOXES = 2_500


class CountingJobs(Jobs):
    """Counts the jobs that are deferred one by one."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.one_by_one: list[str] = []

    async def defer(self, *arguments: Any, **more: Any) -> None:
        """Defer one."""
        self.one_by_one.append(arguments[1])
        await super().defer(*arguments, **more)


async def test_language_of_many_mailboxes_takes_few_statements(
    database_url: str, database: Database, queue_app: App, default_tenant: UUID
) -> None:
    """Each greeting is queued to be spoken anew; one by one they would take longer than a transaction may."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO mailboxes (id, tenant_id, number, display_name, pin_hash)"
            " SELECT gen_random_uuid(), %s, (100000 + n)::text, 'Box', '' FROM generate_series(1, %s) n",
            (default_tenant, MAILBOXES),
        )
        connection.execute("UPDATE tenants SET language = 'fr'")
    jobs = CountingJobs(queue_app)
    await update_tenant(database, jobs, name="default", changes={"language": "en"}, by="tests")
    with psycopg.connect(database_url) as connection:
        queued = connection.execute(
            "SELECT count(DISTINCT args->>'mailbox_id'), max(priority) < 0 FROM procrastinate_jobs"
            " WHERE task_name = 'speech.greeting'"
        ).fetchone()

    assert queued == (MAILBOXES, True)  # and no mail waits behind them
    assert jobs.one_by_one == ["configuration.publish"]
