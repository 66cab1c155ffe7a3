"""The phone at a scripted other side: when it tells that a call ended, it has written all that it heard."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from controlplane.phone.phone import Phone, Server
from tests.support.product import need_phone
from tests.support.raw_sip import RawPhone

HEADER_BYTES = 44
_CONTACT = re.compile(rb"@([\d.]+):(\d+)")


class Callee(RawPhone):
    """Answers, and speaks to who calls it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0))
        self.reply = 200
        self.called = asyncio.Event()

    def _invite(self, data: bytes, headers: dict[bytes, bytes]) -> None:
        found = _CONTACT.search(headers[b"contact"])
        assert found is not None
        self.server = (found[1].decode(), int(found[2]))
        super()._invite(data, headers)
        self.called.set()


async def test_the_end_is_told_with_the_whole_recording(tmp_path: Path) -> None:
    """The other side speaks and hangs up; at that moment the recording's header counts what is in it."""
    need_phone()
    async with Callee().opened() as callee, await Phone.start(folder=tmp_path) as phone:
        server = Server(address="127.0.0.1", port=callee.sip_port)
        await phone.stranger(server)
        for _ in range(3):
            call = await phone.dial(server, "200", account="outside")
            await call.answered()
            for _ in range(25):
                await callee.media_sent()
            callee.taken[-1].hang_up()
            await call.ended()
            data = call.recording.read_bytes()

            assert len(data) - HEADER_BYTES == int.from_bytes(data[40:HEADER_BYTES], "little") > 0
