"""How facts from the switch become jobs: one job for a burst, and none lost to a queue that is away."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from controlplane.domain.routing.trunk_state import Answer, Failure, HeardAnswer
from controlplane.entrypoints.events import TrunkAnswers, Wake
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.testing import InMemoryConnector
from tests.support.call_contract import meanwhile

LIMIT_SECONDS = 5


class Queue(InMemoryConnector):
    """A queue in memory that can be away, and tells when a job was tried to be added."""

    def __init__(self) -> None:
        """Begin empty and there."""
        super().__init__()
        self.failures = 0
        self.tried: asyncio.Queue[None] = asyncio.Queue()

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:
        """Fail as often as it was said, then do it."""
        return await self._counted(super().execute_query_one_async(query, **arguments))

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        """Fail as often as it was said, then do it."""
        return await self._counted(super().execute_query_all_async(query, **arguments))

    async def _counted(self, work: Any) -> Any:
        self.tried.put_nowait(None)
        if self.failures:
            self.failures -= 1
            work.close()
            raise ConnectorException
        return await work

    async def was_tried(self, times: int = 1) -> None:
        """Wait for so many tries to add a job."""
        for _ in range(times):
            await asyncio.wait_for(self.tried.get(), LIMIT_SECONDS)


def _jobs(queue: Queue) -> list[tuple[str, str | None]]:
    return [(job["task_name"], job["lock"]) for job in queue.jobs.values()]


async def test_burst_of_facts_is_one_job() -> None:
    """Many hangups at once are looked after by one scan."""
    queue, wake = Queue(), Wake("spool.scan", lock="spool")
    for _ in range(100):
        wake.want()
    async with (
        App(connector=queue).open_async() as app,
        meanwhile(asyncio.create_task(wake.keep_deferring(app))),
    ):
        await queue.was_tried()

    assert [("spool.scan", "spool")] == _jobs(queue)


async def test_job_that_has_not_begun_serves_what_happens_meanwhile() -> None:
    """A second fact adds no job as long as the first one waits."""
    queue, wake = Queue(), Wake("spool.scan", lock="spool")
    wake.want()
    async with (
        App(connector=queue).open_async() as app,
        meanwhile(asyncio.create_task(wake.keep_deferring(app))),
    ):
        await queue.was_tried()
        wake.want()
        await queue.was_tried()

    assert [("spool.scan", "spool")] == _jobs(queue)


async def test_wish_is_kept_while_the_queue_is_away() -> None:
    """A database that is restarted costs no job."""
    queue, wake = Queue(), Wake("spool.scan", lock="spool")
    queue.failures = 2
    wake.want()
    async with (
        App(connector=queue).open_async() as app,
        meanwhile(asyncio.create_task(wake.keep_deferring(app, retry_seconds=0.01))),
    ):
        await queue.was_tried(3)

    assert [("spool.scan", "spool")] == _jobs(queue)


async def test_periodic_job_gets_the_time_that_its_task_asks_for() -> None:
    """`configuration.heal` is called by the clock, with a time; so it is here."""
    queue, wake = Queue(), Wake("configuration.heal", lock="configuration", with_time=True)
    wake.want()
    async with (
        App(connector=queue).open_async() as app,
        meanwhile(asyncio.create_task(wake.keep_deferring(app))),
    ):
        await queue.was_tried()
    (job,) = queue.jobs.values()

    assert isinstance(job["args"]["timestamp"], int)


async def test_answers_of_providers_are_kept_while_the_queue_is_away() -> None:
    """Each with the time at which it was heard, and those of a trunk in their order."""
    queue, answers, trunk = Queue(), TrunkAnswers(clock=iter((10.0, 20.0)).__next__), UUID(int=7)
    queue.failures = 1
    for answer in (
        Answer(registered=False, sip_code=403, failure=Failure.REFUSED),
        Answer(registered=False, failure=Failure.UNREACHABLE),
    ):
        answers.hear(HeardAnswer(trunk_id=trunk, answer=answer))
    async with (
        App(connector=queue).open_async() as app,
        meanwhile(asyncio.create_task(answers.keep_deferring(app, retry_seconds=0.01))),
    ):
        await queue.was_tried(3)

    assert [("trunks.heard", f"trunk:{trunk}")] * 2 == _jobs(queue)
    assert [
        {"trunk_id": str(trunk), "registered": False, "sip_code": 403, "failure": "refused", "at": 10.0},
        {"trunk_id": str(trunk), "registered": False, "sip_code": None, "failure": "unreachable", "at": 20.0},
    ] == [job["args"] for job in queue.jobs.values()]
