"""A lock on a folder against every other process of this host that writes into it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.domain.errors import Unavailable

_ASK_AGAIN_SECONDS = 0.02


@asynccontextmanager
async def folder_lock(folder: Path, *, limit_seconds: float = 120.0) -> AsyncIterator[None]:
    """Hold `<folder>/.lock`, and make the folder if need be; raises Unavailable after the limit.

    The kernel gives it back when the process dies.
    """
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            async with asyncio.timeout(limit_seconds):
                while not _locked(descriptor):  # noqa: ASYNC110 (another process lets go; no event tells)
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise Unavailable(f"Another process keeps {folder} locked.") from error
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
