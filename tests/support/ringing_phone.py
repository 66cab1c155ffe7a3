"""A phone that is called, and tells when calls came and were taken back."""

from __future__ import annotations

import asyncio
from enum import IntEnum

from tests.support.raw_sip import RawCall, RawPhone


class Reply(IntEnum):
    """What a phone does with a call; one that was switched off without a word is silent."""

    SILENT = 0
    RING = 180
    ANSWER = 200
    BUSY = 486
    DECLINE = 603


class RingingPhone(RawPhone):
    """A phone whose `reply` is what it does with each call; it rings unless told otherwise."""

    def __init__(self, server: tuple[str, int], *, address: str = "127.0.0.1") -> None:
        super().__init__(server, address=address)
        self.reply = Reply.RING
        self.offered_at: list[float] = []
        """When calls came, on the clock of the loop."""
        self.cancelled_at: list[float] = []
        """When the switch took them back."""
        self.rings = asyncio.Event()
        self.taken_back = asyncio.Event()
        self.talking = asyncio.Event()

    def cancel(self, call: RawCall) -> None:
        """Take back a call that this phone made and nobody answered."""
        like = self.request(b"ACK", call)
        if call.to_tag:
            like = like.replace(b";tag=" + call.to_tag, b"")
        self.send(like.replace(b"ACK ", b"CANCEL ", 1).replace(b" ACK\r\n", b" CANCEL\r\n", 1))

    def hang_up(self) -> None:
        """End the call that this phone answered."""
        self.taken[-1].hang_up()

    def _incoming(self, call: RawCall | None, data: bytes, headers: dict[bytes, bytes]) -> None:
        now = asyncio.get_running_loop().time()
        if data.startswith(b"INVITE") and headers[b"call-id"] not in self.calls:
            self.offered_at.append(now)
            self.rings.set()
        elif data.startswith(b"CANCEL"):
            self.cancelled_at.append(now)
            self.taken_back.set()
        elif data.startswith(b"ACK") and call is not None:
            self.talking.set()
        if self.reply is not Reply.SILENT:
            super()._incoming(call, data, headers)
