"""A job that the set switch has no use for is not deferred; all others are."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.entrypoints.deferring import jobs_of
from controlplane.services.lamps import INTRODUCE, SEND, defer_introduction, defer_lamps
from controlplane.services.publishing_jobs import MAILBOXES, defer_publishing
from controlplane.settings import Settings, load
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from tests.support.deposits import insert_mailbox, rows


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return the settings of an installation with this switch and fall-back."""
    switch, fallback = request.param
    folders = ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
    return load(
        {
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_SWITCH": switch,
            "CONTROLPLANE_FALLBACK": fallback,
            **{f"CONTROLPLANE_PATHS__{name}": str(tmp_path) for name in folders},
        }
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("asterisk", "record"), [INTRODUCE, SEND]),
        (("freeswitch", "record"), [SEND]),
        (("freeswitch", "native"), [MAILBOXES, SEND]),
        (("none", "record"), [MAILBOXES, INTRODUCE, SEND]),
    ],
    indirect=["settings"],
)
async def test_only_what_does_something_is_deferred(
    database: Database, database_url: str, default_tenant: UUID, *, settings: Settings, expected: list[str]
) -> None:
    """Asterisk knows lamps, mailboxes are rendered with `native`; without a switch nobody can know."""
    mailbox = insert_mailbox(database_url, default_tenant)
    jobs = jobs_of(settings, make_app(database_url, pool_size=1))
    async with database.transaction() as session:
        await defer_lamps(session, jobs, [mailbox])
        await defer_introduction(session, jobs, mailbox)
        await defer_publishing(session, jobs, tenant_id=default_tenant, mailboxes=True)
    deferred = rows(database_url, "SELECT task_name FROM procrastinate_jobs ORDER BY task_name")

    assert expected == [row[0] for row in deferred]
