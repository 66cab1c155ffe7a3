"""Figures of mails and of the queue: counted as things happen, and measured when they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import psycopg
import pytest
from controlplane.domain.errors import DeliveryError, Unavailable
from controlplane.entrypoints.monitoring import monitoring
from controlplane.services.job_figures import CountedSender, JobFigures
from controlplane.settings import Monitoring
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from prometheus_client import CollectorRegistry
from tests.integration.test_monitoring import get
from tests.support.dialplan_rig import free_port
from tests.support.rows import add_mailbox, add_message


class Server:
    """A mail server that says what it was told to say."""

    def __init__(self, *answers: DeliveryError | None) -> None:
        self._answers = list(answers)

    async def send(self, _message: EmailMessage) -> None:
        """Take a mail, or refuse it."""
        answer = self._answers.pop(0)
        if answer is not None:
            raise answer


@pytest.fixture
def registry() -> CollectorRegistry:
    """Return the registry of a process."""
    return CollectorRegistry()


async def test_mails_are_counted_by_what_the_server_said(registry: CollectorRegistry) -> None:
    """Each outcome is there from the start, with nothing; what was refused is raised as ever."""
    figures = JobFigures(registry)

    def counted() -> list[float | None]:
        return [
            registry.get_sample_value("controlplane_mails_total", {"outcome": outcome})
            for outcome in ("sent", "postponed", "refused")
        ]

    before = counted()
    away, unknown = DeliveryError("away", permanent=False), DeliveryError("unknown", permanent=True)
    sender = CountedSender(sender=Server(None, away, unknown, away), figures=figures)
    await sender.send(EmailMessage())
    for expected in (away, unknown, away):
        with pytest.raises(DeliveryError) as raised:
            await sender.send(EmailMessage())
        assert raised.value is expected

    assert ([0, 0, 0], [1, 2, 1]) == (before, counted())


async def test_queue_is_measured_by_task(
    registry: CollectorRegistry, database: Database, jobs: Jobs, database_url: str
) -> None:
    """What could run, what is for later, what runs and what failed; and how long the oldest waits."""
    async with database.transaction() as session:
        for _ in range(3):
            await jobs.defer(session, "mail.send")
        await jobs.defer(session, "mail.send", schedule_at=datetime.now(UTC) + timedelta(hours=1))
        await jobs.defer(session, "mwi.send")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE procrastinate_events SET at = now() - interval '10 minutes'"
            " WHERE job_id = (SELECT min(id) FROM procrastinate_jobs)"
        )
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'mwi.send'")
    await JobFigures(registry).measure(database)

    def jobs_of(task: str, state: str) -> float | None:
        return registry.get_sample_value("controlplane_jobs", {"task": task, "state": state})

    def oldest(task: str) -> float | None:
        return registry.get_sample_value("controlplane_jobs_oldest_seconds", {"task": task})

    assert (3, 1, None) == tuple(jobs_of("mail.send", state) for state in ("waiting", "later", "failed"))
    assert (None, 1) == tuple(jobs_of("mwi.send", state) for state in ("waiting", "running"))
    assert 600 == pytest.approx(oldest("mail.send") or 0, abs=60)
    assert oldest("mwi.send") is None


async def test_unsent_mails_are_measured(
    registry: CollectorRegistry, database: Database, default_tenant: UUID
) -> None:
    """Those that wait and those that failed; sent ones are none of them."""
    mailbox_id = await add_mailbox(database, default_tenant)
    for status, error in (("queued", None), ("queued", None), ("failed", "550 no"), ("sent", None)):
        await add_message(database, mailbox_id, mails=(("a@example.com", status, error),))
    await JobFigures(registry).measure(database)

    assert [2, 1] == [
        registry.get_sample_value("controlplane_mails_unsent", {"state": state})
        for state in ("waiting", "failed")
    ]


async def test_while_the_database_is_away_nothing_old_is_told(
    registry: CollectorRegistry, database: Database, jobs: Jobs
) -> None:
    """A figure that nobody measured is not there; the others are, and the answer is one."""
    figures = JobFigures(registry)
    async with database.transaction() as session:
        await jobs.defer(session, "mwi.send")
    settings, away = Monitoring(port=free_port()), Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert settings.port is not None
    measured = [database, away]

    async def measure() -> None:
        await figures.measure(measured.pop(0))

    async with monitoring(settings, registry, {}, measure=measure):
        first, second = [await get(settings.port, "/metrics") for _ in range(2)]
    with pytest.raises(Unavailable):
        await figures.measure(away)
    await away.close()

    waiting = 'controlplane_jobs{state="waiting",task="mwi.send"} 1.0'
    assert (200, True) == (first.status_code, waiting in first.text)
    assert (200, False) == (second.status_code, waiting in second.text)
    assert 'controlplane_mails_total{outcome="sent"} 0.0' in second.text
