"""The Call port's contract on the Asterisk adapter against a real Asterisk and a real phone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from controlplane.callflows.call import HangupCause
from controlplane.phone.phone import Phone
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.call_contract import CallContract
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.product import need_phone
from tests.support.real_call import RealHarness, Witness, server_of

# One phone and one manager connection serve all calls of a worker.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan"), alice="Alice") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def witness(rig: DialplanRig) -> AsyncIterator[Witness]:
    """Watch the switch."""
    async with Witness.watching(rig) as watching:
        yield watching


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(rig: DialplanRig) -> AsyncIterator[Phone]:
    """Register a phone as 101."""
    need_phone()
    async with await Phone.start() as started:
        await started.register(server_of(rig), "101", "password-101")
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def harness(
    rig: DialplanRig, witness: Witness, phone: Phone, tmp_path: Path
) -> AsyncIterator[RealHarness]:
    """Return a harness for one test, with no call in progress before and after."""
    rig.empty_spool()
    made = RealHarness(rig, witness, phone, tmp_path)
    yield made
    await made.hang_up()


class TestRealAsterisk(CallContract):
    """The whole contract."""


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (HangupCause.NORMAL, 603),
        (HangupCause.UNALLOCATED, 404),
        (HangupCause.BUSY, 486),
    ],
)
async def test_cause_reaches_the_phone(harness: RealHarness, cause: HangupCause, status: int) -> None:
    """A call that we end before the answer ends at the phone with the status of the cause."""
    async with harness.call() as (call, caller):
        await call.hangup(cause)

    assert status == await caller.call.ended()
