"""Child processes: restarted when they die, killed when they hang, gone with their parent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from controlplane.supervisor.children import Child, Program
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.leftovers import ProcessRecord, start_time
from controlplane.supervisor.notify import Notifier
from controlplane.supervisor.watchdog import Watchdog

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}


async def until(fact: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Wait for a fact with a limit."""
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 (facts of other processes)
            await asyncio.sleep(0.01)


class Family:
    """Makes children that run Python text, and remembers their process ids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids: list[int] = []
        self._children: list[Child] = []

    def child(self, text: str, *, watchdog: Watchdog | None = None) -> Child:
        """Return a child that runs `text`."""
        program = Program(
            name="child",
            command=(sys.executable, "-c", textwrap.dedent(text)),
            environment=ENVIRONMENT,
            log=self.folder / "child.log",
        )
        made = Child(program, started=lambda _name, pid: self.pids.append(pid), watchdog=watchdog)
        self._children.append(made)
        return made

    async def stop(self) -> None:
        """Stop all of them."""
        for child in self._children:
            await child.stop(2.0)


@pytest.fixture
async def family(tmp_path: Path) -> AsyncIterator[Family]:
    """Children that are stopped after the test."""
    made = Family(tmp_path)
    yield made
    await made.stop()


@pytest.fixture
def watchdog(tmp_path: Path) -> Watchdog:
    """A watchdog with little patience."""
    return Watchdog(tmp_path / "n", ready_seconds=3.0, silence_seconds=1.0)


SLEEPS = "import time; time.sleep(60)"
BEATS = """
    import asyncio, os
    from controlplane.supervisor.notify import Notifier, beat
    async def main():
        notifier = Notifier(os.environ["NOTIFY_SOCKET"])
        notifier.ready()
        await beat(notifier, every=0.1)
    asyncio.run(main())
"""


async def test_a_dead_child_is_started_again(family: Family) -> None:
    """A killed process is replaced by a new one within a second."""
    child = family.child(SLEEPS)
    await child.start()
    os.kill(family.pids[0], signal.SIGKILL)
    await until(lambda: len(family.pids) == 2, seconds=1.5)

    assert child.pid == family.pids[1]


async def test_a_child_that_dies_at_once_is_started_at_growing_intervals(family: Family) -> None:
    """It is no busy loop: within a second there are at most three tries."""
    child = family.child("raise SystemExit('no luck')")
    await child.start()
    await until(lambda: child.deaths >= 3, seconds=5)

    with pytest.raises(CannotStart, match="no luck"):
        child.check_alive()
    assert len(family.pids) <= 4


async def test_what_a_dead_child_left_running_ends_too(family: Family, tmp_path: Path) -> None:
    """A grandchild does not outlive the process that started it."""
    note = tmp_path / "grandchild"
    child = family.child(
        f"""
        import pathlib, subprocess, sys, time
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        pathlib.Path({str(note)!r}).write_text(str(other.pid))
        time.sleep(60)
        """
    )
    await child.start()
    await until(lambda: note.exists() and note.read_text())
    grandchild = int(note.read_text())
    os.kill(family.pids[0], signal.SIGKILL)
    await until(lambda: start_time(grandchild) is None)

    assert start_time(grandchild) is None


async def test_stopping_asks_first(family: Family, tmp_path: Path) -> None:
    """A child may end in order: it gets SIGTERM and its time."""
    note = tmp_path / "ended"
    child = family.child(
        f"""
        import pathlib, signal, sys, time
        def end(*_):
            pathlib.Path({str(note)!r}).write_text("in order")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("up", flush=True)
        time.sleep(60)
        """
    )
    await child.start()
    await until(lambda: "up" in (tmp_path / "child.log").read_text())
    await child.stop(5.0)

    assert note.read_text() == "in order"


async def test_a_child_that_will_not_end_is_killed(family: Family, tmp_path: Path) -> None:
    """After the limit it is gone, whatever it does about SIGTERM, and has not come to its own end."""
    child = family.child(
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("up", flush=True)
        time.sleep(60)
        print("over", flush=True)
        """
    )
    await child.start()
    await until(lambda: "up" in (tmp_path / "child.log").read_text())
    await child.stop(0.3)

    assert start_time(family.pids[0]) is None
    assert "over" not in (tmp_path / "child.log").read_text()


