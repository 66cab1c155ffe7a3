"""A private instance as a child process."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.instance import Instance


def test_output_is_for_its_user_alone(tmp_path: Path) -> None:
    """What `up` prints has a PIN and passwords in it."""
    instance = Instance(tmp_path / "state")
    with pytest.raises(CannotStart):
        instance.start("--listen", "203.0.113.9")

    assert stat.S_IMODE(instance.log.stat().st_mode) == 0o600
