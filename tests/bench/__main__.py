"""Times the product beside what its switch has of its own; README.md says how."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
from collections.abc import AsyncIterator, Collection, Sequence
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
from tests.bench.lamps import time_lamps
from tests.bench.noise import mu_law
from tests.bench.parts import (
    time_durable,
    time_greeting,
    time_load,
    time_together,
    time_together_beside,
)
from tests.bench.publishing import SIZES, time_publishing
from tests.bench.sipp import need_sipp
from tests.support.live import without_freeswitch
from tests.support.processes import open_folder
from tests.support.product import Product

NAME = "Sales"
# What leaves many jobs behind comes last.
PARTS = ("greeting", "durable", "lamps", "together", "load", "publishing")
STANDING_BESIDE = frozenset({"greeting", "durable", "together"})
WITH_SIPP = frozenset({"load", "together"})
# Enough for 250 calls, above the ports that Linux gives to outgoing connections.
RTP_PORTS = "61000-61499"
NOISE_SECONDS = 120
_ENDED = 143
Sizes = Sequence[tuple[int, int]]


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


async def measure(
    product: Product, switch: str, folder: Path, parts: Collection[str], *, count: int, sizes: Sizes
) -> None:
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
    if not STANDING_BESIDE.isdisjoint(parts):
        async with standing_beside(product, switch, greeting, folder) as beside:
            if "greeting" in parts:
                await time_greeting(product, beside, plain, count)
            if "durable" in parts:
                await time_durable(product, beside, plain, count)
            if "together" in parts:
                await time_together_beside(beside, folder, speech)
    if "lamps" in parts:
        await time_lamps(product, count)
    if "together" in parts:
        await time_together(product, mailed, folder, speech, greeting_seconds)
    if "load" in parts:
        await time_load(product, mailed, folder, speech, greeting_seconds)
    if "publishing" in parts:
        await time_publishing(product, switch, sizes)


def run(switch: str, parts: Collection[str], count: int, sizes: Sizes) -> None:
    """Run a private instance on a switch and time it."""
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", switch, "--rtp-ports", RTP_PORTS)
        try:
            print(f"\n=== {described(instance)}", flush=True)
            asyncio.run(measure(Product(instance), switch, folder, parts, count=count, sizes=sizes))
        finally:
            instance.stop()


def described(instance: Instance) -> str:
    """Return what `up` said of the switch that it starts."""
    said = instance.log.read_text(errors="replace")
    return next((line for line in said.splitlines() if "and the processes" in line), "an unknown switch")


def _size(text: str) -> tuple[int, int]:
    mailboxes, _, extensions = text.partition(":")
    return int(mailboxes), int(extensions)


def main() -> None:
    """Time what was asked for, one switch after another."""
    # A `timeout` ends it like that: what it started must end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_ENDED))
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=20, help="of each kind, of those that come one at a time"
    )
    parser.add_argument("--switch", choices=("asterisk", "freeswitch"), help="only this one")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    parser.add_argument(
        "--objects",
        default=",".join(f"{mailboxes}:{extensions}" for mailboxes, extensions in SIZES),
        help="mailboxes:extensions that publishing is timed with, each more than before: %(default)s",
    )
    asked = parser.parse_args()
    sizes = [_size(text) for text in asked.objects.split(",")]
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
        run(switch, parts, asked.calls, sizes)


if __name__ == "__main__":
    main()
