"""The job queue's app without its tasks, and how a service defers a job inside its own transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast

from procrastinate import App, PsycopgConnector
from procrastinate.jobs import JobDeferrer
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.database import Connection

_AT_ONCE: Final = 1000
_WHEN_IDLE: Final = -10


class JobQueue(StrEnum):
    """What waits for what: a job waits for those of its own queue alone."""

    LAMPS = "lamps"
    """Phones are told within a second."""
    DEFAULT = "default"
    """The spool, publishing, upkeep: what works with our own disk, database and switch."""
    MAIL = "mail"
    """What waits for servers of others, which may be silent for minutes."""
    SPEECH = "speech"
    """What computes for seconds."""


_OWN_QUEUES: Final = {"mwi": JobQueue.LAMPS, "mail": JobQueue.MAIL, "speech": JobQueue.SPEECH}


def queue_of(task: str) -> JobQueue:
    """Return the queue of a task; its name says what it is about, before the first dot."""
    return _OWN_QUEUES.get(task.partition(".")[0], JobQueue.DEFAULT)


class QueuedApp(App):
    """An app whose jobs are in the queue of their task, also for who defers one and knows no tasks."""

    def configure_task(self, name: str, *, allow_unknown: bool = True, **kwargs: Any) -> JobDeferrer:
        """Configure a task for deferring."""
        return super().configure_task(name, allow_unknown=allow_unknown, **{"queue": queue_of(name)} | kwargs)


def make_app(conninfo: str, *, pool_size: int = 4) -> App:
    """Return an app over PostgreSQL (libpq connection string); open it with `async with app.open_async()`."""
    return QueuedApp(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=pool_size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job to be deferred together with others."""

    task: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lock: str | None = None


class Jobs:
    """Defers jobs by name, so that services need not know the tasks.

    Those in `unneeded` would do nothing on this installation, and are not deferred.
    """

    def __init__(self, app: App, *, unneeded: Collection[str] = ()) -> None:
        self._app = app
        self._unneeded = frozenset(unneeded)

    def needs(self, task: str) -> bool:
        """Say whether a job of this kind does anything here."""
        return task not in self._unneeded

    async def defer(
        self,
        session: AsyncSession,
        task: str,
        *,
        lock: str | None = None,
        schedule_at: datetime | None = None,
        **arguments: Any,
    ) -> None:
        """Add a job that exists once `session` commits, and not if it does not.

        Never with a `queueing_lock`: inside a business transaction it loses updates (design, 6.7).
        """
        if not self.needs(task):
            return
        connection = await connection_of(session)
        configured = self._app.configure_task(task, lock=lock, schedule_at=schedule_at, connection=connection)
        await configured.defer_async(**arguments)

    async def defer_all(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Add jobs of any kind as `defer` does, in one statement."""
        needed = [
            self._app.configure_task(job.task, lock=job.lock).make_new_job(**job.arguments)
            for job in jobs
            if self.needs(job.task)
        ]
        if needed:
            await self._app.job_manager.batch_defer_jobs_async(needed, connection=connection)

    async def defer_each(
        self, session: AsyncSession, task: str, arguments: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add a job for each of many arguments as `defer` does, in few statements.

        They run when nothing else is to be done: mails and new numbers do not wait for all of them.
        """
        if not self.needs(task):
            return
        configured = self._app.configure_task(
            task, priority=_WHEN_IDLE, connection=await connection_of(session)
        )
        for start in range(0, len(arguments), _AT_ONCE):
            await configured.batch_defer_async(*map(dict, arguments[start : start + _AT_ONCE]))


class GatheredJobs(Jobs):
    """Keeps the jobs of a long transaction until its end, and then defers each of them once.

    Lists of numbers for the same task and lock become one.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._kept: dict[str, _Kept] = {}

    def needs(self, task: str) -> bool:
        """Say whether a job of this kind does anything here."""
        return self._jobs.needs(task)

    async def defer(
        self,
        session: AsyncSession,  # noqa: ARG002 (it is kept until the session is given again)
        task: str,
        *,
        lock: str | None = None,
        schedule_at: datetime | None = None,
        **arguments: Any,
    ) -> None:
        """Keep a job."""
        numbers = arguments.pop("numbers", None)
        key = repr((task, lock, schedule_at, sorted(arguments.items())))
        kept = self._kept.setdefault(
            key, _Kept(task=task, lock=lock, schedule_at=schedule_at, arguments=arguments)
        )
        if numbers is not None:
            kept.numbers.update(numbers)

    async def defer_each(
        self, session: AsyncSession, task: str, arguments: Sequence[Mapping[str, Any]]
    ) -> None:
        """Defer many at once, as they are."""
        await self._jobs.defer_each(session, task, arguments)

    async def defer_all(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Defer them at once, as they are."""
        await self._jobs.defer_all(connection, jobs)

    async def defer_gathered(self, session: AsyncSession) -> None:
        """Defer what was kept, in the order in which it first came."""
        for kept in self._kept.values():
            numbers = {"numbers": sorted(kept.numbers)} if kept.numbers else {}
            await self._jobs.defer(
                session,
                kept.task,
                lock=kept.lock,
                schedule_at=kept.schedule_at,
                **kept.arguments,
                **numbers,
            )
        self._kept.clear()


@dataclass(slots=True, kw_only=True)
class _Kept:
    """A job that is kept, and the numbers that it is about."""

    task: str
    lock: str | None
    schedule_at: datetime | None
    arguments: dict[str, Any]
    numbers: set[str] = field(default_factory=set)


async def connection_of(session: AsyncSession) -> Connection:
    """Return the connection of psycopg on which a session's transaction is."""
    raw = await (await session.connection()).get_raw_connection()
    return cast("Connection", raw.driver_connection)
