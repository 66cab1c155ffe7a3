"""Hashes of PINs that are made before a transaction: each takes long, and none is open meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from controlplane.domain.pin import Pin
from controlplane.services.mailboxes import PinHashing


class ReadyHashes:
    """A PinHashing that gives away what was prepared, each hash once."""

    def __init__(self, hashes: dict[str, list[str]]) -> None:
        self._hashes = hashes

    async def hash(self, pin: Pin) -> str:
        """Return a hash of this PIN."""
        return self._hashes[pin.reveal()].pop()


class NoHashes:
    """A PinHashing for what is never kept."""

    async def hash(self, pin: Pin) -> str:  # noqa: ARG002 (the port's)
        """Return what no PIN fits."""
        return "none"


async def ready_hashes(hasher: PinHashing, pins: Collection[str]) -> ReadyHashes:
    """Hash PINs, also each of several equal ones: equal PINs must not show as equal hashes."""
    hashed = await asyncio.gather(*(hasher.hash(Pin(pin)) for pin in pins))
    ready: dict[str, list[str]] = {}
    for pin, one in zip(pins, hashed, strict=True):
        ready.setdefault(pin, []).append(one)
    return ReadyHashes(ready)
