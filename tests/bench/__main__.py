"""Times answer to greeting and hangup to durable beside a plain dialplan; README.md says how."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable

from controlplane.callflows.prompts import Greeting
from controlplane.phone.sound import Heard
from controlplane.supervisor.instance import Instance
from tests.bench.calls import (
    add_plain_dialplan,
    add_trigger,
    answer_to_greeting,
    answer_to_playback,
    hangup_to_file,
    hangup_to_row,
)
from tests.bench.figures import Figures, table
from tests.support.processes import open_folder
from tests.support.product import Product

NAME = "Sales"
Timed = Callable[[int], Awaitable[float]]


async def by_turns(title: str, calls: int, ours: tuple[str, Timed], baseline: tuple[str, Timed]) -> str:
    """Time both kinds of call by turns; the first one of each is not counted."""
    both = [(Figures(name), timed) for name, timed in (ours, baseline)]
    for serial in range(calls + 1):
        for figures, timed in both:
            seconds = await timed(serial)
            if serial:
                figures.seconds.append(seconds)
    return f"{table(title, both[0][0], both[1][0])}\n  ({load()})"


async def measure(product: Product, calls: int) -> None:
    """Make all calls and print both tables."""
    (greeting,) = product.prompts.files(Greeting(display_name=NAME), "en")
    recordings = product.instance.state_dir / "bench"
    recordings.mkdir()
    box = await product.mailbox(display_name=NAME)
    await add_plain_dialplan(product, greeting, recordings)
    await add_trigger(product)
    silence = Heard.of(greeting).first_sound()
    assert silence is not None
    print(f"The greeting begins with {silence * 1000:.0f} ms of silence.")
    print(
        await by_turns(
            "\nanswer to greeting",
            calls,
            ("mailbox", lambda _: answer_to_greeting(product, box)),
            ("Answer(), Playback()", lambda _: answer_to_playback(product)),
        ),
        flush=True,
    )
    print(
        await by_turns(
            "\nhangup to durable",
            calls,
            ("message committed", lambda _: hangup_to_row(product, box)),
            ("Record(), file closed", lambda serial: hangup_to_file(product, recordings, serial)),
        ),
        flush=True,
    )


def load() -> str:
    """Tell how busy the machine is."""
    return f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"


def main() -> None:
    """Run a private instance and time it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="of each kind")
    calls = parser.parse_args().calls
    print(f"Before: {load()}.", flush=True)
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start()
        try:
            asyncio.run(measure(Product(instance), calls))
        finally:
            instance.stop()


main()
