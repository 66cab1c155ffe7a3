"""The jobs that keep the product in order: those of dead workers run again, what is old is removed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status

from controlplane.jobs.worker import RunningJobs

_AT_ONCE_ATTEMPTS = 3
_LONGEST_WAIT_SECONDS = 60
_FAILED_JOBS_HOURS = 30 * 24


def register(
    app: App,
    *,
    running: RunningJobs,
    stalled_seconds: float,
    purges: Mapping[str, Callable[[], Awaitable[object]]],
) -> None:
    """Define `jobs.retry_stalled`, each 10 s, and `retention.purge`, each hour.

    `purges` are run one after the other; one that fails does not stop the others.
    """
    stalled = StalledJobs(app, running=running, stalled_seconds=stalled_seconds)

    @app.periodic(cron="* * * * * */10", queueing_lock="jobs.retry_stalled")
    @app.task(name="jobs.retry_stalled")
    async def retry_stalled(timestamp: int | None = None) -> None:  # noqa: ARG001 (given by the queue)
        await stalled.retry()

    @app.periodic(cron="17 * * * *", lock="retention", queueing_lock="retention.purge")
    @app.task(name="retention.purge")
    async def purge(timestamp: int | None = None) -> None:  # noqa: ARG001 (given by the queue)
        log = structlog.get_logger()
        for name, run in purges.items():
            try:
                await run()
            except Exception:
                # The edge of one purge; the next hour tries again.
                log.exception("retention.failed", purge=name)
        await app.job_manager.delete_old_jobs(
            nb_hours=_FAILED_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )


class StalledJobs:
    """Finds jobs that nobody runs although the queue says so, and queues them again."""

    def __init__(self, app: App, *, running: RunningJobs, stalled_seconds: float) -> None:
        self._app = app
        self._running = running
        self._seconds = stalled_seconds
        self._suspects: set[int] = set()

    async def retry(self) -> int:
        """Queue the jobs of dead workers again, and those that our own worker lost; return how many.

        Our own are lost when the database was away as they ended; they are given from one run to
        the next before they count as such, as one that just ended is not yet written down.
        """
        jobs = {
            job.id: job
            for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._seconds)
            # After a standstill of the database our own heartbeat may be late too.
            if job.id not in self._running.ids
        }
        own = await self._not_run_by_us()
        jobs |= {job_id: job for job_id, job in own.items() if job_id in self._suspects}
        self._suspects = set(own)
        for job in jobs.values():
            await self._retry(job)
        return len(jobs)

    async def _not_run_by_us(self) -> dict[int, Job]:
        doing = [
            job
            for worker_id in tuple(self._running.workers)
            for job in await self._app.job_manager.list_jobs_async(status="doing", worker_id=worker_id)
        ]
        return {job.id: job for job in doing if job.id is not None and job.id not in self._running.ids}

    async def _retry(self, job: Job) -> None:
        # A job that takes its worker with it must not do so again and again without a pause; the
        # pause is short, as a waiting job holds up all others with its lock.
        wait = 0 if job.attempts < _AT_ONCE_ATTEMPTS else min(2**job.attempts, _LONGEST_WAIT_SECONDS)
        log = structlog.get_logger().bind(job=job.id, task=job.task_name, attempts=job.attempts)
        try:
            await self._app.job_manager.retry_job(job, retry_at=datetime.now(UTC) + timedelta(seconds=wait))
        except UniqueViolation:
            # One with its queueing lock waits already, and will do the same. As long as this one counts as
            # running, all that need its lock wait, publishing above all.
            await self._app.job_manager.finish_job(job, status=Status.ABORTED, delete_job=True)
            log.warning("jobs.left_to_the_next", queueing_lock=job.queueing_lock)
            return
        except ConnectorException as error:
            # It ended, or another process was faster.
            log.info("jobs.not_retried", reason=str(error))
            return
        log.warning("jobs.retried", seconds=wait)
