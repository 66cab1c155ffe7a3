"""What goes wrong in a round, and how it is put right; each is struck once, at a moment of a caller."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from controlplane.entrypoints.private_settings import ENVIRONMENT_FILE, read_environment
from controlplane.jobs.spool import SCAN
from controlplane.storage.queue import make_app
from controlplane.switches.freeswitch.inbound import InboundClient
from tests.soak.relay import Mood, Relay
from tests.soak.stepped_clock import SteppedClock
from tests.support.product import Product

_STANDSTILL_SECONDS = 2.0
_TOLD_TIMES = 5
_AN_HOUR = 3600.0
_NEEDED_BY_MEMBERS = {"calls", "postgres", "switch"}
Stroke = Callable[["Scene"], Awaitable[None]]


class Need(Enum):
    """What not every machine can give to a round."""

    SMALL_DISK = "a disk that can be filled"
    CLOCK = "a clock that can be stepped"


@dataclass
class Scene:
    """What a trouble may touch; `beside` are processes that it started."""

    product: Product
    relay: Relay
    full: tuple[Path, ...] = ()
    """The folders, each a small file system of its own, that can be filled."""
    clock: SteppedClock | None = None
    beside: list[asyncio.subprocess.Process] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    """The process ids that were hit, by name."""
    failed: dict[int, str] = field(default_factory=dict)
    """The jobs that were given up in earlier rounds."""
    quarantined: set[Path] = field(default_factory=set)
    """What was put aside in earlier rounds."""

    @property
    def has(self) -> frozenset[Need]:
        """What can be done here."""
        return frozenset(
            need for need, there in ((Need.SMALL_DISK, self.full), (Need.CLOCK, self.clock)) if there
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`spares_calls`: whether what a caller finished meanwhile must be a message.

    `cuts_calls`: whether a caller may be cut off by it, and then knows it; `hinders_members`: whether a
    member may be told that it does not work now. `costs_seconds` is what a
    recording may lack afterwards. `beep_is_a_gap` says that a call is not spared which is at its beep just
    then.
    """

    name: str
    strike: Stroke
    heal: Stroke
    spares_calls: bool = True
    cuts_calls: bool = False
    hinders_members: bool = False
    needs: Need | None = None
    costs_seconds: float = 0.0
    beep_is_a_gap: bool = False


async def _nothing(_: Scene) -> None:
    return


def _signal(process: str, number: signal.Signals) -> Stroke:
    async def strike(scene: Scene) -> None:
        scene.struck[process] = scene.product.kill(process, number)

    return strike


def _gone(process: str, number: signal.Signals, *, spares_calls: bool = True) -> Trouble:
    return Trouble(
        name=f"{process} is {'killed' if number == signal.SIGKILL else 'asked to end'}",
        strike=_signal(process, number),
        heal=_replaced(process),
        spares_calls=spares_calls,
        cuts_calls=not spares_calls,
        hinders_members=process in _NEEDED_BY_MEMBERS,
    )


def _replaced(process: str) -> Stroke:
    async def heal(scene: Scene) -> None:
        await scene.product.wait_for_restart(process, scene.struck[process], seconds=90)

    return heal


def _tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _still(process: str, *, beep_is_a_gap: bool = False) -> Trouble:
    """Stand still until the calls are over; who is replaced meanwhile by its watchdog is gone then."""

    async def strike(scene: Scene) -> None:
        scene.struck[process] = scene.product.pid(process)
        _send(_tree(scene.struck[process]), signal.SIGSTOP)

    async def heal(scene: Scene) -> None:
        _send(_tree(scene.struck[process]), signal.SIGCONT)

    return Trouble(
        name=f"{process} stands still",
        strike=strike,
        heal=heal,
        beep_is_a_gap=beep_is_a_gap,
        hinders_members=process in _NEEDED_BY_MEMBERS,
    )


async def _stop_the_switch(scene: Scene) -> None:
    """Hold it for as long as its callers may wait: they would hang up."""
    pids = _tree(scene.product.pid("switch"))
    _send(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(_STANDSTILL_SECONDS)  # that is the trouble
    finally:
        _send(pids, signal.SIGCONT)


def _mail(mood: Mood) -> Trouble:
    async def strike(scene: Scene) -> None:
        await scene.relay.be(mood)

    async def heal(scene: Scene) -> None:
        await scene.relay.be(Mood.WELL)

    return Trouble(name=f"the mail server {mood.value}", strike=strike, heal=heal)


async def _start_second_jobs(scene: Scene) -> None:
    """Run another worker on the same spool and queue, as a second machine would."""
    state = scene.product.instance.state_dir
    ours = read_environment((state / ENVIRONMENT_FILE).read_text())
    with (state / "log" / "jobs-beside.log").open("ab") as log:
        scene.beside.append(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "controlplane.entrypoints.cli", "jobs"),
                env={**os.environ, **ours},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )


