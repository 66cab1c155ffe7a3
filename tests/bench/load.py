"""Calls that end at a steady rate: how long each hangup takes to be a committed message."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.calls import listen, server_of
from tests.bench.figures import Figures
from tests.bench.sipp import RTP_FIRST, Callers, Load, call
from tests.support.product import Product
from tests.support.rig import free_port

_PREFIX = "4930"
_SETTLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the load met: times from hangup to commit, calls without a message or with two, jobs left."""

    figures: Figures
    calls: int
    lost: int
    doubled: int
    load: Load
    waiting_jobs: int


async def hang_up_at(
    product: Product,
    box: str,
    folder: Path,
    speech: Path,
    *,
    rate: float,
    seconds: float,
    call_seconds: float,
) -> Ended:
    """Let callers come at `rate` for `seconds`, and each stay for `call_seconds` after the answer."""
    callers = Callers(
        number=box,
        prefix=_PREFIX,
        calls=round(rate * seconds),
        rate=rate,
        seconds=call_seconds,
        speech=speech,
    )
    committed: dict[str, list[float]] = {}
    told = asyncio.Condition()
    listening = asyncio.create_task(_hear(product, committed, told))
    try:
        ran = await call(callers, server_of(product), folder, ports=(free_port(), RTP_FIRST))
        hung_up = ran.hung_up
        # What comes later than that is lost.
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS), told:
                await told.wait_for(lambda: hung_up.keys() <= committed.keys())
        waiting = await _waiting_jobs(product)
    finally:
        listening.cancel()
    figures = Figures("message committed")
    figures.seconds += [committed[number][0] - at for number, at in hung_up.items() if number in committed]
    return Ended(
        figures=figures,
        calls=len(hung_up),
        lost=len(hung_up.keys() - committed.keys()),
        doubled=sum(len(times) - 1 for times in committed.values()),
        load=ran,
        waiting_jobs=waiting,
    )


async def _hear(product: Product, committed: dict[str, list[float]], told: asyncio.Condition) -> None:
    async with await listen(product) as base:
        async for one in base.notifies():
            committed.setdefault(one.payload, []).append(time.time())
            async with told:
                told.notify_all()


async def _waiting_jobs(product: Product) -> int:
    """Return how many jobs are to be done now."""
    async with await listen(product) as base:
        found = await base.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            " AND (scheduled_at IS NULL OR scheduled_at < now())"
        )
        row = await found.fetchone()
        assert row is not None
        return int(str(row[0]))
