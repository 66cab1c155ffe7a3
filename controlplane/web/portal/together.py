"""Makes one answer for all who ask for the same at about the same time, as open pages do after a change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Together(Generic[_Answer]):
    """Answers are made one at a time for each key; who asks meanwhile shares the next one.

    So an answer is never older than the question: it was begun after whoever gets it had asked.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Task[_Answer]] = {}
        self._turns: dict[Hashable, asyncio.Lock] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Return what `make` returns, of this caller or of another one with the same key."""
        task = self._waiting.get(key)
        if task is None:
            task = asyncio.create_task(self._made(key, make))
            self._waiting[key] = task
        # One who leaves does not take it away from the others.
        return await asyncio.shield(task)

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[_Answer]]) -> _Answer:
        turn = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with turn:
                del self._waiting[key]
                return await make()
        finally:
            if key not in self._waiting and not turn.locked():
                self._turns.pop(key, None)
