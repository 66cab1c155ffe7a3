"""PIN keys that cannot be used are a wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("process", ["web", "calls"])
def test_wrong_pin_keys_are_named_by_their_variable(tmp_path: Path, process: str) -> None:
    """Exit code 2, the line that is wrong, and not the key."""
    paths = {
        f"CONTROLPLANE_PATHS__{name}": str(tmp_path)
        for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
    }
    done = subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", process],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_PINS__KEYS": "1:swordfish!",
            **paths,
        },
    )

    assert (
        2,
        "controlplane: CONTROLPLANE_PINS__KEYS: PIN keys, line 1: what follows the id is no base64.\n",
    ) == (
        done.returncode,
        done.stderr,
    )
