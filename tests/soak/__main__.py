"""Rounds of calls with something breaking in each: `make soak ROUNDS=200`, or `python -m tests.soak`.

Prints a line a round. A round that fails names its seed, which replays it: `make soak ROUNDS=1 SEED=17`.
"""

# ruff: noqa: T201 (it tells how far it is)

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter

from tests.soak import round as rounds
from tests.soak.place import place


def main() -> int:
    """Run the rounds; return 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=8, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default: %(default)s)")
    parser.add_argument("--switch", choices=("asterisk", "freeswitch"), default="asterisk")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seed < 0:
        parser.error("--rounds is at least 1, --seed at least 0.")
    return asyncio.run(_run(arguments.switch, arguments.seed, arguments.rounds))


async def _run(switch: str, seed: int, count: int) -> int:
    failed: list[str] = []
    troubles: Counter[str] = Counter()
    async with place(switch) as scene:
        for number in range(seed, seed + count):
            wanted = rounds.plan(number, has=scene.has)
            begin = time.monotonic()
            try:
                said = await rounds.run(scene, wanted)
            except Exception as error:  # noqa: BLE001 (the other rounds still tell something)
                said = f"FAILED: {error if isinstance(error, rounds.Violation) else repr(error)}"
                failed.append(str(wanted))
            troubles[wanted.trouble.name] += 1
            print(
                f"[{number - seed + 1}/{count}] {wanted}: {said} ({time.monotonic() - begin:.0f} s)",
                flush=True,
            )
    print(f"{count} rounds on {switch} with {len(troubles)} kinds of trouble, {len(failed)} failed.")
    for each in failed:
        print(f"  {each}")
    return 1 if failed else 0


sys.exit(main())
