"""Phones that write down when they were rung, and for how long."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.support.raw_sip import RawCall
from tests.support.ringing_phone import RingingPhone


@dataclass
class Ring:
    """That a phone was offered a call; `seconds` until it was taken back, None if it never was."""

    number: str
    began_at: float
    """In seconds of the epoch, for what counts by the second of the clock."""
    seconds: float | None = None


class LoggingPhone(RingingPhone):
    """A phone of an extension that adds to `rings`; it sends no audio before somebody talks."""

    def __init__(self, server: tuple[str, int], *, number: str = "", rings: list[Ring] | None = None) -> None:
        super().__init__(server)
        self.number = number
        self._rings = [] if rings is None else rings
        self._ringing_since: dict[bytes, tuple[Ring, float]] = {}
        self._has_media = asyncio.Event()

    def _incoming(self, call: RawCall | None, data: bytes, headers: dict[bytes, bytes]) -> None:
        now, name = asyncio.get_running_loop().time(), headers[b"call-id"]
        if data.startswith(b"INVITE") and name not in self.calls and name not in self._ringing_since:
            ring = Ring(number=self.number, began_at=time.time())
            self._ringing_since[name] = (ring, now)
            self._rings.append(ring)
        elif data.startswith(b"CANCEL") and name in self._ringing_since:
            ring, since = self._ringing_since[name]
            ring.seconds = now - since
        super()._incoming(call, data, headers)

    def _hear_of(self, data: bytes) -> None:
        super()._hear_of(data)
        self._has_media.set()

    async def _speak(self) -> None:
        # Eighty phones that look fifty times a second whether there is anything to say cost half a processor.
        await self._has_media.wait()
        await super()._speak()
