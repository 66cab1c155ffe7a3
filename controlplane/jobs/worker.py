"""Runs the jobs of all queues, over every loss of the database, until told to stop.

Each queue has a worker of its own, so that no lamp waits for a mail server.

What procrastinate 3.10 leaves to us: a job that a shutdown cancels is given up unless its task
retries; a job whose end could not be written down stays `doing` under a worker that lives; and
the worker ends when its heartbeat or its listener fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from controlplane.storage.queue import JobQueue, queue_of

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many jobs of a queue run at once, and how many times as seldom it is looked at unasked."""

    queue: JobQueue
    concurrency: int
    patience: int = 1


SHARES: Final = (
    Share(queue=JobQueue.LAMPS, concurrency=4),
    Share(queue=JobQueue.DEFAULT, concurrency=4),
    Share(queue=JobQueue.MAIL, concurrency=4, patience=4),
    Share(queue=JobQueue.SPEECH, concurrency=4, patience=4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How jobs are run; seconds. `grace` is how long running jobs may go on after the stop."""

    poll: float = 0.25
    heartbeat: float = 2.0
    stalled: float = 10.0
    grace: float = 2.5


class RunningJobs:
    """Knows what this process runs now, and whether its workers work: a middleware of each."""

    def __init__(self) -> None:
        self.workers: set[int] = set()
        self.working = False
        self.ids: set[int] = set()

    async def __call__(
        self, call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> Any:
        """Run a job and note that it runs."""
        if worker.worker_id is not None:
            self.workers.add(worker.worker_id)
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


def put_into_queues(app: App) -> None:
    """Give every task of the app its queue, once all are registered; what the clock defers goes by that."""
    for name, task in app.tasks.items():
        task.queue = queue_of(name)


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

    `started` is told each time the workers begin to work.
    """
    log = structlog.get_logger()
    pause = _FIRST_PAUSE_SECONDS
    put_into_queues(app)
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
    """Run the workers until one ends, or the stop."""
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
        for worker_id in tuple(running.workers):
            # Our last workers are gone for certain; their jobs need not wait until they count as stalled.
            await app.job_manager.unregister_worker(worker_id)
            running.workers.discard(worker_id)
        started()
        running.working = True
        workers = [
            asyncio.create_task(
                app.run_worker_async(
                    name=f"jobs.{share.queue}",
                    queues=[share.queue.value],
                    concurrency=share.concurrency,
                    fetch_job_polling_interval=options.poll * share.patience,
                    shutdown_graceful_timeout=options.grace,
                    update_heartbeat_interval=options.heartbeat,
                    stalled_worker_timeout=options.stalled,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    worker_middleware=[running],
                )
            )
            for share in SHARES
        ]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # No queue is left alone: all end with one, and begin anew together.
            running.working = False
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
        for worker in workers:
            if not worker.cancelled():
                worker.result()


async def _wait(what: Awaitable[Any], seconds: float) -> None:
    try:
        await asyncio.wait_for(what, seconds)
    except TimeoutError:
        return
