"""Times the product beside what its switch has of its own; README.md says how."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import argparse
import asyncio
import os
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import soundfile
from controlplane.callflows.prompts import Greeting
from controlplane.phone.sound import Heard
from controlplane.supervisor.instance import Instance
from tests.bench import calls
from tests.bench.beside import Beside
from tests.bench.beside_asterisk import beside_asterisk
from tests.bench.beside_freeswitch import beside_freeswitch
from tests.bench.figures import Figures, table
from tests.bench.load import hang_up_at
from tests.bench.noise import mu_law
from tests.bench.recording import WRONG_MS, Together, record_together
from tests.bench.sipp import need_sipp
from tests.bench.usage import usage_of
from tests.support.live import without_freeswitch
from tests.support.processes import open_folder
from tests.support.product import Product

NAME = "Sales"
PARTS = ("greeting", "durable", "load", "together")
WITH_SIPP = frozenset({"load", "together"})
# Enough for 300 calls, above the ports that Linux gives to outgoing connections.
RTP_PORTS = "61000-61499"
LOAD_RATE, LOAD_SECONDS, SPEECH_SECONDS = 20.0, 20.0, 3.0
NOISE_SECONDS = 120
Timed = Callable[[int], Awaitable[float]]


async def by_turns(title: str, count: int, ours: tuple[str, Timed], *baselines: tuple[str, Timed]) -> None:
    """Time all kinds of call by turns, print them; the first one of each is not counted."""
    kinds = [(Figures(name), timed) for name, timed in (ours, *baselines)]
    before = load()
    for serial in range(count + 1):
        for figures, timed in kinds:
            seconds = await timed(serial)
            if serial:
                figures.seconds.append(seconds)
    told, *others = (figures for figures, _ in kinds)
    print(f"\n{table(title, told, *others)}\n  (before: {before}; after: {load()})", flush=True)


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
    before, used = load(), usage_of(product).cpu
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
    print(f"  no job waited any more {ended.queue_seconds:.1f} s after the last commit")
    print(f"  processor time: {spent(product, used)}, SIPp {ended.load.cpu_seconds:.1f} s")
    print(f"  (before: {before}; after: {load()})", flush=True)


async def time_together(
    product: Product, box: str, folder: Path, speech: Path, greeting_seconds: float
) -> None:
    """Record a hundred at once."""
    before, used = load(), usage_of(product).cpu
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
    print(f"  (before: {before}; after: {load()})", flush=True)


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


def load() -> str:
    """Tell how busy the machine is."""
    return f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"


@asynccontextmanager
async def standing_beside(
    product: Product, switch: str, greeting: Path, folder: Path
) -> AsyncIterator[Beside]:
    """Provide what the product is compared with."""
    recordings = folder / "plain"
    recordings.mkdir()
    if switch == "freeswitch":
        async with beside_freeswitch(folder / "beside", greeting, recordings) as beside:
            yield beside
    else:
        yield await beside_asterisk(product, greeting, recordings)


async def measure(product: Product, switch: str, folder: Path, parts: Collection[str], count: int) -> None:
    """Make all calls of one switch and print their tables."""
    (greeting,) = product.prompts.files(Greeting(display_name=NAME), "en")
    silence = Heard.of(greeting).first_sound()
    assert silence is not None
    greeting_seconds = soundfile.info(greeting).duration
    print(f"The greeting takes {greeting_seconds:.1f} s and begins with {silence * 1000:.0f} ms of silence.")
    speech = folder / "speech.ulaw"
    speech.write_bytes(mu_law(NOISE_SECONDS))
    await calls.add_trigger(product)
    plain = await product.mailbox(display_name=NAME)
    mailed = await product.mailbox(
        display_name=NAME, email_notification=True, email_recipients=["sales@example.org"]
    )
    if "greeting" in parts or "durable" in parts:
        async with standing_beside(product, switch, greeting, folder) as beside:
            if "greeting" in parts:
                await time_greeting(product, beside, plain, count)
            if "durable" in parts:
                await time_durable(product, beside, plain, count)
    if "load" in parts:
        await time_load(product, mailed, folder, speech, greeting_seconds)
    if "together" in parts:
        await time_together(product, mailed, folder, speech, greeting_seconds)


def run(switch: str, parts: Collection[str], count: int) -> None:
    """Run a private instance on a switch and time it."""
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", switch, "--rtp-ports", RTP_PORTS)
        try:
            print(f"\n=== {described(instance)}\n(before: {load()})", flush=True)
            asyncio.run(measure(Product(instance), switch, folder, parts, count))
        finally:
            instance.stop()


def described(instance: Instance) -> str:
    """Return what `up` said of the switch that it starts."""
    said = instance.log.read_text(errors="replace")
    return next((line for line in said.splitlines() if "and the processes" in line), "an unknown switch")


def main() -> None:
    """Time what was asked for, one switch after another."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=20, help="of each kind, of those that come one at a time"
    )
    parser.add_argument("--switch", choices=("asterisk", "freeswitch"), help="only this one")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    asked = parser.parse_args()
    parts = asked.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts: {', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    if WITH_SIPP & set(parts):
        need_sipp()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    for switch in [asked.switch] if asked.switch else ["asterisk", "freeswitch"]:
        if switch == "freeswitch" and (reason := without_freeswitch()):
            print(f"\n=== FreeSWITCH: {reason}")
            continue
        run(switch, parts, asked.calls)


if __name__ == "__main__":
    main()
