"""The worker: jobs go on whatever happens to the database, to other workers and to itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.jobs import upkeep
from controlplane.jobs.upkeep import StalledJobs
from controlplane.jobs.worker import RunningJobs, WorkerOptions, work
from controlplane.services.orphans import remove_orphans
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.supervisor.postgres import EmbeddedPostgres
from procrastinate import App
from tests.support.deposits import insert_mailbox, rows
from tests.support.takes import aged, closed_wav

QUICK = WorkerOptions(poll=0.05, heartbeat=0.5, stalled=2.0, grace=0.2)


@pytest.fixture
def app(database_url: str) -> App:
    """Make an app that is not open."""
    return make_app(database_url)


async def until(fact: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 (the fact is not of this loop)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(app: App, running: RunningJobs | None = None) -> AsyncIterator[asyncio.Event]:
    """Run a worker; it is stopped at the end, and must stop in time."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(app, stop=stop, running=running or RunningJobs(), options=QUICK))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def defer(url: str, task: str, **arguments: Any) -> None:
    """Defer a job as another process does."""
    async with make_app(url).open_async() as other:
        await other.configure_task(task).defer_async(**arguments)


def jobs(url: str) -> list[tuple[str, str, int]]:
    """List task, status and attempts of what is in the queue."""
    return rows(url, "SELECT task_name, status::text, attempts FROM procrastinate_jobs ORDER BY id")


async def test_deferred_job_is_run_and_forgotten(app: App, database_url: str) -> None:
    """A job that went well leaves nothing in the queue."""
    ran: list[int] = []

    @app.task(name="note")
    async def note(number: int) -> None:
        ran.append(number)

    async with working(app):
        await defer(database_url, "note", number=7)
        await until(lambda: ran == [7] and jobs(database_url) == [])


async def test_no_queue_waits_for_another(app: App, database_url: str) -> None:
    """More mails and words than can be worked on at once are stuck; lamps, scans and publishing are not."""
    ran: set[str] = set()

    async def endless() -> None:
        await asyncio.Event().wait()

    def quick(name: str) -> None:
        @app.task(name=name)
        async def run() -> None:
            ran.add(name)

    for name in ("mail.send", "speech.envelope"):
        app.task(name=name)(endless)
    for name in ("mwi.send", "spool.scan", "configuration.publish"):
        quick(name)
    async with working(app):
        for name in ("mail.send", "speech.envelope"):
            for _ in range(6):
                await defer(database_url, name)
        await until(lambda: len([each for each in jobs(database_url) if each[1] == "doing"]) == 8)
        for name in ("mwi.send", "spool.scan", "configuration.publish"):
            await defer(database_url, name)
        await until(lambda: len(ran) == 3 and len(jobs(database_url)) == 12)

    # Those that were stuck are given back by the stop, which did not wait for them either.
    assert {status for _, status, _ in jobs(database_url)} == {"todo"}


async def test_queue_of_a_job_is_that_of_its_task(app: App, database_url: str) -> None:
    """Who defers it need not know the task; what the clock defers goes by the task itself."""

    @app.periodic(cron="* * * * * *")
    @app.task(name="speech.missing", queueing_lock="speech.missing")
    async def missing(timestamp: int) -> None:
        del timestamp
        await asyncio.Event().wait()

    names = ("mwi.answer", "mail.trial", "retention.purge")
    for name in names:
        await defer(database_url, name)
    query = "SELECT task_name, queue_name FROM procrastinate_jobs ORDER BY id"
    async with working(app):
        await until(lambda: any(name == "speech.missing" for name, _ in rows(database_url, query)))

    assert {
        ("mwi.answer", "lamps"),
        ("mail.trial", "mail"),
        ("retention.purge", "default"),
        ("speech.missing", "speech"),
    } == set(rows(database_url, query))


async def test_stop_gives_a_running_job_back(app: App, database_url: str) -> None:
    """A job that does not end in time is queued again, though its task has no strategy of its own."""
    begun = asyncio.Event()

    @app.task(name="endless")
    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(app):
        await defer(database_url, "endless")
        await asyncio.wait_for(begun.wait(), 10)

    assert jobs(database_url) == [("endless", "todo", 1)]


async def test_stop_lets_a_short_job_end(app: App, database_url: str) -> None:
    """A job that ends within the grace is done."""
    begun = asyncio.Event()

    @app.task(name="short")
    async def short() -> None:
        begun.set()
        await asyncio.sleep(0.05)

    async with working(app):
        await defer(database_url, "short")
        await asyncio.wait_for(begun.wait(), 10)

    assert jobs(database_url) == []


async def test_lost_connections_do_not_end_the_worker(app: App, database_url: str) -> None:
    """All connections are cut, as by a restart of PostgreSQL; jobs deferred afterwards are run."""
    ran: list[int] = []

    @app.task(name="note")
    async def note(number: int) -> None:
        ran.append(number)

    async with working(app):
        for number in range(3):
            await defer(database_url, "note", number=number)
            await until(lambda number=number: number in ran)  # type: ignore[misc]  # bound now
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
        await defer(database_url, "note", number=3)
        await until(lambda: 3 in ran)


