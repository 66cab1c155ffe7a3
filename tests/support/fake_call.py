"""A call by script: what the caller is to hear, presses, says, in the order of a phone call.

`expect_to_hear` is exact: the flow must say just that next. Time is the flow's: whoever is not
told to press a key lets everything play to its end and every wait run out.

With a `FakePhone` in place of a script, somebody acts while a verb runs, as in the contract suite;
a pass of the event loop is then 10 ms.
"""

from __future__ import annotations

import asyncio
import wave
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from controlplane.callflows.call import (
    CallFacts,
    EndedBy,
    HangupCause,
    Onward,
    Played,
    Recording,
    RecordLimits,
    Stage,
)
from controlplane.callflows.prompts import AudioFile, Tone, Utterance
from controlplane.domain.errors import CallerHungUp, CallLost, InvalidValue
from controlplane.domain.message import KEPT_SILENCE_MS
from controlplane.domain.numbers import Number
from tests.support.fault_points import FaultPoints

RATE = 8000
TICK = 0.01
KEPT_SILENCE_SECONDS = KEPT_SILENCE_MS / 1000
"""What the switch leaves of the silence that ended a recording."""


def write_wav(path: Path, seconds: float) -> None:
    """Write a WAV file of a length; 0 gives the bare header of 44 bytes."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"\x01\x10" * round(seconds * RATE))


def wav_ms(path: Path) -> int:
    """Measure a WAV file in milliseconds; 0 if it is not there."""
    if not path.exists():
        return 0
    with wave.open(str(path), "rb") as file:
        return round(file.getnframes() * 1000 / file.getframerate())


@dataclass(frozen=True)
class _Hear:
    utterance: Utterance


@dataclass(frozen=True)
class _Press:
    keys: str


@dataclass(frozen=True)
class _Pass:
    seconds: float


@dataclass(frozen=True)
class _Do:
    action: Callable[[], object]


class FakePhone(Protocol):
    """What a call without a script asks the other end."""

    def starts(self, utterance: Utterance) -> float:
        """Note what begins to be heard, and return how long it lasts in seconds; 0 without a file."""
        ...

    def records(self, path: Path) -> None:
        """Note that the call is being recorded."""
        ...

    def tick(self) -> bool:
        """Let 10 ms pass; True if the phone spoke."""
        ...


class FakeCall:
    """The Call port, played by a test. After the flow, `assert_over` says that nothing is left."""

    def __init__(
        self, facts: CallFacts, *, points: FaultPoints | None = None, phone: FakePhone | None = None
    ) -> None:
        self._facts = facts
        self._phone = phone
        self._points = points or FaultPoints()
        self._script: deque[_Hear | _Press | _Pass | _Do] = deque()
        self._mashed: deque[str] | None = None
        self._typed: deque[str] = deque()
        self.gone = False
        self.lost = False
        self.answered = False
        self.language: str | None = None
        self.stage: Stage | None = None
        self.recording_id: UUID | None = None
        self.heard: list[Utterance] = []
        self.waits: list[tuple[float, float]] = []
        self.limits: list[RecordLimits] = []
        self.recorded: list[float] = []
        self.offsets: list[int] = []
        self.hangup_cause: HangupCause | None = None
        self.transferred_to: str | None = None
        self.routed: Onward | None = None

    # The script.

    def expect_to_hear(self, *utterances: Utterance) -> None:
        """Expect these next, in this order, and nothing between."""
        self._script.extend(_Hear(utterance) for utterance in utterances)

    def expect_instead(self, *utterances: Utterance) -> None:
        """Tear up the rest of the script: something went wrong, and these are expected now."""
        self._script.clear()
        self._typed.clear()
        self.expect_to_hear(*utterances)

    def press(self, keys: str) -> None:
        """Press keys, while what was expected last is being said or waited after."""
        self._script.append(_Press(keys))

    def say_for(self, seconds: float) -> None:
        """Speak into the recording."""
        self._script.append(_Pass(seconds))

    def listen_for(self, seconds: float) -> None:
        """Let a recording play so long before the next step."""
        self._script.append(_Pass(seconds))

    def meanwhile(self, action: Callable[[], object]) -> None:
        """Let something happen elsewhere, such as a colleague's work."""
        self._script.append(_Do(action))

    def hang_up(self) -> None:
        """Leave."""
        self._script.append(_Do(self.leave_now))

    def lose_link(self) -> None:
        """Cut the link to the switch."""
        self._script.append(_Do(self.lose_now))

    def mash(self, keys: Iterable[str]) -> None:
        """Instead of a script: with each utterance press the next entry (`""` for nothing), then leave."""
        self._mashed = deque(keys)

    def assert_over(self) -> None:
        """Fail unless the whole script was played."""
        assert not self._script, f"never came to: {list(self._script)}"

    def leave_now(self) -> None:
        """Be gone at once."""
        self.gone = True

    def lose_now(self) -> None:
        """Lose the link at once."""
        self.lost = True

    # The port.

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        return self._facts

    def speak(self, language: str) -> None:
        """Note the language."""
        self.language = language

    async def answer(self) -> None:
        """Note it."""
        self._begin("answer")
        self.answered = True

    async def play(self, *utterances: Utterance, interrupt: str = "") -> str:
        """Let the caller hear them."""
        self._begin("play")
        for utterance in utterances:
            key = self._key_of(interrupt)
            left = 0.0 if key else self._hear(utterance)
            while left > 0 and not key:
                left = await self._wait(left)
                key = self._key_of(interrupt)
            if key:
                return key
        return self._key_of(interrupt)

    async def play_recording(self, path: Path, *, offset_ms: int = 0, interrupt: str = "") -> Played:
        """Let the caller hear a recording."""
        self._begin("play_recording")
        if not path.exists():
            raise FileNotFoundError(path)
        length_ms = wav_ms(path)
        self.offsets.append(offset_ms)
        key = self._key_of(interrupt)
        if key:
            return Played(key=key, position_ms=offset_ms, finished=False)
        left = self._hear(AudioFile(path=path)) - offset_ms / 1000
        position_ms = offset_ms
        while left > 0:
            left = await self._wait(left)
            position_ms = length_ms - round(left * 1000)
            key = self._key_of(interrupt)
            if key:
                return Played(key=key, position_ms=position_ms, finished=False)
        while True:
            key = self._key_of(interrupt)
            if key:
                return Played(key=key, position_ms=position_ms, finished=False)
            if not (self._script and isinstance(self._script[0], _Pass)):
                return Played(key="", position_ms=length_ms, finished=True)
            passed = self._script.popleft()
            assert isinstance(passed, _Pass)
            position_ms += round(passed.seconds * 1000)
            assert position_ms <= length_ms, "the script listens longer than the recording"
            self._advance()

    async def read_digits(
        self,
        *utterances: Utterance,
        max_digits: int,
        terminator: str = "#",
        first_timeout: float,
        digit_timeout: float,
        fresh: bool = False,
    ) -> str:
        """Collect what the script presses."""
        self._begin("read_digits")
        self.waits.append((first_timeout, digit_timeout))
        if fresh:
            self._typed.clear()
        for utterance in utterances:
            left = 0.0 if self._typed else self._hear(utterance)
            while left > 0 and not self._typed:
                left = await self._wait(left)
            if self._typed:
                break
        digits = ""
        while len(digits) < max_digits:
            if not self._typed:
                self._advance()
                await self._wait(digit_timeout if digits else first_timeout)
            if not self._typed:
                break
            key = self._typed.popleft()
            if key == terminator:
                break
            digits += key
        return digits

    async def record(self, path: Path, limits: RecordLimits) -> Recording:
        """Write a file as long as the script speaks. Keys typed before it began are dropped."""
        self._begin("record")
        self.limits.append(limits)
        self._typed.clear()
        seconds, recording = (
            self._recorded(limits) if self._phone is None else await self._recorded_live(path, limits)
        )
        write_wav(path, seconds)
        self.recorded.append(seconds)
        self._points.reach("call.record's end")
        if self.lost:
            raise CallLost
        if self.gone:
            return Recording(ended_by=EndedBy.HANGUP)
        return recording

    async def beep(self) -> None:
        """Let the caller hear the tone."""
        self._begin("beep")
        left = self._hear(Tone.BEEP)
        while left > 0:
            left = await self._wait(left)
            self._typed.clear()

    async def set_stage(self, stage: Stage) -> None:
        """Note the stage."""
        self._begin("set_stage")
        self.stage = stage

    async def set_recording(self, recording_id: UUID) -> None:
        """Note the take."""
        self._begin("set_recording")
        self.recording_id = recording_id

    async def transfer(self, number: str) -> None:
        """Note where the call went; raises InvalidValue for what is no number."""
        target = Number.parse(number)
        if self.transferred_to is None:
            self._begin("transfer")
            self.transferred_to = target
            self.stage = Stage.DONE
            self.gone = True

    async def route(self, onward: Onward) -> None:
        """Note where the call goes; raises InvalidValue for what no rule can say."""
        Number.parse(onward.number)
        if not set(onward.key) <= set("0123456789*#") or len(onward.key) > 5:
            raise InvalidValue("No rule leads there.")
        if onward.failed not in {"", "hangup", "repeat"}:
            Number.parse(onward.failed)
        if self.routed is None and self.transferred_to is None and self.hangup_cause is None:
            self._begin("route")
            self.routed = onward
            self.stage = Stage.ROUTED
            self.gone = True

    async def hangup(self, cause: HangupCause = HangupCause.NORMAL) -> None:
        """Note the cause; only the first time, and not after the caller left."""
        self._points.reach("call.hangup")
        if self.lost:
            raise CallLost
        if not self.gone:
            self.hangup_cause = cause
            self.stage = Stage.DONE
            self.gone = True

    # How the script is played.

    def _begin(self, verb: str) -> None:
        self._points.reach(f"call.{verb}")
        self._check()

    def _check(self) -> None:
        if self.lost:
            raise CallLost
        if self.gone:
            raise CallerHungUp

    async def _wait(self, seconds: float) -> float:
        """Let time pass until a key is pressed or somebody leaves; return what is left of it."""
        while self._phone is not None and seconds > 0 and not self._typed:
            await asyncio.sleep(0)
            self._phone.tick()
            self._check()
            seconds -= TICK
        return max(0.0, seconds)

    def _hear(self, utterance: Utterance) -> float:
        """Begin to say it; return how long it lasts if somebody is on the phone."""
        if self._phone is not None:
            return self._phone.starts(utterance)
        if utterance is Tone.SILENCE:
            return 0.0  # nobody hears it
        self.heard.append(utterance)
        if self._mashed is not None:
            if not self._mashed:
                self.gone = True
            else:
                self._typed.extend(self._mashed.popleft())
            self._check()
            return 0.0
        self._advance()
        expected = self._script.popleft() if self._script else None
        assert expected == _Hear(utterance), f"heard {utterance!r}, but the script says {expected!r}"
        self._advance()
        return 0.0

    def _advance(self) -> None:
        """Do what the script does now; what takes time or must be heard first has to wait."""
        while self._script and isinstance(self._script[0], (_Press, _Do)):
            step = self._script.popleft()
            if isinstance(step, _Press):
                self._typed.extend(step.keys)
            else:
                assert isinstance(step, _Do)
                step.action()
                self._check()

    def _key_of(self, interrupt: str) -> str:
        while self._typed:
            key = self._typed.popleft()
            if key in interrupt:
                return key
        return ""

    def _recorded(self, limits: RecordLimits) -> tuple[float, Recording]:
        seconds = 0.0
        if self._mashed is not None:
            return 3.0, Recording(ended_by=EndedBy.KEY, key=limits.keys[0])
        while self._script and not isinstance(self._script[0], _Hear):
            match self._script.popleft():
                case _Pass() as passed:
                    seconds += passed.seconds
                case _Press() as pressed:
                    for n, key in enumerate(pressed.keys):
                        if key in limits.keys:
                            self._typed.extend(pressed.keys[n + 1 :])
                            return seconds, Recording(ended_by=EndedBy.KEY, key=key)
                case _Do() as done:
                    done.action()
                    if self.gone or self.lost:
                        return seconds, Recording(ended_by=EndedBy.HANGUP)
            if seconds >= limits.max_seconds:
                return float(limits.max_seconds), Recording(ended_by=EndedBy.MAX_LENGTH)
        if limits.silence_seconds:
            return seconds + KEPT_SILENCE_SECONDS, Recording(
                ended_by=EndedBy.SILENCE, silence_ms=KEPT_SILENCE_MS
            )
        return float(limits.max_seconds), Recording(ended_by=EndedBy.MAX_LENGTH)

    async def _recorded_live(self, path: Path, limits: RecordLimits) -> tuple[float, Recording]:
        assert self._phone is not None
        seconds = silent = 0.0
        while not self.gone:
            await asyncio.sleep(0)
            silent = 0.0 if self._phone.tick() else silent + TICK
            seconds += TICK
            self._phone.records(path)
            key = self._key_of(limits.keys)
            if key:
                return seconds, Recording(ended_by=EndedBy.KEY, key=key)
            if seconds >= limits.max_seconds:
                return seconds, Recording(ended_by=EndedBy.MAX_LENGTH)
            if 0 < limits.silence_seconds <= silent:
                kept = seconds - silent + KEPT_SILENCE_SECONDS
                return kept, Recording(ended_by=EndedBy.SILENCE, silence_ms=KEPT_SILENCE_MS)
        return seconds, Recording(ended_by=EndedBy.HANGUP)

    def type_key(self, key: str) -> None:
        """Press a key now, from the phone."""
        self._typed.append(key)
