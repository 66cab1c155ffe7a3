"""Where rounds take place: a product of their own, its mail server, and folders that can be filled."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.soak.relay import relay
from tests.soak.stepped_clock import NoCompilerError, SteppedClock
from tests.soak.troubles import Scene
from tests.support.processes import open_folder
from tests.support.product import Product

# A message takes about 60 kB of each, and none is removed in a long run.
_DISK = "256m"
# Tries of a mail come soon, so that a round need not wait for the next one.
_MAIL = {
    "CONTROLPLANE_SMTP__HOST": "127.0.0.1",
    "CONTROLPLANE_SMTP__SECURITY": "none",
    "CONTROLPLANE_SMTP__TIMEOUT_SECONDS": "5",
    "CONTROLPLANE_SMTP__RETRY_SECONDS": str([2] * 60),
}


@asynccontextmanager
async def place(switch: str) -> AsyncIterator[Scene]:
    """Run all that a round needs until the block ends."""
    async with relay() as server:
        with open_folder() as folder:
            state = folder / "state"
            with _small_disks(state / "spool", state / "recordings") as full:
                clock = _clock(folder)
                settings = {**_MAIL, "CONTROLPLANE_SMTP__PORT": str(server.port)}
                product = Product.start(
                    state, switch=switch, **settings, **(clock.environment if clock else {})
                )
                try:
                    yield Scene(product=product, relay=server, full=full, clock=clock)
                finally:
                    product.instance.stop()


def _clock(folder: Path) -> SteppedClock | None:
    """Make a clock that can be stepped, where that is possible; else say why not."""
    try:
        return SteppedClock(folder)
    except NoCompilerError as error:
        print(error)  # noqa: T201 (for who runs it)
        return None


@contextmanager
def _small_disks(*folders: Path) -> Iterator[tuple[Path, ...]]:
    """Mount a small file system at each folder, where that is allowed; else there is none to fill."""
    mounted = []
    try:
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True)
            command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "tmpfs", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"No disk can be filled here: {done.stderr.strip()}")  # noqa: T201 (for who runs it)
                yield ()
                return
            mounted.append(folder)
        yield tuple(mounted)
    finally:
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
