"""The job that scans the spool, and the watch that does so without being asked."""

from __future__ import annotations

import asyncio

import structlog
from procrastinate import App

from controlplane.services.ingest import Handled, Ingest
from controlplane.storage.spool import FileSpool

SCAN = "spool.scan"
LOCK = "spool"
_LONGEST_PAUSE_SECONDS = 60.0


def register(app: App, ingest: Ingest) -> None:
    """Define `spool.scan`: each minute, and whenever somebody defers it with the lock `spool`."""

    # The queueing lock keeps the minutes from piling up; nothing defers this in a business transaction.
    @app.periodic(cron="* * * * *", lock=LOCK, queueing_lock=SCAN)
    @app.task(name=SCAN)
    async def scan(timestamp: int | None = None) -> None:  # noqa: ARG001 (the minute, given by the queue)
        await ingest.scan()


async def watch(ingest: Ingest, spool: FileSpool, *, every_seconds: float = 5.0) -> None:
    """Scan at once, then as often as there is something that nobody holds; runs until cancelled.

    It needs neither the queue nor an event of the switch, so that a recording whose flow died is
    a message within seconds. While scans fail, the pause doubles, up to a minute.
    """
    log = structlog.get_logger()
    pause = 0.0
    while True:
        await asyncio.sleep(pause)
        try:
            failed = await asyncio.to_thread(spool.has_unlocked) and (await ingest.scan())[Handled.FAILED] > 0
        except Exception:
            # The edge of the watch: it must outlive whatever it meets.
            log.exception("spool.watch_failed")
            failed = True
        pause = min(max(pause, every_seconds) * 2, _LONGEST_PAUSE_SECONDS) if failed else every_seconds