async def test_a_stopped_child_is_not_started_again(family: Family) -> None:
    """Nothing comes after `stop`, also when the child had just died and was to be restarted."""
    child = family.child(SLEEPS)
    await child.start()
    os.kill(family.pids[0], signal.SIGKILL)
    await until(lambda: child.pid is None)
    await child.stop(1.0)

    assert [True] == [start_time(pid) is None for pid in family.pids]


async def test_a_child_that_says_ready_is_ready(family: Family, watchdog: Watchdog) -> None:
    """`until_ready` waits for READY=1 on the child's own socket."""
    child = family.child(BEATS, watchdog=watchdog)
    await child.start()
    await child.until_ready(10)

    assert watchdog.ready.is_set()


async def test_a_hung_child_is_killed_and_started_again(family: Family, watchdog: Watchdog) -> None:
    """A process that was stopped by SIGSTOP in the middle of its beats is replaced."""
    child = family.child(BEATS, watchdog=watchdog)
    await child.start()
    await child.until_ready(10)
    os.kill(family.pids[0], signal.SIGSTOP)
    await until(lambda: len(family.pids) == 2, seconds=8)

    assert start_time(family.pids[0]) is None


async def test_a_child_that_is_never_ready_is_killed(family: Family, tmp_path: Path) -> None:
    """A process that hangs before it serves is replaced too."""
    child = family.child(SLEEPS, watchdog=Watchdog(tmp_path / "n", ready_seconds=0.5))
    await child.start()
    await until(lambda: len(family.pids) == 2, seconds=8)

    assert child.deaths == 1


async def test_a_child_that_beats_is_left_alone(family: Family, watchdog: Watchdog) -> None:
    """Three limits later it is still the same process."""
    child = family.child(BEATS, watchdog=watchdog)
    await child.start()
    await child.until_ready(10)
    with pytest.raises(TimeoutError):
        await until(lambda: len(family.pids) == 2, seconds=3)

    assert child.pid == family.pids[0]


async def test_a_loop_that_hangs_ends_the_process(tmp_path: Path) -> None:
    """Without any supervisor, `beat` ends a process whose loop hangs for 5 s, with a traceback."""
    text = """
        import asyncio, time
        from controlplane.supervisor.notify import Notifier, beat
        async def main():
            task = asyncio.create_task(beat(Notifier(None)))
            await asyncio.sleep(0.1)
            time.sleep(60)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(text), env=ENVIRONMENT, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(15):
        _, errors = await process.communicate()

    assert (1, True) == (process.returncode, b"Timeout" in errors)


def test_a_notifier_without_listener_does_nothing(tmp_path: Path) -> None:
    """A supervisor that is gone, or none at all, is no error."""
    for address in (None, "", str(tmp_path / "nobody")):
        Notifier(address).ready()

    assert [False, True] == [Notifier(None).is_watched, Notifier("@x").is_watched]


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    """`kill -9` of the supervisor leaves no child running."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import asyncio, sys
                from pathlib import Path
                from controlplane.supervisor.children import Child, Program
                async def main():
                    command, log = (sys.executable, "-c", {SLEEPS!r}), Path({str(tmp_path / "child.log")!r})
                    program = Program(name="child", command=command, environment={{}}, log=log)
                    await Child(program, started=lambda name, pid: print(pid, flush=True)).start()
                    await asyncio.sleep(60)
                asyncio.run(main())
                """
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while start_time(child) is not None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert start_time(child) is None


async def test_leftovers_are_ended(tmp_path: Path) -> None:
    """What a killed run wrote down is ended by the next one."""
    process = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    ProcessRecord(tmp_path / "pids.json").note("calls", process.pid)
    ended = await asyncio.to_thread(ProcessRecord(tmp_path / "pids.json").end_leftovers)

    assert (["calls"], -signal.SIGKILL) == (ended, await process.wait())


async def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    """A process id that was given to another program since is not killed."""
    process = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    record = tmp_path / "pids.json"
    ProcessRecord(record).note("calls", process.pid)
    found = json.loads(record.read_text())
    found["processes"]["calls"][1] += 1
    record.write_text(json.dumps(found))
    ended = ProcessRecord(record).end_leftovers()
    alive = start_time(process.pid) is not None
    process.kill()
    await process.wait()

    assert ([], True) == (ended, alive)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boot": 1}', '{"boot": "x", "processes": {"a": 1}}'])
def test_a_damaged_record_names_nothing(tmp_path: Path, text: str) -> None:
    """A file that a full disk cut off is no obstacle."""
    (tmp_path / "pids.json").write_text(text)

    assert ProcessRecord(tmp_path / "pids.json").end_leftovers() == []
