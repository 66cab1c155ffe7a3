"""Which processes of a state folder run, so that those left behind by a killed `up` can be ended.

A process is named by its id and its start time (`/proc/<pid>/stat`, field 22) within one boot,
so that another program that got the same id later is never touched.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from controlplane.supervisor.state import write_private

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME = 19  # the 22nd field of stat, counted behind the name's closing parenthesis
_LIMIT_SECONDS = 5.0


def start_time(pid: int) -> int | None:
    """Return when process `pid` was started, in clock ticks since boot; None if it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name may hold blanks and parentheses: all fields after its last parenthesis are plain.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[_START_TIME])


class ProcessRecord:
    """The file that names the running processes of one state folder; each change is on disk at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._processes: dict[str, tuple[int, int]] = {}

    def pids(self) -> dict[str, int]:
        """Return the process id of each name."""
        return {name: pid for name, (pid, _) in self._processes.items()}

    def note(self, name: str, pid: int) -> None:
        """Record that `name` runs now as `pid`."""
        started = start_time(pid)
        if started is not None:
            self._processes[name] = (pid, started)
            self._write()

    def forget(self) -> None:
        """Remove the file: nothing runs any more."""
        self._processes.clear()
        self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """Kill what an earlier run left behind; returns the names. A damaged file names nothing."""
        try:
            found = json.loads(self._path.read_text())
            same_boot = found["boot"] == _BOOT_ID.read_text().strip()
            processes = {str(name): (int(pid), int(at)) for name, (pid, at) in found["processes"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []
        alive = {name: pid for name, (pid, at) in processes.items() if same_boot and start_time(pid) == at}
        for pid in alive.values():
            kill_group(pid)
        deadline = time.monotonic() + _LIMIT_SECONDS
        while any(start_time(pid) for pid in alive.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._path.unlink(missing_ok=True)
        return sorted(alive)

    def _write(self) -> None:
        boot = _BOOT_ID.read_text().strip()
        write_private(self._path, json.dumps({"boot": boot, "processes": self._processes}))


def kill_group(pid: int, number: signal.Signals = signal.SIGKILL, *, group_alone: bool = False) -> None:
    """Send a signal to the process group that `pid` leads, else to `pid`; never fails if it is gone.

    `group_alone` is for a process that was waited for: its id may belong to another one by now.
    """
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        if group_alone:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
