"""The phone at the other end of a FakeCall, acting while the flow runs; for the contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import Call, CallFacts, Entry, HangupCause, Onward
from controlplane.callflows.prompts import PromptFiles, Utterance
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from tests.support.call_contract import CallerSide, ContractPrompts, Left
from tests.support.fake_call import TICK, FakeCall, wav_ms
from tests.support.fake_voicemail import TENANT

_LIMIT = 100_000
_Q850 = {
    HangupCause.NORMAL: "16",
    HangupCause.UNALLOCATED: "1",
    HangupCause.BUSY: "17",
    HangupCause.FAILURE: "41",
}


class LivePhone:
    """A phone that somebody holds."""

    def __init__(self, prompts: PromptFiles) -> None:
        self._prompts = prompts
        self._now = 0.0
        self._speaks_until = 0.0
        self._heard: list[Path] = []
        self._recorded: list[Path] = []
        self.call = FakeCall(
            CallFacts(
                call_id="1",
                entry=Entry.LEAVE,
                tenant_id=TENANT,
                mailbox_id=UUID(int=1),
                dialled="",
                extension="101",
                caller=Caller.of("101", "Alice"),
                reached_by=ReachedBy(),
            ),
            phone=self,
        )

    # What the call asks.

    def starts(self, utterance: Utterance) -> float:
        """Note the files; a file that is not there is not heard."""
        files = [path for path in self._prompts.files(utterance, "en") if path.exists()]
        self._heard.extend(files)
        return sum(wav_ms(path) for path in files) / 1000

    def records(self, path: Path) -> None:
        """Note the file."""
        self._recorded.append(path)

    def tick(self) -> bool:
        """Let 10 ms pass."""
        self._now += TICK
        return self._now <= self._speaks_until

    # What the person does.

    async def press(self, keys: str) -> None:
        """Press keys, 20 ms apart."""
        for key in keys:
            self.call.type_key(key)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def hang_up(self) -> None:
        """Leave."""
        self.call.leave_now()

    async def speak(self, seconds: float) -> None:
        """Begin to speak."""
        self._speaks_until = self._now + seconds

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait for the recording."""
        await self._until(lambda: path in self._recorded)

    async def expect_to_hear(self, path: Path) -> None:
        """Wait for the file."""
        await self._until(lambda: path in self._heard)

    async def has_heard(self, path: Path) -> bool:
        """Look."""
        return path in self._heard

    async def left(self) -> Left:
        """Tell what the dialplan would read."""
        call = self.call
        return Left(
            stage=call.stage or "",
            recording=str(call.recording_id or ""),
            cause=_Q850[call.hangup_cause] if call.hangup_cause else "",
            went_to=call.transferred_to,
            onward=_onward(call.routed),
        )

    async def _until(self, fact: Callable[[], bool]) -> None:
        for _ in range(_LIMIT):
            if fact():
                return
            await asyncio.sleep(0)
        raise AssertionError("It did not happen.")


def _onward(onward: Onward | None) -> tuple[str, str, str, str, str]:
    if onward is None:
        return ("", "", "", "", "")
    key = onward.key.replace("*", "s").replace("#", "h")
    return (onward.number, onward.reason.value, key, str(onward.seconds), onward.failed)


class FakeHarness:
    """A switch that is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tenant_id = TENANT

    @asynccontextmanager
    async def call(self) -> AsyncIterator[tuple[Call, CallerSide]]:
        """Place a call."""
        phone = LivePhone(ContractPrompts(self.folder))
        yield phone.call, phone
