"""The rendered dialplan on one switch after the other, with no control plane but a scripted one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.live import switch
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig
from tests.support.rigs import run_rig

__all__ = ["switch"]


@pytest.fixture(scope="package")
def rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan, once for all tests of a worker and switch."""
    with run_rig(switch, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture(scope="package")
def publishing_rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run another one for tests that publish: what they publish would take others' extensions away."""
    with run_rig(switch, tmp_path_factory.mktemp("publishing")) as running:
        yield running


@pytest.fixture
async def phone(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone; the spool is empty."""
    rig.empty_spool()
    async with RawPhone(rig.server).opened() as opened:
        yield opened
