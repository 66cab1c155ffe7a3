"""The fake call keeps the promises of the Call port, so that what the flows' tests say is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.call_contract import CallContract, Harness
from tests.support.fake_phone import FakeHarness


class TestFakeCall(CallContract):
    """The suite, over the fake."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        """Return a switch that is none."""
        return FakeHarness(tmp_path)
