"""What `/metrics` of `jobs` tells of mails and of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage

from prometheus_client import CollectorRegistry, Counter, Gauge

from controlplane.domain.errors import DeliveryError
from controlplane.mail.send import Sender
from controlplane.storage import queue_figures
from controlplane.storage.database import Database

_OUTCOMES = ("sent", "postponed", "refused")


class JobFigures:
    """Mails as this process sent them, and what waits in the database, as it was measured last."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.mails = Counter(
            "controlplane_mails", "Mails by what the mail server said.", ["outcome"], registry=registry
        )
        for outcome in _OUTCOMES:
            self.mails.labels(outcome)
        self._unsent = Gauge(
            "controlplane_mails_unsent",
            "Mails about messages that are not sent.",
            ["state"],
            registry=registry,
        )
        self._jobs = Gauge("controlplane_jobs", "Jobs of the queue.", ["task", "state"], registry=registry)
        self._oldest = Gauge(
            "controlplane_jobs_oldest_seconds",
            "How long the oldest job waits that could run.",
            ["task"],
            registry=registry,
        )

    async def measure(self, database: Database) -> None:
        """Look at the queue; raises Unavailable, and then tells nothing of it any more."""
        for gauge in (self._unsent, self._jobs, self._oldest):
            gauge.clear()
        async with database.transaction() as session:
            found = await queue_figures.read(session)
        for state, status in (("waiting", "queued"), ("failed", "failed")):
            self._unsent.labels(state).set(found.mails.get(status, 0))
        for (task, state), jobs in found.jobs.items():
            self._jobs.labels(task, state).set(jobs)
        for task, seconds in found.oldest_seconds.items():
            self._oldest.labels(task).set(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSender:
    """Sends by another one, and counts how that ended."""

    sender: Sender
    figures: JobFigures

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; raises DeliveryError."""
        try:
            await self.sender.send(message)
        except DeliveryError as error:
            self.figures.mails.labels("refused" if error.permanent else "postponed").inc()
            raise
        self.figures.mails.labels("sent").inc()
