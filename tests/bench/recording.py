"""Many calls recorded at once: no message lost, none of a wrong length, and the memory of each call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from tests.bench.beside import RECORD, Beside
from tests.bench.calls import listen, server_of
from tests.bench.figures import slope
from tests.bench.noise import FRAME_MS, Heard, Packets
from tests.bench.sipp import RTP_FIRST, Callers, Load, call
from tests.bench.usage import Usage, usage_of
from tests.support.product import Product
from tests.support.rig import free_port

STEPS = (25, 50, 100)
WRONG_MS = 40
_PREFIX = "4940"
_RATE = 10.0
_STEADY_SECONDS = 3.0
_TOGETHER_SECONDS = 10.0
_SETTLE_SECONDS = 30.0
_PORTS_A_CALL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A message of this load: its length by the database and by its file, and the packets that are in it."""

    caller: str
    duration_ms: int
    heard: Heard | None

    @property
    def error_ms(self) -> int | None:
        """By how much its length is not that of what was sent while it ran; None if that is unknown."""
        if self.heard is None:
            return None
        return self.duration_ms - (self.heard.last - self.heard.first + 1) * FRAME_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What came of it: memory by calls, and all messages."""

    usages: Sequence[tuple[int, Usage]]
    at_once: int
    calls: dict[str, float]
    answered: dict[str, float]
    recordings: Sequence[Recording]
    sipp_cpu_seconds: float
    seconds: float

    @property
    def lost(self) -> int:
        """How many callers hung up and have no message."""
        return len(self.calls.keys() - {recording.caller for recording in self.recordings})

    @property
    def wrong(self) -> list[Recording]:
        """The messages whose length is wrong, or whose audio is not the caller's."""
        return [each for each in self.recordings if each.error_ms is None or abs(each.error_ms) > WRONG_MS]

    def memory_a_call(self, part: str | None = None) -> float:
        """Return the KiB that a call more takes, of one part or of all."""
        return slope(
            [(calls, used.whole_memory if part is None else used.memory[part]) for calls, used in self.usages]
        )


async def record_together(
    product: Product, box: str, folder: Path, speech: Path, *, greeting_seconds: float
) -> Together:
    """Add callers in steps, measure at each when all are recorded, and let all hang up one after another."""
    began = time.monotonic()
    measured = [(0, usage_of(product))]
    steps = [after - before for before, after in pairwise((0, *STEPS))]
    waits = [count / _RATE + greeting_seconds + _STEADY_SECONDS for count in steps]
    stay = sum(waits) + _TOGETHER_SECONDS
    calling: list[asyncio.Task[Load]] = []
    port = RTP_FIRST
    for step, (count, wait) in enumerate(zip(steps, waits, strict=True)):
        callers = Callers(
            number=box, prefix=f"{_PREFIX}{step}0", calls=count, rate=_RATE, seconds=stay, speech=speech
        )
        calling.append(
            asyncio.create_task(call(callers, server_of(product), folder, ports=(free_port(), port)))
        )
        port += count * _PORTS_A_CALL
        # A load that ends before its time is not waited for.
        await asyncio.wait(calling, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        measured.append((STEPS[step], usage_of(product)))
    at_once = _open_takes(product)
    loads = await asyncio.gather(*calling)
    calls = {number: at for ran in loads for number, at in ran.hung_up.items()}
    rows = await _messages(product, len(calls))
    packets = Packets(speech.read_bytes())
    return Together(
        usages=measured,
        at_once=at_once,
        calls=calls,
        answered={
            number: times.answered
            for ran in loads
            for number, times in ran.times.items()
            if times.answered is not None
        },
        recordings=[
            Recording(
                caller=caller,
                duration_ms=duration_ms,
                heard=packets.heard(_file(product, message_id)),
            )
            for message_id, caller, duration_ms in rows
        ],
        sipp_cpu_seconds=sum(ran.cpu_seconds for ran in loads),
        seconds=time.monotonic() - began,
    )


async def record_beside(beside: Beside, folder: Path, speech: Path) -> list[Heard]:
    """Record as many calls at once by what the switch has of its own; return what the recordings hold."""
    count = STEPS[-1]
    callers = Callers(
        # The words of SIPp: a number for each call, and so a file.
        number=f"{RECORD}[call_number]",
        prefix=f"{_PREFIX}9",
        calls=count,
        rate=_RATE,
        seconds=count / _RATE + _STEADY_SECONDS + _TOGETHER_SECONDS,
        speech=speech,
    )
    await call(callers, beside.server, folder, ports=(free_port(), RTP_FIRST))
    packets = Packets(speech.read_bytes())
    found = [packets.heard(path) for path in sorted(beside.recordings.glob(f"{RECORD}*.wav"))]
    return [heard for heard in found if heard is not None]


def _open_takes(product: Product) -> int:
    """Return how many recordings are being made now, as the spool has them."""
    return len(list((product.instance.state_dir / "spool").glob("*.wav")))


def _file(product: Product, message_id: UUID) -> Path:
    return product.instance.state_dir / "recordings" / str(message_id)[:2] / f"{message_id}.wav"


async def _messages(product: Product, count: int) -> list[tuple[UUID, str, int]]:
    """Return id, caller and length of this load's messages, once there are `count` or time is up."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    async with await listen(product) as base:
        while True:
            found = await base.execute(
                "SELECT id, caller_number, duration_ms FROM messages WHERE caller_number LIKE %s",
                (f"{_PREFIX}%",),
            )
            rows = [(UUID(str(row[0])), str(row[1]), int(str(row[2]))) for row in await found.fetchall()]
            left = deadline - time.monotonic()
            if len(rows) >= count or left <= 0:
                return rows
            async for _ in base.notifies(timeout=left, stop_after=1):
                pass
