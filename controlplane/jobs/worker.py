"""Runs the jobs of the queue, over every loss of the database, until told to stop.

What procrastinate 3.10 leaves to us: a job that a shutdown cancels is given up unless its task
retries; a job whose end could not be written down stays `doing` under a worker that lives; and
the worker ends when its heartbeat or its listener fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How jobs are run; seconds. `grace` is how long running jobs may go on after the stop."""

    concurrency: int = 4
    poll: float = 0.25
    heartbeat: float = 2.0
    stalled: float = 10.0
    grace: float = 2.5


class RunningJobs:
    """Knows what this process runs now, and whether a worker works: a middleware of the worker."""

    def __init__(self) -> None:
        self.worker_id: int | None = None
        self.working = False
        self.ids: set[int] = set()

    async def __call__(
        self, call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> Any:
        """Run a job and note that it runs."""
        self.worker_id = worker.worker_id
        job_id = context.job.id or 0
        self.ids.add(job_id)
        try:
            return await call_next()
        finally:
            self.ids.discard(job_id)


class RetryWhenStopped(BaseRetryStrategy):
    """Runs a job again that a shutdown cancelled; anything else is up to the task's own strategy."""

    def __init__(self, own: BaseRetryStrategy | None) -> None:
        self._own = own

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to run it again; None to give it up."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        return None if self._own is None else self._own.get_retry_decision(exception=exception, job=job)


def retry_when_stopped(app: App) -> None:
    """Give every task of the app that strategy, once all are registered."""
    for task in app.tasks.values():
        if not isinstance(task.retry_strategy, RetryWhenStopped):
            task.retry_strategy = RetryWhenStopped(task.retry_strategy)


async def work(
    app: App,
    *,
    stop: asyncio.Event,
    running: RunningJobs,
    options: WorkerOptions = WorkerOptions(),
    started: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs until `stop` is set; a database that is away only makes it pause.

    `started` is told each time a worker begins to work.
    """
    log = structlog.get_logger()
    pause = _FIRST_PAUSE_SECONDS
    retry_when_stopped(app)
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        try:
            await _run(app, stop=stop, running=running, options=options, started=started)
        except Exception:
            # The edge of the worker: whatever ended it, jobs must go on being run.
            log.exception("jobs.worker_failed")
        if not stop.is_set():
            steady = asyncio.get_running_loop().time() - began > _LONGEST_PAUSE_SECONDS
            pause = _FIRST_PAUSE_SECONDS if steady else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            log.warning("jobs.worker_restarts", seconds=pause)
            await _wait(stop.wait(), pause)


async def _run(
    app: App,
    *,
    stop: asyncio.Event,
    running: RunningJobs,
    options: WorkerOptions,
    started: Callable[[], None],
) -> None:
    """Run one worker until it ends or the stop."""
    worker = asyncio.create_task(_work_once(app, running=running, options=options, started=started))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not worker.done():
            worker.cancel()  # It stops fetching, gives its jobs the grace and then cancels them.
            # Without a database it would wait for one: what it could not write down is retried as stalled.
            await asyncio.wait({worker}, timeout=options.grace + _PATIENCE_SECONDS)
    if worker.done() and not worker.cancelled():
        worker.result()


async def _work_once(
    app: App, *, running: RunningJobs, options: WorkerOptions, started: Callable[[], None]
) -> None:
    async with app.open_async():
        if running.worker_id is not None:
            # Our last worker is gone for certain; its jobs need not wait until it counts as stalled.
            await app.job_manager.unregister_worker(running.worker_id)
            running.worker_id = None
        started()
        running.working = True
        try:
            await app.run_worker_async(
                name="jobs",
                concurrency=options.concurrency,
                fetch_job_polling_interval=options.poll,
                shutdown_graceful_timeout=options.grace,
                update_heartbeat_interval=options.heartbeat,
                stalled_worker_timeout=options.stalled,
                delete_jobs="successful",
                install_signal_handlers=False,
                worker_middleware=[running],
            )
        finally:
            running.working = False


async def _wait(what: Awaitable[Any], seconds: float) -> None:
    try:
        await asyncio.wait_for(what, seconds)
    except TimeoutError:
        return
