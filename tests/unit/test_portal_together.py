"""One answer for all who ask for the same at the same time, and never one from before the question."""

from __future__ import annotations

import asyncio

import pytest
from controlplane.web.portal.together import Together


async def test_who_asks_meanwhile_shares_the_next_answer() -> None:
    """The first is made at once, one more for all who came meanwhile; another key is not concerned."""
    together, began = Together(), list[int]()
    told, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def make() -> str:
        began.append(len(began))
        answer = str(began[-1])
        told.release()
        await go_on.wait()
        return answer

    first = asyncio.create_task(together.get("a", make))
    await told.acquire()
    others = [asyncio.create_task(together.get("a", make)) for _ in range(5)]
    elsewhere = asyncio.create_task(together.get("b", make))
    await told.acquire()
    go_on.set()

    assert ("0", "1") == (await first, await elsewhere)
    assert ["2"] * 5 == await asyncio.gather(*others)
    assert ({}, {}) == (together._waiting, together._turns)


async def test_an_error_is_everybodys_and_leaves_nothing() -> None:
    """Who asks afterwards gets a new answer; one who left does not take it away from the others."""
    together = Together()

    async def fail() -> str:
        await asyncio.sleep(0)
        raise LookupError

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    both = await asyncio.gather(together.get("a", fail), together.get("a", fail), return_exceptions=True)
    leaving = asyncio.create_task(together.get("a", work))
    staying = asyncio.create_task(together.get("a", work))
    await asyncio.sleep(0)
    leaving.cancel()

    assert [LookupError, LookupError] == [type(error) for error in both]
    assert "done" == await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
