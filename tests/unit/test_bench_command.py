"""The bench is no part of the tests, so that nothing else would notice that it cannot start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_bench_starts_and_tells_its_options(root: Path) -> None:
    """All that it is made of can be loaded, and a wrong part is refused in one line."""
    command = [sys.executable, "-m", "tests.bench"]
    told = subprocess.run([*command, "--help"], cwd=root, capture_output=True, text=True, check=True)
    wrong = subprocess.run(
        [*command, "--parts", "nothing"], cwd=root, capture_output=True, text=True, check=False
    )

    assert "--parts" in told.stdout
    assert (2, True) == (wrong.returncode, "nothing" in wrong.stderr.splitlines()[-1])
