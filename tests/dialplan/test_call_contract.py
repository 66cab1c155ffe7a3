"""The Call port's contract on the adapter of each switch, with the real switch and a real phone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from controlplane.phone.phone import Phone
from tests.support import real_call, real_freeswitch_call
from tests.support.call_contract import CallContract
from tests.support.dialplan_rig import DialplanRig
from tests.support.processes import open_folder
from tests.support.product import need_phone
from tests.support.rigs import run_contract_rig
from tests.support.small_freeswitch import SmallFreeSwitch

# One switch serves all calls of a worker, and one phone and one manager connection those on Asterisk.
pytestmark = pytest.mark.asyncio(loop_scope="module")

Harness = real_call.RealHarness | real_freeswitch_call.RealHarness


@pytest.fixture(scope="module")
def contract_rig(
    switch: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DialplanRig | SmallFreeSwitch]:
    """Run what the harness of this switch needs."""
    need_phone()
    with run_contract_rig(switch, tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness_in(contract_rig: DialplanRig | SmallFreeSwitch) -> AsyncIterator[Callable[[Path], Harness]]:
    """Return what makes a harness; on Asterisk a witness watches and a phone is registered as 101."""
    async with AsyncExitStack() as stack:
        if isinstance(contract_rig, SmallFreeSwitch):
            yield lambda folder: real_freeswitch_call.RealHarness(folder, contract_rig)
            return
        witness = await stack.enter_async_context(real_call.Witness.watching(contract_rig))
        phone = await stack.enter_async_context(await Phone.start())
        await phone.register(real_call.server_of(contract_rig), "101", "password-101")
        yield lambda folder: real_call.RealHarness(contract_rig, witness, phone, folder)


@pytest_asyncio.fixture(loop_scope="module")
async def harness(harness_in: Callable[[Path], Harness]) -> AsyncIterator[Harness]:
    """Return a harness for one test, with no call in progress before and after."""
    with open_folder() as folder:
        made = harness_in(folder)
        yield made
        if isinstance(made, real_call.RealHarness):
            await made.hang_up()


class TestRealSwitch(CallContract):
    """The whole contract."""
