"""Eight rounds in which one thing breaks while callers leave messages and a member hears them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.soak import round as rounds
from tests.soak.place import place
from tests.soak.troubles import Scene

ROUNDS = 8

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(switch: str) -> AsyncIterator[Scene]:
    """Run a product of their own for all of them, with a mail server in the event loop of the module."""
    async with place(switch) as made:
        yield made


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.xdist_group("soak")) for seed in range(ROUNDS)]
)
async def test_nothing_is_lost(scene: Scene, seed: int) -> None:
    """Each finished message is there once, with its length, mailed; no lamp is wrong, nothing waits."""
    await rounds.run(scene, rounds.plan(seed, has=scene.has))
