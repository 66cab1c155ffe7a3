"""The Call port's contract on the FreeSWITCH adapter, with a real FreeSWITCH and a real phone."""

from __future__ import annotations

from tests.support.call_contract import CallContract


class TestFreeSwitch(CallContract):
    """The whole contract."""
