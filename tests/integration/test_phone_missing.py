"""Where there is no SIP phone for this Python: one sentence with the remedy, and tests that are skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.product import need_phone

SENTENCE = "The SIP phone is missing: install the extra `phone`; its wheel exists for Python 3.11 and 3.12."


@pytest.mark.parametrize("command", [("demo",), ("phone", "8001")])
def test_command_that_needs_the_phone_says_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Exit code 1, no traceback, and no instance is started before."""
    (tmp_path / "sitecustomize.py").write_text('import sys\nsys.modules["pjsua2"] = None\n')
    done = subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )

    assert (1, "", f"controlplane: {SENTENCE}\n") == (done.returncode, done.stdout, done.stderr)


def test_test_that_needs_the_phone_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is what people read in the summary."""
    monkeypatch.setitem(sys.modules, "pjsua2", None)
    with pytest.raises(pytest.skip.Exception) as skipped:
        need_phone()

    assert SENTENCE == str(skipped.value)
