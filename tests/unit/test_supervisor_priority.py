"""Processes that let calls go first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from controlplane.supervisor.priority import keep_what_is_loaded

pytestmark = pytest.mark.unit


_GROUP = Path("/proc/self/autogroup")


@pytest.mark.parametrize("own", [True, False])
def test_process_steps_back(own: bool) -> None:
    """It is nicer by four than it was, in a session of its own as in that of another."""
    program = (
        "import os; from controlplane.supervisor.priority import step_back; step_back(); print(os.nice(0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=own
    )

    assert min(os.nice(0) + 4, 19) == int(done.stdout)


def test_calls_come_first() -> None:
    """As far as that is allowed: who may not stays where it was, and goes on."""
    program = (
        "import os, resource; from controlplane.supervisor.priority import come_first; before = os.nice(0)\n"
        "allowed = 20 - resource.getrlimit(resource.RLIMIT_NICE)[0] <= -10 or os.geteuid() == 0\n"
        "come_first(); print(os.nice(0) == (-10 if allowed else before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )

    assert "True\n" == done.stdout


@pytest.mark.skipif(not _GROUP.exists(), reason="this Linux does not share the processor out by session")
def test_session_of_another_does_not_step_back() -> None:
    """What else runs in the session, the phones of a test or a terminal's programs, keeps its share."""
    program = (
        "import os, subprocess, sys; from pathlib import Path\n"
        "group = Path('/proc/self/autogroup'); before = group.read_text()\n"
        "step = 'from controlplane.supervisor.priority import step_back; step_back()'\n"
        "subprocess.run([sys.executable, '-c', step], check=True)\n"
        "print(before == group.read_text(), before, group.read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )

    assert done.stdout.startswith("True "), done.stdout


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """What existed before is out of the collector's sight."""
    try:
        keep_what_is_loaded()

        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
