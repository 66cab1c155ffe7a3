"""A private FreeSWITCH with a dialplan of a few lines; without one this tier is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.live import message_wav, second_wav, speech
from tests.support.processes import open_folder
from tests.support.real_freeswitch_call import RealHarness
from tests.support.small_freeswitch import SmallFreeSwitch, run_small_freeswitch

__all__ = ["harness", "message_wav", "second_wav", "small", "speech"]


@pytest.fixture(scope="session")
def small() -> Iterator[SmallFreeSwitch]:
    """Run one FreeSWITCH for all these tests of a worker."""
    with run_small_freeswitch() as running:
        yield running


@pytest.fixture
def harness(small: SmallFreeSwitch) -> Iterator[RealHarness]:
    """Return a harness of its own for each test."""
    with open_folder() as folder:
        yield RealHarness(folder, small)
