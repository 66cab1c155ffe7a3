"""A tenant with very many mailboxes."""

from __future__ import annotations

from uuid import UUID

import psycopg
from controlplane.services.tenants import update_tenant
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

MAILBOXES = 10_000


async def test_language_of_many_mailboxes_is_changed_in_time(
    database_url: str, jobs: Jobs, default_tenant: UUID
) -> None:
    """Every greeting is queued to be spoken anew, in a transaction that is short all the same."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO mailboxes (id, tenant_id, number, display_name, pin_hash)"
            " SELECT gen_random_uuid(), %s, (100000 + n)::text, 'Box', '' FROM generate_series(1, %s) n",
            (default_tenant, MAILBOXES),
        )
        connection.execute("UPDATE tenants SET language = 'fr'")
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=4)
    try:
        await update_tenant(database, jobs, name="default", changes={"language": "en"})
    finally:
        await database.close()
    with psycopg.connect(database_url) as connection:
        queued = connection.execute(
            "SELECT count(DISTINCT args->>'mailbox_id'), max(priority) < 0 FROM procrastinate_jobs"
            " WHERE task_name = 'speech.greeting'"
        ).fetchone()

    assert queued == (MAILBOXES, True)  # and no mail waits behind them
