"""The dialplan by itself, while the disk refuses."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import TONES, DialplanRig, run_dialplan
from tests.support.raw_sip import RawPhone


@pytest.fixture(scope="module")
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


async def test_caller_is_not_thanked_for_what_was_not_recorded(rig: DialplanRig, phone: RawPhone) -> None:
    """When the spool cannot be written the caller does not hear that all went well."""
    away = rig.spool.with_name("away")
    rig.spool.rename(away)
    rig.spool.write_text("in the way")
    try:
        call = phone.call("8001")
        await call.wait_ended()
    finally:
        rig.spool.unlink()
        away.rename(rig.spool)
    print(phone.tones(), call.statuses, rig.log[-600:])
    assert 0
