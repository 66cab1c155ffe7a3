"""What `make bench` does, part by part, and how it is told."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.bench import calls
from tests.bench.beside import Beside
from tests.bench.figures import Figures, table
from tests.bench.load import hang_up_at
from tests.bench.recording import WRONG_MS, Together, record_beside, record_together
from tests.bench.usage import Moment, usage_of
from tests.support.product import Product

LOAD_RATE, LOAD_SECONDS, SPEECH_SECONDS = 20.0, 20.0, 3.0
Timed = Callable[[int], Awaitable[float]]


async def by_turns(title: str, count: int, ours: tuple[str, Timed], *baselines: tuple[str, Timed]) -> None:
    """Time all kinds of call by turns, print them; the first one of each is not counted."""
    kinds = [(Figures(name), timed) for name, timed in (ours, *baselines)]
    before = Moment.now()
    for serial in range(count + 1):
        for figures, timed in kinds:
            seconds = await timed(serial)
            if serial:
                figures.seconds.append(seconds)
    told, *others = (figures for figures, _ in kinds)
    print(f"\n{table(title, told, *others)}\n  ({Moment.now().since(before)})", flush=True)


async def time_greeting(product: Product, beside: Beside, box: str, count: int) -> None:
    """Time answer to greeting."""
    baselines: list[tuple[str, Timed]] = []
    if beside.native is not None:
        baselines.append((beside.native.name, lambda _: calls.answer_to_native(beside)))
    baselines.append((beside.play, lambda _: calls.answer_to_playback(beside)))
    ours = ("mailbox", lambda _: calls.answer_to_greeting(product, box))
    await by_turns("answer to greeting", count, ours, *baselines)


async def time_durable(product: Product, beside: Beside, box: str, count: int) -> None:
    """Time hangup to durable, one call at a time."""
    baselines: list[tuple[str, Timed]] = []
    if beside.native is not None:
        baselines.append((f"{beside.native.name}, stored", lambda _: calls.hangup_to_native(beside)))
    baselines.append((beside.record, lambda serial: calls.hangup_to_file(beside, serial)))
    ours = ("message committed", lambda _: calls.hangup_to_row(product, box))
    await by_turns("hangup to durable, one call at a time", count, ours, *baselines)


async def time_load(product: Product, box: str, folder: Path, speech: Path, greeting_seconds: float) -> None:
    """Time hangup to durable while many calls end."""
    before, used = Moment.now(), usage_of(product).cpu
    ended = await hang_up_at(
        product,
        box,
        folder,
        speech,
        rate=LOAD_RATE,
        seconds=LOAD_SECONDS,
        call_seconds=greeting_seconds + SPEECH_SECONDS,
    )
    print(f"\n{table(f'hangup to durable, {LOAD_RATE:.0f} calls a second', ended.figures)}")
    print(
        f"  {ended.calls} calls hung up, {ended.lost} without a message, {ended.doubled} with more than one"
    )
    print(f"  {ended.waiting_jobs} jobs (mails, spoken numbers) waited at the end")
    print(f"  processor time: {spent(product, used)}, SIPp {ended.load.cpu_seconds:.1f} s")
    print(f"  ({Moment.now().since(before)})", flush=True)


async def time_together(
    product: Product, box: str, folder: Path, speech: Path, greeting_seconds: float
) -> None:
    """Record a hundred at once."""
    before, used = Moment.now(), usage_of(product).cpu
    done = await record_together(product, box, folder, speech, greeting_seconds=greeting_seconds)
    print(f"\nrecorded at once: {done.at_once} of {len(done.calls)} calls")
    print(
        f"  {len(done.recordings)} messages, {done.lost} lost, {len(done.wrong)} of a wrong length"
        f" (by more than {WRONG_MS} ms)"
    )
    for line in lengths(done):
        print(f"  {line}")
    print("  MiB (PSS)        " + "".join(f"{count:>7}" for count, _ in done.usages) + "   KiB a call")
    for part in done.usages[0][1].memory:
        row = "".join(f"{used_then.memory[part] / 1024:7.1f}" for _, used_then in done.usages)
        print(f"  {part:<17}{row} {done.memory_a_call(part):12.0f}")
    row = "".join(f"{used_then.whole_memory / 1024:7.1f}" for _, used_then in done.usages)
    print(f"  {'all':<17}{row} {done.memory_a_call():12.0f}")
    own = done.sipp_cpu_seconds
    print(f"  processor time in {done.seconds:.0f} s: {spent(product, used)}, SIPp {own:.1f} s")
    print(f"  ({Moment.now().since(before)})", flush=True)


async def time_together_beside(beside: Beside, folder: Path, speech: Path) -> None:
    """Record a hundred at once by the switch alone."""
    before = Moment.now()
    recordings = await record_beside(beside, folder, speech)
    errors = [abs(heard.error_ms) for heard in recordings]
    wrong = sum(error > WRONG_MS for error in errors)
    missing, foreign = sum(each.missing for each in recordings), sum(each.foreign for each in recordings)
    print(f"\n{beside.record}, as many at once: {len(recordings)} recordings, {wrong} of a wrong length")
    print(
        f"  greatest error of a length: {max(errors, default=0)} ms; missing {missing}, filled in {foreign}"
    )
    print(f"  ({Moment.now().since(before)})", flush=True)


def lengths(done: Together) -> list[str]:
    """Tell how the messages differ from what was sent."""
    heard = [(each.caller, each.heard) for each in done.recordings if each.heard is not None]
    errors = [abs(each.error_ms) for each in done.recordings if each.error_ms is not None]
    if not heard:
        return ["nothing of what was sent is in any message"]
    ends = [
        (done.calls[caller] - done.answered[caller]) * 1000 - (found.last + 1) * 20
        for caller, found in heard
        if caller in done.calls
    ]
    between = sum(each.last - each.first + 1 for _, each in heard)
    missing, foreign = sum(each.missing for _, each in heard), sum(each.foreign for _, each in heard)
    return [
        f"greatest error of a length: {max(errors)} ms",
        f"packets between first and last: {between}, missing {missing}, filled in {foreign}",
        f"from the last packet recorded to the hangup: {min(ends):.0f} to {max(ends):.0f} ms",
    ]


def spent(product: Product, before: Mapping[str, float]) -> str:
    """Tell the processor time of each part since `before`."""
    return ", ".join(f"{part} {now - before[part]:.1f} s" for part, now in usage_of(product).cpu.items())
