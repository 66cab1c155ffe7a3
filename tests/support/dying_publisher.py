"""A process that publishes and kills itself at a given step; its switch outlives it.

Run as `python -m tests.support.dying_publisher`, with its task as JSON on stdin; see `publish_until`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from controlplane.domain.configuration import LiveConfiguration
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import publish
from controlplane.storage.database import Database
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import make_publisher

ROOT = Path(__file__).parents[2]
DIED, DISK_FULL, DONE = -signal.SIGKILL, 3, 0


@dataclass
class LastingSwitch(FakeSwitch):
    """A switch in a process of its own: what it runs is in a file, and stays when its publisher dies."""

    def __post_init__(self) -> None:
        """Remember what runs."""
        if self._memory.exists():
            digest, endpoints = json.loads(self._memory.read_text())
            self.running = LiveConfiguration(digest=digest, endpoints=frozenset(endpoints))

    async def reload(self) -> None:
        """Read the files again, and remember."""
        await super().reload()
        self._memory.write_text(json.dumps([self.running.digest, sorted(self.running.endpoints)]))

    @property
    def _memory(self) -> Path:
        return self.root / "switch.json"


def call_files(root: Path) -> CallFiles:
    """Return where the files are that calls read."""
    return CallFiles(routes=root / "routes", hours=root / "hours")


def publish_until(
    step: str,
    *,
    url: str,
    root: Path,
    deaf: str | None = None,
    largest_file: int | None = None,
    by_hand: bool = False,
) -> int:
    """Publish in a process that dies at `step`; return how it ended.

    `deaf` is an endpoint that the switch does not take in; `largest_file` a limit in bytes, as a
    full disk is one. `by_hand` takes along what waits of all tenants, with the files that calls read.
    """
    order = {
        "step": step,
        "url": url,
        "root": str(root),
        "deaf": deaf,
        "largest_file": largest_file,
        "by_hand": by_hand,
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.support.dying_publisher"],
        input=json.dumps(order).encode(),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    ).returncode


async def _main() -> int:
    order = json.loads(sys.stdin.read())

    def reached(step: str) -> None:
        if step == order["step"]:
            os.kill(os.getpid(), signal.SIGKILL)

    root = Path(order["root"])
    switch = LastingSwitch(root, deaf={order["deaf"]} if order["deaf"] else set())
    database = Database(order["url"].replace("postgresql://", "postgresql+psycopg://"))
    publisher = make_publisher(database, root, switch, reached=reached)
    if order["largest_file"] is not None:
        # A file that grows beyond it is an error, as on a full disk; the signal is Python's to ignore.
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
    try:
        if order["by_hand"]:
            await publish(publisher, waiting=None, files=call_files(root))
        else:
            await publish(publisher)
    except OSError:
        return DISK_FULL
    finally:
        await database.close()
    return DONE


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
