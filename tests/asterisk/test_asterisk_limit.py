"""A FastAGI server that hangs in the middle of a call is left by Asterisk itself, at the limit."""

from __future__ import annotations

from uuid import UUID

from tests.support.agi_peer import AgiRequest, agi_peer
from tests.support.dialplan_rig import DialplanRig
from tests.support.raw_sip import RawPhone, near
from tests.support.rig import TONES

THANKS = TONES["thank-you"]
RECORDING = UUID("55555555-5555-4555-8555-555555555555")
HEADER = 44


async def test_a_server_that_hangs_in_the_review_menu_keeps_the_take(
    rig: DialplanRig, phone: RawPhone
) -> None:
    """At the limit in stage review the recording is there: the caller is thanked, not recorded again."""

    async def script(request: AgiRequest) -> None:
        (rig.spool / f"{RECORDING}.wav").write_bytes(b"\0" * 16044)
        await request.answer()
        await request.recording(RECORDING)
        await request.stage("review")
        await request.hang()

    async with agi_peer(rig.calls_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    assert {f"{RECORDING}.wav": b"\0" * 16044} == rig.takes()


async def test_a_server_that_hangs_while_recording_keeps_the_take(rig: DialplanRig, phone: RawPhone) -> None:
    """The limit ends the recording of a server that stopped meanwhile: the caller is thanked."""

    async def script(request: AgiRequest) -> None:
        await request.answer()
        await request.recording(RECORDING)
        await request.stage("recording")
        await request.command('SET VARIABLE "TIMEOUT(absolute)" 3')
        request.writer.write(f'RECORD FILE "{rig.spool}/{RECORDING}" wav "#" 60000 0 s=30\n'.encode())
        await request.hang()

    async with agi_peer(rig.calls_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    ((name, audio),) = rig.takes().items()
    assert f"{RECORDING}.wav" == name
    assert len(audio) > HEADER + 16000
