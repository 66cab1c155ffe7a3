"""A real phone that calls our server through a private FreeSWITCH, as a harness of the Call contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from controlplane.callflows.call import Call, Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.phone.phone import Phone, PhoneCall
from controlplane.phone.sound import read
from controlplane.switches.freeswitch.server import OutboundSocketServer
from controlplane.switches.freeswitch.variables import WORDS
from tests.support.call_contract import ContractPrompts, Left, onward_of, write_tone
from tests.support.small_freeswitch import SECRET, TENANT, SmallFreeSwitch

Q850 = {
    "NORMAL_CLEARING": "16",
    "UNALLOCATED_NUMBER": "1",
    "USER_BUSY": "17",
    "NORMAL_TEMPORARY_FAILURE": "41",
}
LIMIT_SECONDS = 10.0


def pitches(path: Path) -> set[int]:
    """Return the frequencies, rounded to 50 Hz, that fill at least two windows of 50 ms."""
    if not path.exists():
        return set()
    samples = read(path)
    found: list[int] = []
    for begin in range(0, len(samples) - 400, 400):
        window = samples[begin : begin + 400]
        if np.abs(window).mean() > 500:
            spectrum = np.abs(np.fft.rfft(window))
            found.append(round(float(np.argmax(spectrum)) * 20 / 50) * 50)
    return {pitch for pitch in found if found.count(pitch) >= 2}


@dataclass
class RealCaller:
    """A phone that calls a private FreeSWITCH."""

    rig: SmallFreeSwitch
    call: PhoneCall
    call_id: str
    folder: Path
    _left: Left | None = None

    async def press(self, keys: str) -> None:
        """Press keys as a person does, one after another."""
        await self.call.press(keys)

    async def hang_up(self) -> None:
        """Leave, and wait until the switch knows."""
        await self.call.hang_up()
        await self.rig.until_gone(self.call_id)

    async def speak(self, seconds: float) -> None:
        """Begin to speak."""
        sound = write_tone(self.folder / "spoken.wav", hertz=300, seconds=seconds)
        await self.call.say(sound, wait=False)

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait until the file is there."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not path.exists():  # noqa: ASYNC110 (another process makes it)
                await asyncio.sleep(0.02)

    async def expect_to_hear(self, path: Path) -> None:
        """Wait until its tone is heard."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not await self.has_heard(path):  # noqa: ASYNC110 (the fact is in the phone's file)
                await asyncio.sleep(0.1)

    async def has_heard(self, path: Path) -> bool:
        """Look for its tone in what was heard."""
        return bool(pitches(path) & pitches(self.call.recording))

    async def left(self) -> Left:
        """Return what the parked call had on it."""
        assert self._left is not None, "the call was over"
        return self._left

    async def look(self) -> None:
        """Read the variables of the call that the dialplan has parked, if it is there."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while await self.rig.variable(self.call_id, "rig_left") != "true":
                if await self.rig.api(f"uuid_exists {self.call_id}") != "true":
                    return
                await asyncio.sleep(0.05)
        cause = await self.rig.variable(self.call_id, "cp_cause")
        names = (WORDS.next, WORDS.reason, WORDS.key, WORDS.waited, WORDS.failed)
        said = {name: await self.rig.variable(self.call_id, name) for name in names}
        self._left = Left(
            stage=await self.rig.variable(self.call_id, "cp_stage"),
            recording=await self.rig.variable(self.call_id, "cp_recording"),
            cause=Q850.get(cause, cause),
            went_to=await self.rig.variable(self.call_id, "rig_went_to") or None,
            onward=onward_of(said.__getitem__, WORDS),
        )


@dataclass
class RealHarness:
    """Our server, a private FreeSWITCH and a phone of its own for each call."""

    folder: Path
    rig: SmallFreeSwitch
    codec: str = "PCMU"
    silence_suppression: bool = False
    caller: str = '"Alice" <sip:101@127.0.0.1>'

    @property
    def tenant_id(self) -> UUID:
        """The tenant of the rig's dialplan."""
        return UUID(TENANT)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[tuple[Call, RealCaller]]:
        """Place a call; the handler waits until the block has ended."""
        arrived: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        over = asyncio.Event()

        async def handler(call: Call) -> Ending:
            arrived.set_result(call)
            await over.wait()
            return Ending(outcome=Outcome.FINISHED)

        server = OutboundSocketServer(
            dict.fromkeys(Entry, handler),
            prompts=ContractPrompts(self.folder),
            secret=SECRET,
            allowed_addresses=["127.0.0.0/8"],
            max_calls=2,
            first_line_seconds=5,
        )
        await server.start("127.0.0.1", self.rig.call_port)
        try:
            async with await self._phone() as phone:
                await phone.stranger(self.rig.server, name="alice", user="101")
                dialled = await phone.dial(self.rig.server, "8001", account="alice", local_uri=self.caller)
                call = await asyncio.wait_for(arrived, LIMIT_SECONDS)
                caller = RealCaller(self.rig, dialled, call.facts.call_id, self.folder)
                yield call, caller
                over.set()
                await server.drain(LIMIT_SECONDS)
                if self.rig.process.poll() is None:
                    await caller.look()
        finally:
            over.set()
            await server.drain(1)

    async def _phone(self) -> Phone:
        return await Phone.start(
            folder=self.folder / "phone", codec=self.codec, silence_suppression=self.silence_suppression
        )
