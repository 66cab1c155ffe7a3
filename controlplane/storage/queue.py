"""The job queue's app without its tasks, and how a service defers a job inside its own transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from procrastinate import App, PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.database import Connection

_AT_ONCE: Final = 1000
_WHEN_IDLE: Final = -10


def make_app(conninfo: str, *, pool_size: int = 4) -> App:
    """Return an app over PostgreSQL (libpq connection string); open it with `async with app.open_async()`."""
    return App(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=pool_size))


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
        connection = await _connection(session)
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
            task, priority=_WHEN_IDLE, connection=await _connection(session)
        )
        for start in range(0, len(arguments), _AT_ONCE):
            await configured.batch_defer_async(*map(dict, arguments[start : start + _AT_ONCE]))


async def _connection(session: AsyncSession) -> Connection:
    raw = await (await session.connection()).get_raw_connection()
    return cast("Connection", raw.driver_connection)
