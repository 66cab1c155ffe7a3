"""What is true of a real FreeSWITCH alone: digits and secrets, wideband phones, control, events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest
from controlplane.callflows.call import EndedBy, RecordLimits
from controlplane.domain.errors import CallerHungUp, SwitchUnavailable
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.events import FreeSwitchEvents
from tests.support.call_contract import meanwhile, seconds_of, write_tone
from tests.support.real_freeswitch_call import RealHarness
from tests.support.small_freeswitch import (
    PASSWORD,
    SECRET,
    SmallFreeSwitch,
)

LIMIT_SECONDS = 15
PIN = "7369142"
LIMITS = RecordLimits(max_seconds=20, silence_seconds=2)


class Sniffed:
    """Everything that a subscriber of all events gets."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[str] = []
        self._came = asyncio.Event()

    def take(self, event: str) -> None:
        """Keep an event that came."""
        self.events.append(event)
        self._came.set()

    def holding(self, text: str) -> set[str]:
        """Return the names of the events that hold a text."""
        return {
            unquote(event.partition("Event-Name: ")[2].partition("\n")[0])
            for event in self.events
            if text in event
        }

    async def expect(self, name: str, call_id: str) -> None:
        """Wait until an event of a call came."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not any(f"Event-Name: {name}\n" in event and call_id in event for event in self.events):
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def sniffing(small: SmallFreeSwitch) -> AsyncIterator[Sniffed]:
    """Listen to every event of the switch."""
    sniffed = Sniffed()
    reader, writer = await asyncio.open_connection("127.0.0.1", small.event_port)

    async def read() -> None:
        while head := await reader.readuntil(b"\n\n"):
            _, found, length = head.partition(b"Content-Length: ")
            body = await reader.readexactly(int(length.split()[0])) if found else b""
            sniffed.take(body.decode(errors="replace"))

    writer.write(f"auth {PASSWORD}\n\nevent plain ALL\n\n".encode())
    try:
        async with meanwhile(asyncio.create_task(read())):
            yield sniffed
    finally:
        writer.close()


async def test_pin_leaves_no_trace(harness: RealHarness, small: SmallFreeSwitch) -> None:
    """It is in no variable, no line of the log at its most talkative, and no event but one.

    The event that says that `read` has ended holds it, for whoever subscribed to all of those.
    """
    async with sniffing(small) as sniffed, harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=8, first_timeout=10, digit_timeout=5))
        async with meanwhile(reading):
            await caller.press(f"{PIN}#")

            assert PIN == await reading
        variables = await small.api(f"uuid_dump {call.facts.call_id}")
        await caller.hang_up()
        await sniffed.expect("CHANNEL_HANGUP_COMPLETE", call.facts.call_id)

    assert {"CHANNEL_EXECUTE_COMPLETE"} == sniffed.holding(PIN)
    assert set() == sniffed.holding("Event-Name: DTMF")
    assert PIN not in variables + small.log
    assert "DTMF" not in small.log


async def test_half_a_pin_is_in_no_report_of_the_call(harness: RealHarness, small: SmallFreeSwitch) -> None:
    """Who hangs up while he types leaves nothing for a call record."""
    async with sniffing(small) as sniffed, harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=20, first_timeout=10, digit_timeout=9))
        async with meanwhile(reading):
            await caller.press(PIN)
            await small.until_keys(call.facts.call_id, len(PIN))
            await caller.call.hang_up()
            with pytest.raises(CallerHungUp):
                await reading
    assert sniffed.holding(call.facts.call_id)
    assert not sniffed.holding(PIN) - {"CHANNEL_EXECUTE_COMPLETE", "CHANNEL_EXECUTE"}


async def test_secret_leaves_the_channel(harness: RealHarness, small: SmallFreeSwitch) -> None:
    """When the flow begins it is in no variable any more."""
    async with harness.call() as (call, _):
        assert SECRET not in unquote(await small.api(f"uuid_dump {call.facts.call_id}"))


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
async def test_positions_and_recordings_are_the_same_for_every_codec(
    harness: RealHarness, codec: str
) -> None:
    """A channel of 16 kHz counts otherwise; we do not."""
    harness.codec = codec
    message = write_tone(harness.folder / "message.wav", hertz=600, seconds=4.0)
    path = harness.folder / "take.wav"
    async with harness.call() as (call, caller):
        await call.answer()
        whole = await call.play_recording(message)
        end = await call.play_recording(message, offset_ms=3000)
        await caller.speak(2)
        recording = await call.record(path, LIMITS)

    assert (4000, 4000) == (whole.position_ms, end.position_ms)
    assert EndedBy.SILENCE is recording.ended_by
    assert abs(seconds_of(path) - 4.0) < 0.5


async def test_phone_that_suppresses_silence_is_recorded_whole(harness: RealHarness) -> None:
    """The gaps are filled, and silence still ends the recording."""
    harness.silence_suppression = True
    path = harness.folder / "take.wav"
    async with harness.call() as (call, caller):
        await call.answer()
        await caller.speak(2)
        recording = await call.record(path, LIMITS)

    assert EndedBy.SILENCE is recording.ended_by
    # Without them it has the two seconds that he spoke.
    assert seconds_of(path) > 3


def _control(small: SmallFreeSwitch) -> FreeSwitchControl:
    return FreeSwitchControl(host="127.0.0.1", port=small.event_port, password=PASSWORD)


async def test_broken_configuration_is_refused_and_the_old_one_stays(small: SmallFreeSwitch) -> None:
    """FreeSWITCH says +OK; we read what is behind it."""
    path = small.folder / "conf" / "freeswitch.xml"
    whole = path.read_text()
    control = _control(small)
    try:
        path.write_text(whole.replace("</document>", ""))
        with pytest.raises(SwitchUnavailable, match="kept its old configuration"):
            await control.reload()
        live = await control.live_configuration()
    finally:
        path.write_text(whole)

    assert {"101@127.0.0.1"} == live.endpoints


async def test_end_of_a_recording_is_told(harness: RealHarness, small: SmallFreeSwitch) -> None:
    """The listener hears of it with the channel's id, when the file is complete."""
    told: asyncio.Queue[str] = asyncio.Queue()
    events = FreeSwitchEvents(
        host="127.0.0.1",
        port=small.event_port,
        password=PASSWORD,
        on_record_stop=told.put_nowait,
        on_booted=lambda: told.put_nowait("booted"),
        on_lamp_query=lambda _: None,
        on_trunk=lambda _: None,
    )
    async with meanwhile(asyncio.create_task(events.run())):
        assert "booted" == await asyncio.wait_for(told.get(), LIMIT_SECONDS)
        path = harness.folder / "take.wav"
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.speak(8)
            recording = asyncio.create_task(call.record(path, LIMITS))
            async with meanwhile(recording):
                await caller.expect_to_be_recorded(path)
                await small.until_media(call.facts.call_id, seconds=1)
                await caller.hang_up()

                assert call.facts.call_id == await asyncio.wait_for(told.get(), LIMIT_SECONDS)
                assert seconds_of(path) > 0
