"""A restore that kills itself at a given step.

Run as `python -m tests.support.dying_restore`, with its task as JSON on stdin; see `restore_until`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from controlplane.entrypoints.backup import restore
from controlplane.entrypoints.exits import or_exit

ROOT = Path(__file__).parents[2]
# The steps before it commits, and after it.
BEFORE = ("begun", "staged", "filled", "placed-one-of-recordings", "placed")
AFTER = ("committed", "clearing")


def restore_until(
    step: str, file: Path, *, state_dir: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Do what `controlplane restore` does, in a process that is killed at `step`; none: to its end."""
    order = {"step": step, "file": str(file), "state_dir": None if state_dir is None else str(state_dir)}
    return subprocess.run(
        [sys.executable, "-m", "tests.support.dying_restore"],
        input=json.dumps(order),
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        timeout=120,
        check=False,
    )


def _main() -> None:
    order = json.loads(sys.stdin.read())

    def reached(step: str) -> None:
        if step == order["step"]:
            os.kill(os.getpid(), signal.SIGKILL)

    state_dir = None if order["state_dir"] is None else Path(order["state_dir"])
    or_exit(
        lambda: restore(Path(order["file"]), state_dir=state_dir, without_pin_keys=False, reached=reached)
    )


if __name__ == "__main__":
    _main()
