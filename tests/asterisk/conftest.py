"""The rendered dialplan on an Asterisk of this tier's own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.raw_sip import RawPhone


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture
async def phone(rig: DialplanRig) -> AsyncIterator[RawPhone]:
    """Open a phone; the spool is empty."""
    rig.empty_spool()
    async with RawPhone(rig.server).opened() as opened:
        yield opened
