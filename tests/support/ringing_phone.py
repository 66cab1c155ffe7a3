"""A phone that is called: it rings, answers, declines or says busy, and tells what it was offered."""

from __future__ import annotations

import asyncio
import re
import secrets
from enum import Enum

from tests.support.raw_sip import RawCall, RawPhone, _all, _headers


class Reply(Enum):
    """What a phone does with a call."""

    BUSY = b"486 Busy Here"
    DECLINE = b"603 Decline"
    RING = b"180 Ringing"
    ANSWER = b"200 OK"


class RingingPhone(RawPhone):
    """A phone whose `reply` is what it does with each call."""

    reply: Reply = Reply.RING

    def __init__(self, server: tuple[str, int], *, address: str = "127.0.0.1") -> None:
        super().__init__(server, address=address)
        self.offered_at: list[float] = []
        """When calls came, on the clock of the loop."""
        self.cancelled: list[float] = []
        """When the switch took them back."""
        self.rings = asyncio.Event()
        self.taken_back = asyncio.Event()
        self.talking = asyncio.Event()
        self._offers: dict[bytes, tuple[bytes, bytes]] = {}
        self._taken: RawCall | None = None

    def cancel(self, call: RawCall) -> None:
        """Take back a call that this phone made and nobody answered."""
        like = self.request(b"ACK", call).replace(b";tag=" + call.to_tag, b"") if call.to_tag else b""
        data = like or self.request(b"ACK", call)
        self.send(data.replace(b"ACK ", b"CANCEL ", 1).replace(b" ACK\r\n", b" CANCEL\r\n", 1))

    def hang_up(self) -> None:
        """End the call that this phone answered."""
        assert self._taken is not None, "this phone answered nothing"
        self._taken.hang_up()

    def _incoming(self, call: RawCall | None, data: bytes, headers: dict[bytes, bytes]) -> None:
        if data.startswith(b"INVITE") and b";tag=" not in headers[b"to"]:
            if headers[b"call-id"] not in self._offers:
                self._offer(data, headers)
        elif data.startswith(b"CANCEL"):
            self._send(data, headers, b"200 OK")
            offer, tag = self._offers[headers[b"call-id"]]
            self._send(offer, _headers(offer), b"487 Request Terminated", tag)
            self.cancelled.append(asyncio.get_running_loop().time())
            self.taken_back.set()
        elif data.startswith(b"ACK"):
            if call is not None:
                self.talking.set()
        else:
            super()._incoming(call, data, headers)

    def _offer(self, data: bytes, headers: dict[bytes, bytes]) -> None:
        tag = secrets.token_hex(4).encode()
        self._offers[headers[b"call-id"]] = (data, tag)
        self.invited.append(data)
        self.offered_at.append(asyncio.get_running_loop().time())
        self.rings.set()
        if self.reply is not Reply.ANSWER:
            self._send(data, headers, self.reply.value, tag)
            return
        target = re.search(rb"<([^>]+)>", headers[b"contact"])
        assert target is not None, data
        self._taken = RawCall(
            phone=self,
            headers={
                "uri": target[1],
                "to": headers[b"from"],
                "from": headers[b"to"] + b";tag=" + tag,
                "id": headers[b"call-id"],
                "contact": b"<sip:raw@%s:%d>" % (self._address.encode(), self.sip_port),
            },
        )
        self.calls[headers[b"call-id"]] = self._taken
        self._taken.answered.set()
        self._send(data, headers, self.reply.value, tag, answer=True)

    def _send(
        self,
        data: bytes,
        headers: dict[bytes, bytes],
        status: bytes,
        tag: bytes = b"",
        *,
        answer: bool = False,
    ) -> None:
        sdp = b""
        to = headers[b"to"] + (b";tag=" + tag if tag and b"tag=" not in headers[b"to"] else b"")
        lines = [b"SIP/2.0 " + status, *(b"Via: " + via for via in _all(data, b"via"))]
        lines += [b"From: " + headers[b"from"], b"To: " + to, b"Call-ID: " + headers[b"call-id"]]
        lines += [b"CSeq: " + headers[b"cseq"]]
        if answer:
            sdp = self.sdp
            lines += [
                b"Contact: <sip:raw@%s:%d>" % (self._address.encode(), self.sip_port),
                b"Content-Type: application/sdp",
            ]
        lines += [b"Content-Length: %d" % len(sdp), b"", sdp]
        self.send(b"\r\n".join(lines))
