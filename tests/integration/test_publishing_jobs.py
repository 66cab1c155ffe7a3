"""The jobs of publishing, run by a real worker after a real commit."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.jobs.configuration import ALL_ROUTES, register
from controlplane.services.features import FeatureService
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import Publisher
from controlplane.services.publishing_jobs import HOURS, defer_publishing
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from procrastinate import App
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import add_extension, make_publisher


@pytest.fixture
def switch(tmp_path: Path) -> FakeSwitch:
    """Return a switch that reads from the test's folder."""
    return FakeSwitch(tmp_path)


@pytest.fixture
def publisher(database: Database, tmp_path: Path, switch: FakeSwitch) -> Publisher:
    """Return a publisher to that switch."""
    return make_publisher(database, tmp_path, switch)


@pytest.fixture
def app(queue_app: App, publisher: Publisher) -> App:
    """Return the queue's app with the jobs of publishing."""
    root = publisher.folder.root
    files = CallFiles(routes=root / "routes", hours=root / "hours")
    register(queue_app, publisher, files=files, automatic=True)
    return queue_app


async def work(app: App) -> None:
    """Run all waiting jobs."""
    await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def waiting(app: App) -> list[str]:
    """Return the names of the waiting jobs."""
    return sorted(job.task_name for job in await app.job_manager.list_jobs_async())


async def unfinished(app: App) -> list[str]:
    """Return the names of the jobs that wait or run."""
    found = await app.job_manager.list_jobs_async()
    return [job.task_name for job in found if job.status in {"todo", "doing"}]


async def announce(database: Database, jobs: Jobs, tenant_id: UUID, *, revision: bool = True) -> None:
    """Announce the extension 101 as its service does."""
    async with database.transaction() as session:
        await defer_publishing(session, jobs, tenant_id=tenant_id, numbers=["101"], revision=revision)


async def test_changed_office_hours_reach_the_switch(
    app: App, publisher: Publisher, jobs: Jobs, default_tenant: UUID
) -> None:
    """After the commit the job writes the files of that schedule, and puts `closed` beside them."""
    features = FeatureService(database=publisher.database, jobs=jobs, languages=["en"])
    await features.toggle_closed_now(default_tenant, by="extension 101")
    await work(app)
    (folder,) = (path for path in (publisher.folder.root / "hours").iterdir() if path.is_dir())

    assert (folder / "closed").exists()

    await features.toggle_closed_now(default_tenant, by="extension 101")
    await work(app)

    assert not (folder / "closed").exists()


async def test_an_announced_change_is_published(
    app: App, publisher: Publisher, switch: FakeSwitch, jobs: Jobs, default_tenant: UUID
) -> None:
    """After the commit the jobs write the route file and bring the switch to know the endpoint."""
    await add_extension(publisher.database, default_tenant, "101")
    await announce(publisher.database, jobs, default_tenant)
    await work(app)

    assert "101" in switch.running.endpoints
    assert (publisher.folder.root / "routes" / str(default_tenant) / "01/101").is_file()


async def test_a_change_that_was_rolled_back_is_not_announced(
    app: App, database: Database, jobs: Jobs, default_tenant: UUID
) -> None:
    """The jobs exist with the change or not at all."""

    async def change() -> None:
        async with database.transaction() as session:
            await defer_publishing(session, jobs, tenant_id=default_tenant, numbers=["101"], revision=True)
            raise LookupError

    with pytest.raises(LookupError):
        await change()

    assert [] == await waiting(app)


async def test_a_mailbox_needs_no_reload(
    app: App, database: Database, jobs: Jobs, default_tenant: UUID
) -> None:
    """Numbers alone defer the job of the route files and no other."""
    await announce(database, jobs, default_tenant, revision=False)

    assert ["configuration.routes"] == await waiting(app)


async def test_a_mailbox_is_published_only_where_mailboxes_are_rendered(
    app: App, publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """The job for the switch's own voicemail ends at once without one, whatever else has changed."""
    await add_extension(publisher.database, default_tenant, "101")
    await app.tasks["configuration.mailboxes"]()

    assert 0 == switch.reloads


async def test_a_burst_of_changes_is_published_together(
    app: App, publisher: Publisher, switch: FakeSwitch, jobs: Jobs, default_tenant: UUID
) -> None:
    """Fifty changes at once lead to one publishing, and the last of them is live."""
    for number in range(101, 151):
        await add_extension(publisher.database, default_tenant, str(number))
        await announce(publisher.database, jobs, default_tenant)
    await work(app)

    assert 1 == switch.reloads
    assert {str(number) for number in range(101, 151)} <= switch.running.endpoints
    assert [] == await unfinished(app)


async def test_a_change_during_a_burst_is_never_lost(
    app: App, publisher: Publisher, switch: FakeSwitch, jobs: Jobs, default_tenant: UUID
) -> None:
    """While a worker publishes, changes go on coming: few publishings, and what came last is live."""
    async with asyncio.timeout(60):
        worker = asyncio.create_task(
            app.run_worker_async(install_signal_handlers=False, fetch_job_polling_interval=0.05)
        )
        for number in range(101, 151):
            await add_extension(publisher.database, default_tenant, str(number))
            await announce(publisher.database, jobs, default_tenant)
        while await unfinished(app):  # noqa: ASYNC110 (the worker ends jobs; no event tells)
            await asyncio.sleep(0.05)
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker

    assert switch.reloads < 25
    assert "150" in switch.running.endpoints


async def test_the_healing_jobs_are_periodic(app: App) -> None:
    """The configuration is looked at each minute, under its lock; all routes and hours less often."""
    periodic = app.periodic_registry.periodic_tasks

    assert [
        ("configuration.all_hours", "17 * * * *", HOURS),
        ("configuration.all_routes", "*/10 * * * *", ALL_ROUTES),
        ("configuration.heal", "* * * * *", "configuration"),
    ] == sorted((task.task.name, task.cron, task.task.lock) for task in periodic.values())


async def test_routes_are_mended_without_a_change(
    app: App, publisher: Publisher, jobs: Jobs, default_tenant: UUID
) -> None:
    """A route file that a power failure left empty, or that nobody wrote, comes back by itself."""
    for number in ("101", "102"):
        await add_extension(publisher.database, default_tenant, number)
    await announce(publisher.database, jobs, default_tenant, revision=False)
    await work(app)
    folder = publisher.folder.root / "routes" / str(default_tenant)
    before = (folder / "01/101").read_text()
    (folder / "01/101").write_text("")
    await app.configure_task(ALL_ROUTES).defer_async(timestamp=0)
    await work(app)

    assert before == (folder / "01/101").read_text()
    assert (folder / "02/102").is_file()
