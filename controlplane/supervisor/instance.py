"""A private instance of the whole product as a child process, for the demonstration and the tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controlplane.supervisor.faults import CannotStart

_START_SECONDS = 300.0
_STOP_SECONDS = 20.0


class Instance:
    """`controlplane up` with a state folder of its own. Its output goes to `<state>/up.log`."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it is ready; raises CannotStart with its last words."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        ready_file = self.state_dir / "ready.json"
        ready_file.unlink(missing_ok=True)
        # It prints the PIN and the passwords of its extensions.
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "controlplane.entrypoints.cli",
                    "up",
                    "--state-dir",
                    str(self.state_dir),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise CannotStart(f"The private instance did not start: {self.last_words()}")
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.state_dir / "up.log"

    @property
    def ready(self) -> dict[str, Any]:
        """What `ready.json` says now; the process ids change when a process was restarted."""
        return dict(json.loads((self.state_dir / "ready.json").read_text()))

    @property
    def pid(self) -> int:
        """The process id of `up` itself."""
        assert self._process is not None
        return self._process.pid

    def last_words(self) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""

    def stop(self, *, end: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and everything it started; return its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(end)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