async def test_stop_is_in_time_without_a_database(tmp_path: Path) -> None:
    """A worker whose database is away ends at once when told to."""
    app = make_app(f"postgresql://nobody@/nothing?host={tmp_path}&connect_timeout=2")
    async with working(app):
        await asyncio.sleep(0)


async def test_job_of_a_dead_worker_is_run_again(app: App, database_url: str) -> None:
    """A job whose worker was killed long ago is queued again and run."""
    ran: list[int] = []

    @app.task(name="note")
    async def note(number: int) -> None:
        ran.append(number)

    running = RunningJobs()
    upkeep.register(app, running=running, stalled_seconds=2.0, purges={})
    await defer(database_url, "note", number=1)
    with psycopg.connect(database_url) as connection:
        (worker,) = connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
            " RETURNING id"
        ).fetchone() or (None,)
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", (worker,))
    async with working(app, running):
        await until(lambda: ran == [1])


async def test_job_of_a_dead_worker_gives_way_to_its_twin(app: App, database_url: str) -> None:
    """One that waits with the same queueing lock does its work; nobody waits for the lock of the dead one."""
    ran: list[str] = []

    @app.task(name="heal", lock="configuration", queueing_lock="heal")
    async def heal() -> None:
        ran.append("heal")

    @app.task(name="publish", lock="configuration")
    async def publish() -> None:
        ran.append("publish")

    running = RunningJobs()
    upkeep.register(app, running=running, stalled_seconds=2.0, purges={})
    async with app.open_async():
        await heal.defer_async()
        with psycopg.connect(database_url) as connection:
            (worker,) = connection.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
                " RETURNING id"
            ).fetchone() or (None,)
            connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", (worker,))
        await heal.defer_async()
        await publish.defer_async()
    async with working(app, running):
        await until(lambda: ran == ["heal", "publish"])


async def test_job_that_the_worker_lost_is_queued_again(app: App, database_url: str) -> None:
    """A job of ours that we do not run is queued at the second look, one that we run is not."""
    running = RunningJobs()
    async with app.open_async():
        ours = await app.job_manager.register_worker()
        running.workers.add(ours)
        for number in range(2):
            await app.configure_task("note").defer_async(number=number)
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", (ours,))
        ((lost,), (run,)) = rows(database_url, "SELECT id FROM procrastinate_jobs ORDER BY id")
        running.ids.add(run)
        stalled = StalledJobs(app, running=running, stalled_seconds=30)
        counts = [await stalled.retry() for _ in range(3)]

    assert counts == [0, 1, 0]
    assert rows(database_url, "SELECT id, status::text FROM procrastinate_jobs ORDER BY id") == [
        (lost, "todo"),
        (run, "doing"),
    ]


async def test_purge_that_fails_does_not_stop_the_others(app: App, database_url: str) -> None:
    """Each purge is tried, and the job itself does not fail."""
    ran: list[str] = []

    async def broken() -> None:
        ran.append("broken")
        raise OSError("The disk refuses.")

    async def whole() -> None:
        ran.append("whole")

    purges: dict[str, Callable[[], Awaitable[object]]] = {"broken": broken, "whole": whole}
    upkeep.register(app, running=RunningJobs(), stalled_seconds=30, purges=purges)
    async with working(app):
        await defer(database_url, "retention.purge")
        await until(lambda: "whole" in ran and jobs(database_url) == [])

    # The hourly run itself may come on top.
    assert ran[:2] == ["broken", "whole"]


async def test_recordings_without_a_message_are_removed(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path
) -> None:
    """Old recordings of no message go; young ones and those of messages stay."""
    store = RecordingStore(tmp_path / "recordings")
    kept, young, orphan = uuid4(), uuid4(), uuid4()
    for recording_id in (kept, young, orphan):
        await store.take_in(recording_id, closed_wav(tmp_path / "a.wav", 1))
    for recording_id in (kept, orphan):
        aged(store.path(recording_id), 1000)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name,"
            " received_at, duration_ms, reached_by) VALUES (%s, %s, %s, '', '', '', now(), 1000, '{}')",
            (kept, default_tenant, insert_mailbox(database_url, default_tenant)),
        )
    removed = await remove_orphans(database, store, older_than_seconds=500)

    assert removed == 1
    assert [store.path(each).exists() for each in (kept, young, orphan)] == [True, True, False]


async def test_worker_starts_before_the_database(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A worker that was started first begins to work once the database is there."""
    from tests.support.database import migrate  # noqa: PLC0415 (only here)

    server = EmbeddedPostgres(tmp_path_factory.mktemp("late") / "data", fsync=False)
    url = server.start()
    migrate(url)
    server.stop()
    app = make_app(url)
    ran: list[int] = []

    @app.task(name="note")
    async def note(number: int) -> None:
        ran.append(number)

    try:
        async with working(app):
            await asyncio.to_thread(server.start)
            await defer(url, "note", number=1)
            await until(lambda: ran == [1], 40)
    finally:
        await asyncio.to_thread(server.stop)
