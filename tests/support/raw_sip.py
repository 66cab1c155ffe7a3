"""A SIP caller made by hand over UDP: it sends what no SIP stack would let through, and hears tones.

RFC 3261 as far as a caller needs it. Media is RTP with PCMU: a steady tone out, what came in is
kept, and `tones` tells which frequencies were heard in which order.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from controlplane.phone.sound import Heard

_FRAME = 160
_LONGEST_SECONDS = 4.0
_SDP_PORT = re.compile(rb"m=audio (\d+)")
_SDP_ADDRESS = re.compile(rb"c=IN IP4 ([\d.]+)")
_CHALLENGES = {
    401: (b"www-authenticate", b"Authorization"),
    407: (b"proxy-authenticate", b"Proxy-Authorization"),
}
_REASONS = {180: b"Ringing", 200: b"OK", 486: b"Busy Here", 487: b"Request Terminated", 603: b"Decline"}
_CHALLENGE = re.compile(rb'(\w+)="?([^",]*)"?')


def _linear(data: bytes) -> np.ndarray:
    """Decode G.711 mu-law (ITU-T G.711)."""
    code = (~np.frombuffer(data, dtype=np.uint8)).astype(np.int32)
    size = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - size, size - 0x84).astype(np.float32)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.received.put_nowait(data)


@dataclass
class RawCall:
    """One call; `statuses` are those of all answers to its requests, in order."""

    phone: RawPhone
    headers: dict[str, bytes]
    statuses: list[int] = field(default_factory=list)
    to_tag: bytes = b""
    branch: bytes = b""
    sequence: int = 1
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    final: asyncio.Event = field(default_factory=asyncio.Event)
    end_cause: bytes = b""
    answer: bytes = b""
    """The 200 of the INVITE as it came."""
    answered_at: float = 0.0
    """When that was, on the clock of the loop."""

    async def wait_answered(self, limit: float = 10) -> None:
        """Wait for the 200 of the INVITE."""
        async with asyncio.timeout(limit):
            await self.answered.wait()

    async def wait_ended(self, limit: float = 30) -> None:
        """Wait until the other side hangs up or refuses."""
        async with asyncio.timeout(limit):
            await self.ended.wait()

    async def wait_tone(self, hertz: float, limit: float = 20) -> None:
        """Wait until this tone is among those heard."""
        async with asyncio.timeout(limit):
            while not any(abs(tone - hertz) < 25 for tone in self.phone.tones()):
                for _ in range(5):  # a window of `tones`
                    await self.phone.media()

    def refer(self, target: bytes) -> None:
        """Ask the switch to send the other party to `target`, such as `<sip:8001@host>`."""
        self.sequence += 1
        refers = b"Refer-To: %s\r\nReferred-By: %s" % (target, self.headers["contact"])
        self.phone.send(self.phone.request(b"REFER", self, refers))

    def hang_up(self) -> None:
        """Send BYE."""
        self.sequence += 1
        self.phone.send(self.phone.request(b"BYE", self))


class RawPhone:
    """A UDP socket for SIP and one for RTP, both on `address`."""

    def __init__(self, server: tuple[str, int], *, address: str = "127.0.0.1") -> None:
        self.server = server
        self._address = address
        # Without RTP: a phone that suppresses silence. `quiet`: RTP that holds silence.
        self.silent = False
        self.quiet = False
        self.calls: dict[bytes, RawCall] = {}
        self._heard = bytearray()
        self._arrivals: list[float] = []
        self._credentials: dict[bytes, tuple[str, str]] = {}
        self._invites: dict[bytes, tuple[bytes, bytes]] = {}
        self._media_target: tuple[str, int] | None = None
        self._media_came = asyncio.Event()
        self._media_sent = asyncio.Event()
        self._sent_frames = 0
        self._registered: list[tuple[str, str, bytes, str]] = []
        self.notified: list[bytes] = []
        self.notified_at: list[float] = []
        """When each of them came, on the clock of the loop."""
        self._ringing: dict[bytes, bytes] = {}
        # What a call to this phone meets: a final answer, 180 to ring until the caller gives up.
        self.reply = 486
        self.taken: list[RawCall] = []
        """The calls to this phone that it answered."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RawPhone]:
        """Open the sockets and run until the block ends."""
        loop = asyncio.get_running_loop()
        self._sip, sip = await loop.create_datagram_endpoint(_Protocol, local_addr=(self._address, 0))
        self._rtp, rtp = await loop.create_datagram_endpoint(_Protocol, local_addr=(self._address, 0))
        self.sip_port = self._sip.get_extra_info("sockname")[1]
        self.rtp_port = self._rtp.get_extra_info("sockname")[1]
        tasks = [
            asyncio.create_task(self._answer(sip)),
            asyncio.create_task(self._hear(rtp)),
            asyncio.create_task(self._speak()),
        ]
        try:
            yield self
        finally:
            for call in self.calls.values():
                if call.answered.is_set() and not call.ended.is_set():
                    call.hang_up()
            for user, password, contact, domain in self._registered:
                await self.register(user, password, contact=contact, domain=domain, expires=0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._sip.close()
            self._rtp.close()

    def send(self, data: bytes) -> None:
        """Send bytes to the switch."""
        self._sip.sendto(data, self.server)

    def ask(self, call: RawCall, data: bytes, *, again_in: float = 0.5) -> None:
        """Send a request, again until something is answered (RFC 3261, 17.1.1.2): packets get lost."""
        self.send(data)
        answers = len(call.statuses)

        def again() -> None:
            if len(call.statuses) == answers and not self._sip.is_closing():
                self.ask(call, data, again_in=again_in * 2)

        if again_in <= _LONGEST_SECONDS:
            asyncio.get_running_loop().call_later(again_in, again)

    def request(self, method: bytes, call: RawCall, extra: bytes = b"", body: bytes = b"") -> bytes:
        """Compose a request of a call."""
        head = call.headers
        # The ACK of a refusal belongs to the transaction of its INVITE: with another branch it is none.
        if method != b"ACK" or call.answered.is_set():
            call.branch = secrets.token_hex(8).encode()
        to = head["to"] + (b";tag=" + call.to_tag if call.to_tag and method != b"REGISTER" else b"")
        via = b"SIP/2.0/UDP %s:%d;rport;branch=z9hG4bK%s" % (
            self._address.encode(),
            self.sip_port,
            call.branch,
        )
        lines = [
            method + b" " + head["uri"] + b" SIP/2.0",
            b"Via: " + via,
            b"Max-Forwards: 70",
            b"From: " + head["from"],
            b"To: " + to,
            b"Call-ID: " + head["id"],
            b"CSeq: %d %s" % (call.sequence, method),
            b"Contact: " + head["contact"],
        ]
        if extra:
            lines.append(extra)
        if body:
            lines.append(b"Content-Type: application/sdp")
        lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*lines, b"", body])

    def call(
        self,
        number: str | bytes,
        *,
        user: str | bytes = "outsider",
        name: bytes = b"",
        domain: str = "127.0.0.1",
        extra: bytes = b"",
        password: str | None = None,
        login: str | None = None,
        to: str | bytes | None = None,
        uri_parameters: str = "",
    ) -> RawCall:
        """Send an INVITE. `user` and `name` are put into From as they are; `extra` is header lines.

        `to` is the user of To where that is not the number; `uri_parameters` follow the Request-URI.
        """
        to_user = number if isinstance(number, bytes) else number.encode()
        named = to_user if to is None else to if isinstance(to, bytes) else to.encode()
        from_user = user if isinstance(user, bytes) else user.encode()
        host = domain.encode()
        call = RawCall(
            phone=self,
            headers={
                "uri": b"sip:%s@%s:%d" % (to_user, self.server[0].encode(), self.server[1])
                + uri_parameters.encode(),
                "to": b"<sip:%s@%s>" % (named, host),
                "from": (b'"%s" ' % name if name else b"")
                + b"<sip:%s@%s>;tag=%s" % (from_user, host, secrets.token_hex(4).encode()),
                "id": secrets.token_hex(8).encode(),
                "contact": b"<sip:raw@%s:%d>" % (self._address.encode(), self.sip_port),
            },
        )
        if password is not None:
            self._credentials[call.headers["id"]] = (login or from_user.decode(), password)
        sdp = self._sdp()
        self.calls[call.headers["id"]] = call
        self._invites[call.headers["id"]] = (extra, sdp)
        self.ask(call, self.request(b"INVITE", call, extra, sdp))
        return call

    def vanish(self) -> None:
        """Be switched off: nobody is at its address any more, and nothing is taken back."""
        self._registered.clear()
        self._sip.close()

    async def register(
        self, user: str, password: str, *, contact: bytes = b"", domain: str = "127.0.0.1", expires: int = 120
    ) -> int:
        """Register until the phone is closed; return the last status."""
        call = RawCall(
            phone=self,
            headers={
                "uri": b"sip:%s:%d" % (self.server[0].encode(), self.server[1]),
                "to": b"<sip:%s@%s>" % (user.encode(), domain.encode()),
                "from": b"<sip:%s@%s>;tag=%s"
                % (user.encode(), domain.encode(), secrets.token_hex(4).encode()),
                "id": secrets.token_hex(8).encode(),
                "contact": contact
                or b"<sip:%s@%s:%d>" % (user.encode(), self._address.encode(), self.sip_port),
            },
        )
        self.calls[call.headers["id"]] = call
        self._credentials[call.headers["id"]] = (user, password)
        self._invites[call.headers["id"]] = (b"Expires: %d" % expires, b"")
        self.ask(call, self.request(b"REGISTER", call, b"Expires: %d" % expires))
        async with asyncio.timeout(10):
            await call.final.wait()
        if call.statuses[-1] == 200 and expires:
            self._registered.append((user, password, contact, domain))
        return call.statuses[-1]

    async def subscribe(self, number: str, *, user: str, password: str, expires: int = 120) -> int:
        """Ask for the lamp of a number as an extension; return the last status. See `lamps`."""
        wanted = b"Event: message-summary\r\nAccept: application/simple-message-summary"
        return await self._subscribe(number, wanted, user=user, password=password, expires=expires)

    async def watch(self, key: str, *, user: str, password: str, expires: int = 120) -> int:
        """Have a BLF key that dials `key`, as an extension; return the last status. See `lights`."""
        wanted = b"Event: dialog\r\nAccept: application/dialog-info+xml"
        return await self._subscribe(key, wanted, user=user, password=password, expires=expires)

    async def _subscribe(self, number: str, wanted: bytes, *, user: str, password: str, expires: int) -> int:
        call = RawCall(
            phone=self,
            headers={
                "uri": b"sip:%s@%s:%d" % (number.encode(), self.server[0].encode(), self.server[1]),
                "to": b"<sip:%s@%s>" % (number.encode(), self.server[0].encode()),
                "from": b"<sip:%s@%s>;tag=%s"
                % (user.encode(), self.server[0].encode(), secrets.token_hex(4).encode()),
                "id": secrets.token_hex(8).encode(),
                "contact": b"<sip:%s@%s:%d>" % (user.encode(), self._address.encode(), self.sip_port),
            },
        )
        self.calls[call.headers["id"]] = call
        extra = wanted + b"\r\nExpires: %d" % expires
        if password:
            self._credentials[call.headers["id"]] = (user, password)
        self._invites[call.headers["id"]] = (extra, b"")
        self.ask(call, self.request(b"SUBSCRIBE", call, extra))
        async with asyncio.timeout(10):
            await call.final.wait()
        return call.statuses[-1]

    @property
    def lights(self) -> list[str]:
        """What this phone was told of its BLF keys, in order: `lit` or `dark`."""
        bodies = (data.partition(b"\r\n\r\n")[2] for data in self.notified)
        return [
            "lit" if b"<state>confirmed</state>" in body else "dark"
            for body in bodies
            if b"<dialog-info" in body
        ]

    @property
    def lamps(self) -> list[str]:
        """What this phone was told of lamps, in order, such as `yes 1/0`."""
        told: list[str] = []
        for data in self.notified:
            values = _headers(b"\r\n" + data.partition(b"\r\n\r\n")[2])
            if b"messages-waiting" in values:
                counts = values.get(b"voice-message", b"").partition(b" ")[0]
                told.append(f"{values[b'messages-waiting'].decode()} {counts.decode()}".strip())
        return told

    @property
    def heard_frames(self) -> int:
        """How many packets' worth of media came up to now."""
        return len(self._heard) // _FRAME

    @property
    def summaries(self) -> list[str]:
        """What this phone was told of lamps as RFC 3842 writes it, in order, such as `1/0 (0/0)`."""
        told = (_headers(b"\r\n" + data.partition(b"\r\n\r\n")[2]) for data in self.notified)
        return [values[b"voice-message"].decode().strip() for values in told if b"voice-message" in values]

    def tones(self, *, after: int = 0) -> list[float]:
        """Return the frequencies heard behind `after` frames, in hertz and in order, without silence."""
        sound = _linear(bytes(self._heard[after * _FRAME :]))
        found: list[float] = []
        window = 800
        for start in range(0, len(sound) - window + 1, window):
            part = sound[start : start + window]
            if np.abs(part).mean() < 500:
                continue
            hertz = float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(window), 8000)))) * 1.0
            if not found or abs(found[-1] - hertz) > 25:
                found.append(hertz)
        return found

    def voiced_at(self) -> float | None:
        """Return when the first 20 ms came that are louder than silence, on the clock of the loop."""
        begin = Heard(_linear(bytes(self._heard))).first_sound()
        return None if begin is None else self._arrivals[round(begin * 8000) // _FRAME]

    async def media(self) -> None:
        """Wait for more media."""
        self._media_came.clear()
        await self._media_came.wait()

    async def media_sent(self) -> int:
        """Wait until a packet of 20 ms was sent; return how many were since the phone was made.

        Who waits late finds several sent: late ones are sent one after the other.
        """
        self._media_sent.clear()
        await self._media_sent.wait()
        return self._sent_frames

    async def _hear(self, protocol: _Protocol) -> None:
        while True:
            packet = await protocol.received.get()
            self._heard += packet[12:]
            self._arrivals += [asyncio.get_running_loop().time()] * (len(packet[12:]) // _FRAME)
            self._media_came.set()

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        # mu-law of a square wave of 200 Hz
        frame = (b"\x20" * 20 + b"\xa0" * 20) * (_FRAME // 40)
        sequence, due = 0, loop.time()
        while True:
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._media_target is None or self.silent:
                continue
            sequence += 1
            head = b"\x80\x00" + (sequence & 0xFFFF).to_bytes(2, "big")
            head += ((sequence * _FRAME) & 0xFFFFFFFF).to_bytes(4, "big") + b"\x00\x00\x12\x34"
            self._rtp.sendto(head + (b"\xff" * _FRAME if self.quiet else frame), self._media_target)
            self._sent_frames += 1
            self._media_sent.set()

    async def _answer(self, protocol: _Protocol) -> None:
        while True:
            data = await protocol.received.get()
            headers = _headers(data)
            call = self.calls.get(headers.get(b"call-id", b""))
            if data.startswith(b"SIP/2.0"):
                if call is not None:
                    self._response(call, data, headers)
            else:
                self._incoming(call, data, headers)

    def _incoming(self, call: RawCall | None, data: bytes, headers: dict[bytes, bytes]) -> None:
        """Answer each request with 200, an INVITE as `reply` says."""
        if data.startswith(b"ACK"):
            return
        if data.startswith(b"INVITE"):
            self._invite(data, headers)
            return
        if data.startswith(b"NOTIFY") and data not in self.notified:
            # What is the same to the last header is said again, because our answer was late.
            self.notified.append(data)
            self.notified_at.append(asyncio.get_running_loop().time())
        self.send(self._reply(200, data, headers))
        if data.startswith(b"CANCEL"):
            invite = self._ringing.pop(headers[b"call-id"], None)
            if invite is not None:
                self.send(self._reply(487, invite, _headers(invite)))
        if call is not None and data.startswith(b"BYE"):
            call.end_cause = headers.get(b"reason", b"")
            call.ended.set()

    def _invite(self, data: bytes, headers: dict[bytes, bytes]) -> None:
        again = headers[b"call-id"] in {_headers(one)[b"call-id"] for one in self.invited}
        self.invited.append(data)
        if self.reply == 180:
            self._ringing[headers[b"call-id"]] = data
        if self.reply != 200:
            self.send(self._reply(self.reply, data, headers))
            return
        self.send(self._reply(200, data, headers, self._sdp()))
        self._hear_of(data)
        if not again:
            call = RawCall(
                phone=self,
                headers={
                    "uri": headers[b"contact"].split(b"<")[1].split(b">")[0],
                    "to": headers[b"from"],
                    "from": headers[b"to"] + b";tag=x1",
                    "id": headers[b"call-id"],
                    "contact": b"<sip:raw@%s:%d>" % (self._address.encode(), self.sip_port),
                },
            )
            call.answered.set()
            self.calls[headers[b"call-id"]] = call
            self.taken.append(call)

    def _reply(self, status: int, data: bytes, headers: dict[bytes, bytes], body: bytes = b"") -> bytes:
        lines = [b"SIP/2.0 %d %s" % (status, _REASONS.get(status, b"Whatever"))]
        lines += [b"Via: " + via for via in _all(data, b"via")]
        to = headers[b"to"] + (b";tag=x1" if b"tag=" not in headers[b"to"] else b"")
        lines += [b"From: " + headers[b"from"], b"To: " + to, b"Call-ID: " + headers[b"call-id"]]
        lines += [b"CSeq: " + headers[b"cseq"]]
        if data.startswith(b"INVITE"):
            lines += [b"Contact: <sip:raw@%s:%d>" % (self._address.encode(), self.sip_port)]
        if body:
            lines += [b"Content-Type: application/sdp"]
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])

    def _sdp(self) -> bytes:
        return (
            b"v=0\r\no=- 1 1 IN IP4 %(address)s\r\ns=-\r\nc=IN IP4 %(address)s\r\nt=0 0\r\n"
            b"m=audio %(port)d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
            % {b"address": self._address.encode(), b"port": self.rtp_port}
        )

    def _hear_of(self, data: bytes) -> None:
        """Send media to where a description says."""
        port, address = _SDP_PORT.search(data), _SDP_ADDRESS.search(data)
        if port and address:
            self._media_target = (address[1].decode(), int(port[1]))

    @property
    def invited(self) -> list[bytes]:
        """The INVITEs that reached this phone."""
        if not hasattr(self, "_invited"):
            self._invited: list[bytes] = []
        return self._invited

    def _response(self, call: RawCall, data: bytes, headers: dict[bytes, bytes]) -> None:
        status = int(data[8:11])
        number, method = headers[b"cseq"].split()
        earlier = int(number) < call.sequence
        if earlier and status in _CHALLENGES and method != b"INVITE":
            return  # said again, since it was asked again
        call.statuses.append(status)
        tag = re.search(rb"tag=([^;\s]+)", headers[b"to"])
        if tag and status >= 101:
            call.to_tag = tag[1]
        if status < 200:
            return
        if method == b"INVITE":
            if status < 300:
                call.answered.set()
            self.send(self.request(b"ACK", call))
            if earlier:
                return  # said again, because our ACK was late
        if status in _CHALLENGES and call.headers["id"] in self._credentials:
            call.to_tag = b""
            call.sequence += 1
            extra, body = self._invites[call.headers["id"]]
            asking, answering = _CHALLENGES[status]
            login = answering + self._login(call, method, headers[asking])
            del self._credentials[call.headers["id"]]
            wanted = b"\r\n".join(part for part in (extra, login) if part)
            self.ask(call, self.request(method, call, wanted, body))
            return
        call.final.set()
        if method == b"INVITE" and status < 300:
            self._hear_of(data)
            call.answer = data
            call.answered_at = asyncio.get_running_loop().time()
        elif method in {b"INVITE", b"BYE"}:
            call.ended.set()

    def _login(self, call: RawCall, method: bytes, challenge: bytes) -> bytes:
        """Answer a digest challenge (RFC 2617, MD5)."""
        asked = {key.decode(): value.decode() for key, value in _CHALLENGE.findall(challenge)}
        user, password = self._credentials[call.headers["id"]]
        uri = call.headers["uri"].decode()

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first = md5(f"{user}:{asked['realm']}:{password}")
        second = md5(f"{method.decode()}:{uri}")
        answer = md5(f"{first}:{asked['nonce']}:00000001:cn:auth:{second}")
        return (
            f': Digest username="{user}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", '
            f'uri="{uri}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cn", response="{answer}"'
            + (f', opaque="{asked["opaque"]}"' if "opaque" in asked else "")
        ).encode()


def _all(data: bytes, name: bytes) -> list[bytes]:
    return [
        line.split(b":", 1)[1].strip()
        for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        if line.split(b":", 1)[0].strip().lower() == name
    ]


def _headers(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        found.setdefault(name.strip().lower(), value.strip())
    return found


def near(expected: list[float], heard: list[float]) -> bool:
    """Tell whether these tones were heard in this order, with nothing else."""
    return len(expected) == len(heard) and all(
        abs(one - other) < 25 for one, other in zip(expected, heard, strict=True)
    )


def addresses_told(answer: bytes | str) -> tuple[str, str]:
    """Return the address of the Contact and that of the media in an answer."""
    text = answer if isinstance(answer, str) else answer.decode()
    contact = re.search(r"^Contact: <sip:(?:[^@>]*@)?([^:;>]+)", text, re.MULTILINE)
    media = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    assert contact is not None, text
    assert media is not None, text
    return contact[1], media[1]


async def leave(
    phone: RawPhone, number: str | bytes = "8001", *, beep: float = 1400, limit: float = 20, **call: Any
) -> None:
    """Call, speak after the beep, fall silent, and wait until the dialplan ends the call."""
    made = phone.call(number, **call)
    await made.wait_tone(beep, limit)
    for _ in range(80):
        await phone.media_sent()
    phone.quiet = True
    await made.wait_ended()


async def leave_as(server: tuple[str, int], number: str, name: str, **options: Any) -> None:
    """Leave a message for `number` as a caller of this name, longer than the shortest one."""
    async with RawPhone(server).opened() as phone:
        call = phone.call(number, user="5551234", name=name.encode(), **options)
        await call.wait_answered(20)
        await call.wait_tone(1000)  # the beep
        for _ in range(80):
            await phone.media_sent()
        call.hang_up()
        await call.wait_ended()
