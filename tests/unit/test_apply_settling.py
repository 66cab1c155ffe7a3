"""In what order steps are done that wait for each other."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from controlplane.apply.settling import Step, Work, settle
from controlplane.domain.errors import InvalidValue


class Things:
    """Things that are there, of which some need others; counts how often something was tried."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.tries = 0
        self.into: Any = SimpleNamespace(db=SimpleNamespace(transaction=self._transaction))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        before = list(self.there)
        try:
            yield
        except Exception:
            self.there = before
            raise

    def step(self, name: str, *needs: str, told: bool = True, bare: bool = False) -> Step:
        """Return the step that makes a thing; `told` says whether others know what it needs."""

        async def run() -> None:
            self.tries += 1
            self.there.append(f"{name}?")
            if not set(needs) <= set(self.there):
                raise InvalidValue(f"{name} needs {', '.join(needs)}")
            self.there[-1] = name

        async def make_bare() -> Work:
            self.there.append(name)

            async def nothing() -> None:
                if not set(needs) <= set(self.there):
                    raise InvalidValue(f"{name} needs {', '.join(needs)}")

            return nothing

        return Step(
            path=(), key=name, run=run, needs=needs if told else (), unstick=make_bare if bare else None
        )


async def settled(things: Things, *steps: Step) -> list[str]:
    """Do the steps; return what could not be done."""
    return [str(failed.error) for failed in await settle(things.into, steps)]


async def test_what_is_needed_comes_first() -> None:
    """Each is tried once, however long the chain."""
    things = Things()
    names = [f"{number:05}" for number in range(3000)]
    steps = [things.step(name, after) for name, after in itertools.pairwise(names)]

    assert [] == await settled(things, *steps, things.step(names[-1]))
    assert (names[::-1], len(names)) == (things.there, things.tries)


async def test_what_nobody_told_is_tried_again() -> None:
    """As long as something else gets on; what failed leaves nothing behind."""
    things = Things()

    assert [] == await settled(
        things, things.step("a", "b", told=False), things.step("b", "c", told=False), things.step("c")
    )
    assert ["c", "b", "a"] == things.there


@pytest.mark.parametrize("told", [True, False])
async def test_a_circle_is_opened(told: bool) -> None:
    """What can be there without the others is made so first."""
    things = Things()

    assert [] == await settled(
        things, things.step("a", "b", told=told), things.step("b", "a", told=told, bare=True)
    )
    assert ["b", "a"] == things.there


async def test_what_cannot_be_is_told() -> None:
    """All of it, and the rest is done."""
    things = Things()

    assert ["a needs x", "b needs y"] == sorted(
        await settled(things, things.step("a", "x", bare=True), things.step("c"), things.step("b", "y"))
    )
    assert "c" in things.there
