"""Processes that let calls go first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest
from controlplane.supervisor.priority import keep_what_is_loaded

pytestmark = pytest.mark.unit


def test_process_steps_back() -> None:
    """It is nicer by ten than it was, in a session of its own as in that of another."""
    program = (
        "import os; from controlplane.supervisor.priority import step_back; step_back(); print(os.nice(0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )

    assert min(os.nice(0) + 10, 19) == int(done.stdout)


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """What existed before is out of the collector's sight."""
    try:
        keep_what_is_loaded()

        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