async def _end_second_jobs(scene: Scene) -> None:
    while scene.beside:
        process = scene.beside.pop()
        process.terminate()
        async with asyncio.timeout(30):
            await process.wait()


async def _tell_the_ends_again(scene: Scene) -> None:
    """Say some times of each recording in the spool that it ended, and have the spool scanned."""
    ready = scene.product.ready
    app = make_app(ready["database_url"])
    async with app.open_async():
        for _ in range(_TOLD_TIMES):
            await app.configure_task(SCAN).defer_async()
    socket = ready["freeswitch"]
    if socket is None:
        return
    recordings = sorted(Path(ready["spool_dir"]).glob("*.json"))
    async with InboundClient.connected(
        socket["event_socket_host"],
        socket["event_socket_port"],
        password=socket["event_socket_password"],
        seconds=10,
    ) as client:
        for recording in recordings:
            call = json.loads(recording.read_text())["call_id"]
            fields = [("Unique-ID", call), ("Record-File-Path", str(recording.with_suffix(".wav")))]
            for _ in range(_TOLD_TIMES):
                await client.send_event("RECORD_STOP", fields)


def _full(which: int, what: str, *, spares_calls: bool) -> Trouble:
    def filler(scene: Scene) -> Path:
        return scene.full[which] / ".filler"

    async def strike(scene: Scene) -> None:
        await asyncio.to_thread(_fill, filler(scene))

    async def heal(scene: Scene) -> None:
        filler(scene).unlink()

    return Trouble(
        name=f"the {what} is full",
        strike=strike,
        heal=heal,
        spares_calls=spares_calls,
        cuts_calls=not spares_calls,
        needs=Need.SMALL_DISK,
    )


def _fill(path: Path) -> None:
    """Write until nothing goes in."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))


def _stepped(how: str, seconds: float, *, cuts_calls: bool) -> Trouble:
    """Step the clock of all processes, and back when the calls are over."""

    def by(seconds: float) -> Stroke:
        async def step(scene: Scene) -> None:
            assert scene.clock is not None
            scene.clock.step(seconds)

        return step

    return Trouble(
        name=f"the clock is {how}",
        strike=by(seconds),
        heal=by(-seconds),
        cuts_calls=cuts_calls,
        hinders_members=cuts_calls,
        needs=Need.CLOCK,
    )


TROUBLES = (
    _gone("calls", signal.SIGKILL),
    _gone("jobs", signal.SIGKILL),
    _gone("postgres", signal.SIGKILL),
    _gone("switch", signal.SIGKILL, spares_calls=False),
    _still("postgres"),
    _mail(Mood.BREAKING_OFF),
    _gone("events", signal.SIGKILL),
    _full(1, "store", spares_calls=True),
    # Between the beep and the first word recorded lies one command of ours. A switch that waits for it
    # notices only after 5 s that nobody is there, and then greets again.
    _still("calls", beep_is_a_gap=True),
    _mail(Mood.SILENT),
    _gone("calls", signal.SIGTERM),
    _full(0, "spool", spares_calls=False),
    Trouble(name="a second worker runs", strike=_start_second_jobs, heal=_end_second_jobs),
    Trouble(name="ends of recordings are told again", strike=_tell_the_ends_again, heal=_nothing),
    _gone("web", signal.SIGKILL),
    _gone("jobs", signal.SIGTERM),
    _mail(Mood.AWAY),
    # What was spoken to a switch that does not run is lost: Asterisk drops it, FreeSWITCH some of it.
    Trouble(
        name="the switch stands still",
        strike=_stop_the_switch,
        heal=_nothing,
        costs_seconds=_STANDSTILL_SECONDS,
        # A key that is pressed then is dropped as a word is.
        hinders_members=True,
    ),
    _still("events"),
    _gone("web", signal.SIGTERM),
    _mail(Mood.REFUSING),
    _gone("events", signal.SIGTERM),
    _still("jobs"),
    # Asterisk keeps its limits by the time of day: what it is recording ends when that is an hour later.
    _stepped("an hour ahead", _AN_HOUR, cuts_calls=True),
    _stepped("an hour behind", -_AN_HOUR, cuts_calls=False),
    # A fast shutdown: who sends SIGTERM to PostgreSQL waits for all who are connected.
    _gone("postgres", signal.SIGINT),
    _gone("switch", signal.SIGTERM, spares_calls=False),
)
"""The first eight are the rounds of each run of all tests."""
