"""A process that takes or deposits a recording and kills itself at a given step.

Run as `python -m tests.support.dying`, with its task as JSON on stdin; see `run_until`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from controlplane.domain.message import TakeFacts
from controlplane.entrypoints import logs
from controlplane.services.deposit import Depositor
from controlplane.services.ingest import Ingest
from controlplane.services.native_voicemail import NativeHome
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from tests.support.deposits import FakeSwitch
from tests.support.fake_native import FakeNativeVoicemail
from tests.support.takes import closed_wav, facts_for, open_wav

ROOT = Path(__file__).parents[2]
LEAVE, AGAIN, SCAN, BEGIN, FETCH = "leave", "again", "scan", "begin", "fetch"


def run_until(
    task: str,
    step: str,
    *,
    url: str,
    folder: Path,
    facts: TakeFacts,
    earlier: TakeFacts | None = None,
    largest_file: int | None = None,
) -> int:
    """Do `task` in a process that dies at `step`; return how it ended (-9: killed).

    `leave`: a flow takes a recording and deposits it. `again`: it has taken `earlier` before, and
    `facts` replaces that. `scan`: the scanner takes over what is there. `begin`: only the facts are
    written. `fetch`: what the switch's own voicemail has is brought home. `largest_file` is a limit in
    bytes, as a full disk is one.
    """
    order = {
        "task": task,
        "step": step,
        "url": url,
        "folder": str(folder),
        "mailbox": str(facts.mailbox_id),
        "id": str(facts.recording_id),
        "earlier": None if earlier is None else str(earlier.recording_id),
        "largest_file": largest_file,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dying"],
        input=json.dumps(order).encode(),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


@dataclass
class _Parts:
    spool: FileSpool
    depositor: Depositor
    reached: Callable[[str], None]


def _parts(order: dict[str, Any]) -> _Parts:
    def reached(step: str) -> None:
        if step == order["step"]:
            os.kill(os.getpid(), signal.SIGKILL)

    folder = Path(order["folder"])
    spool = FileSpool(folder / "spool", reached=reached)
    depositor = Depositor(
        database=Database(order["url"].replace("postgresql://", "postgresql+psycopg://")),
        jobs=Jobs(make_app(order["url"])),
        store=RecordingStore(folder / "recordings", reached=reached),
        spool=spool,
        reached=reached,
    )
    return _Parts(spool=spool, depositor=depositor, reached=reached)


async def _leave(order: dict[str, Any], parts: _Parts) -> None:
    """Do what a flow does, in its order; the switch's part is done here too."""
    earlier = None
    if order["earlier"]:
        earlier = await parts.spool.begin(
            facts_for(UUID(order["mailbox"]), recording_id=UUID(order["earlier"]))
        )
        closed_wav(earlier.wav, 5)
    facts = facts_for(
        UUID(order["mailbox"]),
        recording_id=UUID(order["id"]),
        replaces=UUID(order["earlier"]) if order["earlier"] else None,
    )
    # The steps of the earlier take have been; from here on they count.
    parts.reached("again" if earlier else "begins")
    take = await parts.spool.begin(facts)
    parts.reached("begun")
    open_wav(take.wav, 1.2)
    parts.reached("recording")
    closed_wav(take.wav, 3)
    parts.reached("recorded")
    if earlier is not None:
        await earlier.discard()
        parts.reached("replaced")
    await parts.depositor.deposit(take.facts, take.wav)
    await take.release()


async def _scan(parts: _Parts) -> None:
    scanner = Ingest(spool=parts.spool, depositor=parts.depositor, switch=FakeSwitch(), settle_seconds=0)
    await scanner.scan()


async def _fetch(order: dict[str, Any], parts: _Parts) -> None:
    scanner = Ingest(
        spool=parts.spool,
        depositor=parts.depositor,
        switch=FakeSwitch(),
        switch_kind="freeswitch",
        settle_seconds=0,
    )
    native = FakeNativeVoicemail(Path(order["folder"]) / "native")
    await NativeHome(native=native, ingest=scanner, reached=parts.reached).fetch()


async def _main() -> None:
    order = json.loads(sys.stdin.read())
    logs.configure("json", "info")
    if order["largest_file"] is not None:
        # A file that grows beyond it is an error, as on a full disk; the signal is Python's to ignore.
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
    parts = _parts(order)
    match order["task"]:
        case "scan":
            await _scan(parts)
        case "fetch":
            await _fetch(order, parts)
        case "begin":
            await parts.spool.begin(facts_for(UUID(order["mailbox"]), recording_id=UUID(order["id"])))
        case _:
            await _leave(order, parts)


if __name__ == "__main__":
    asyncio.run(_main())
