"""What every adapter of the Call port promises, as tests over an abstract harness.

A test module binds the suite to a switch by a fixture `harness`:

    class TestScriptedAgi(CallContract): ...

The test's body is the flow: `harness.call()` places a call and hands over our end and the phone's.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
from controlplane.callflows.call import (
    Call,
    EndedBy,
    Entry,
    HangupCause,
    Onward,
    Recording,
    RecordLimits,
    Stage,
)
from controlplane.callflows.prompts import AudioFile, Prompt, Tone, Utterance
from controlplane.domain.errors import CallerHungUp, InvalidValue
from controlplane.domain.message import ReachedReason
from controlplane.switches.call import DialplanWords

LONG = Prompt.MESSAGE_HELP
OTHER = Prompt.MAIN_MENU
WITHOUT_FILE = Prompt.GOODBYE
VANISHED = Prompt.THANK_YOU
LIMITS = RecordLimits(max_seconds=20, silence_seconds=4)
ONWARD = Onward(number="6100", reason=ReachedReason.DIRECT, key="*5", seconds=7, failed="repeat")
TAKE = UUID("7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c09")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How the dialplan found the call when our part had ended."""

    stage: str
    recording: str
    cause: str
    went_to: str | None
    """The number to which the flow transferred the call."""
    onward: tuple[str, str, str, str, str] = ("", "", "", "", "")
    """Where the flow had the call routed: number, reason, key, seconds, and what follows a failure."""


def onward_of(variable: Callable[[str], str], words: DialplanWords) -> tuple[str, str, str, str, str]:
    """Return what a dialplan reads of where a call is to go."""
    return (
        variable(words.next),
        variable(words.reason),
        variable(words.key),
        variable(words.waited),
        variable(words.failed),
    )


class CallerSide(Protocol):
    """The phone at the other end, and what the dialplan sees."""

    async def press(self, keys: str) -> None:
        """Press keys, one after another."""
        ...

    async def hang_up(self) -> None:
        """Leave; returns when the switch knows."""
        ...

    async def speak(self, seconds: float) -> None:
        """Begin to speak for so long; returns at once."""
        ...

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait until the switch records into the file; fails after a limit."""
        ...

    async def expect_to_hear(self, path: Path) -> None:
        """Wait until the file is being heard; fails after a limit."""
        ...

    async def has_heard(self, path: Path) -> bool:
        """Tell whether any of the file was heard in this call."""
        ...

    async def left(self) -> Left:
        """Wait until our part has ended, and return what the dialplan found."""
        ...


class Harness(Protocol):
    """A switch with a phone."""

    @property
    def folder(self) -> Path:
        """A folder in which we and the switch may write."""
        ...

    @property
    def tenant_id(self) -> UUID:
        """The tenant that the dialplan names."""
        ...

    def call(self) -> AbstractAsyncContextManager[tuple[Call, CallerSide]]:
        """Place a call from extension 101, named Alice, for a mailbox; our part ends with the block."""
        ...


class ContractPrompts:
    """Files for a few utterances: tones of 3 s (LONG, OTHER) and of 0.2 s (the beep), each of its own pitch.

    WITHOUT_FILE has none, VANISHED one that is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {
            LONG: folder / "long.wav",
            OTHER: folder / "other.wav",
            Tone.BEEP: folder / "beep.wav",
            VANISHED: folder / "vanished.wav",
        }
        write_tone(self._files[LONG], hertz=500, seconds=3.0)
        write_tone(self._files[OTHER], hertz=900, seconds=3.0)
        write_tone(self._files[Tone.BEEP], hertz=1400, seconds=0.2)

    def files(self, utterance: Utterance, language: str) -> list[Path]:
        """Return the file of an utterance, in any language."""
        if isinstance(utterance, AudioFile):
            return [utterance.path]
        path = self._files.get(utterance) if isinstance(utterance, Prompt | Tone) else None
        return [] if path is None else [path]

    def path(self, utterance: Prompt | Tone) -> Path:
        """Return where an utterance is."""
        return self._files[utterance]


def write_tone(path: Path, *, hertz: int, seconds: float) -> Path:
    """Write a tone, 8 kHz, 16 bit, mono."""
    period = 8000 // hertz
    samples = bytearray()
    for n in range(int(8000 * seconds)):
        samples += (8000 if n % period < period // 2 else -8000).to_bytes(2, "little", signed=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(samples))
    return path


def seconds_of(path: Path) -> float:
    """Measure a finished WAV file, and check its format."""
    with wave.open(str(path)) as file:
        assert (8000, 2, 1) == (file.getframerate(), file.getsampwidth(), file.getnchannels())
        return float(file.getnframes()) / 8000


@asynccontextmanager
async def meanwhile(work: asyncio.Future[Any]) -> AsyncIterator[None]:
    """Leave no task behind when a test fails."""
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


class CallContract:
    """The suite; a subclass in a test module runs it."""

    @pytest.fixture
    def prompts(self, harness: Harness) -> ContractPrompts:
        """Return the same files that the harness gave to the adapter."""
        return ContractPrompts(harness.folder)

    async def test_facts_name_the_call(self, harness: Harness) -> None:
        """The facts are those that the dialplan gave."""
        async with harness.call() as (call, _):
            facts = call.facts

        assert (Entry.LEAVE, harness.tenant_id, "101", "Alice") == (
            facts.entry,
            facts.tenant_id,
            facts.extension,
            facts.caller.name,
        )

    async def test_answering_twice_is_answering_once(self, harness: Harness) -> None:
        """A second answer does nothing."""
        async with harness.call() as (call, _):
            await call.answer()
            await call.answer()
            await call.set_stage(Stage.GREETING)

    async def test_utterances_are_played_in_order(self, harness: Harness, prompts: ContractPrompts) -> None:
        """Without a key all of them are heard."""
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play(LONG, OTHER))
            async with meanwhile(playing):
                await caller.expect_to_hear(prompts.path(LONG))
                await caller.expect_to_hear(prompts.path(OTHER))

                assert await playing == ""

    async def test_key_of_interrupt_ends_playing(self, harness: Harness, prompts: ContractPrompts) -> None:
        """The key is returned, and what comes after it is not played."""
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play(LONG, OTHER, interrupt="5#"))
            async with meanwhile(playing):
                await caller.expect_to_hear(prompts.path(LONG))
                await caller.press("#")

                assert await playing == "#"
                assert not await caller.has_heard(prompts.path(OTHER))

    async def test_other_key_is_dropped(self, harness: Harness, prompts: ContractPrompts) -> None:
        """A key that is not in `interrupt` does not end playing."""
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play(LONG, interrupt="5"))
            async with meanwhile(playing):
                await caller.expect_to_hear(prompts.path(LONG))
                await caller.press("1")

                assert await playing == ""

    async def test_utterance_without_file_is_left_out(
        self, harness: Harness, prompts: ContractPrompts
    ) -> None:
        """What has no file, or a file that vanished, is no hangup; the rest is heard."""
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play(WITHOUT_FILE, VANISHED, OTHER))
            async with meanwhile(playing):
                await caller.expect_to_hear(prompts.path(OTHER))

                assert await playing == ""

    async def test_beep_is_heard(self, harness: Harness, prompts: ContractPrompts) -> None:
        """The tone is played."""
        async with harness.call() as (call, caller):
            await call.answer()
            await call.beep()
            await caller.expect_to_hear(prompts.path(Tone.BEEP))

    async def test_recording_is_played_to_its_end(self, harness: Harness) -> None:
        """A recording played to its end says so, and where that is."""
        recording = write_tone(harness.folder / "message.wav", hertz=600, seconds=2.0)
        async with harness.call() as (call, _):
            await call.answer()
            played = await call.play_recording(recording, interrupt="1")

        assert ("", True) == (played.key, played.finished)
        assert 1900 <= played.position_ms <= 2100

    async def test_recording_is_played_from_an_offset(self, harness: Harness) -> None:
        """The position counts from the recording's start."""
        recording = write_tone(harness.folder / "message.wav", hertz=600, seconds=2.0)
        async with harness.call() as (call, _):
            await call.answer()
            played = await call.play_recording(recording, offset_ms=1500)

        assert 1900 <= played.position_ms <= 2100

    async def test_key_ends_a_recording_in_the_middle(self, harness: Harness) -> None:
        """The key and the place where it came are returned."""
        recording = write_tone(harness.folder / "message.wav", hertz=600, seconds=6.0)
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play_recording(recording, offset_ms=2000, interrupt="37"))
            async with meanwhile(playing):
                await caller.expect_to_hear(recording)
                await caller.press("3")
                played = await playing

        assert ("3", False) == (played.key, played.finished)
        assert 2000 <= played.position_ms < 6000

    async def test_missing_recording_is_no_hangup(self, harness: Harness) -> None:
        """FileNotFoundError is raised, and the call goes on."""
        async with harness.call() as (call, _):
            await call.answer()
            with pytest.raises(FileNotFoundError):
                await call.play_recording(harness.folder / "none.wav")
            await call.set_stage(Stage.GREETING)

    async def test_digits_are_read_up_to_the_terminator(self, harness: Harness) -> None:
        """The terminator ends the digits and is none of them."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(call.read_digits(max_digits=8, first_timeout=10, digit_timeout=5))
            async with meanwhile(reading):
                await caller.press("1203#")

                assert await reading == "1203"

    async def test_digits_end_at_their_number(self, harness: Harness) -> None:
        """Nothing is waited for after the last digit."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(call.read_digits(max_digits=3, first_timeout=10, digit_timeout=60))
            async with meanwhile(reading):
                await caller.press("123")

                assert await reading == "123"

    async def test_digits_end_by_time(self, harness: Harness) -> None:
        """What was pressed before the pause is returned."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(call.read_digits(max_digits=8, first_timeout=10, digit_timeout=2))
            async with meanwhile(reading):
                await caller.press("12")

                assert await reading == "12"

    async def test_nothing_pressed_is_nothing(self, harness: Harness) -> None:
        """Without a key the result is empty."""
        async with harness.call() as (call, _):
            await call.answer()

            assert await call.read_digits(max_digits=4, first_timeout=1, digit_timeout=1) == ""

    async def test_terminator_alone_is_nothing(self, harness: Harness) -> None:
        """Only the terminator gives an empty result at once."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(call.read_digits(max_digits=4, first_timeout=60, digit_timeout=9))
            async with meanwhile(reading):
                await caller.press("#")

                assert await reading == ""

    async def test_without_terminator_every_key_counts(self, harness: Harness) -> None:
        """With no terminator `#` and `*` are digits like others."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(
                call.read_digits(max_digits=3, terminator="", first_timeout=10, digit_timeout=60)
            )
            async with meanwhile(reading):
                await caller.press("*1#")

                assert await reading == "*1#"

    async def test_key_cuts_the_question_short_and_counts(
        self, harness: Harness, prompts: ContractPrompts
    ) -> None:
        """A digit pressed during the utterances is the first one."""
        async with harness.call() as (call, caller):
            await call.answer()
            reading = asyncio.create_task(
                call.read_digits(LONG, OTHER, max_digits=8, first_timeout=10, digit_timeout=5)
            )
            async with meanwhile(reading):
                await caller.expect_to_hear(prompts.path(LONG))
                await caller.press("42#")

                assert await reading == "42"
                assert not await caller.has_heard(prompts.path(OTHER))

    async def test_keys_behind_an_interrupting_one_count(
        self, harness: Harness, prompts: ContractPrompts
    ) -> None:
        """Typing on after a key that ended an utterance loses nothing."""
        async with harness.call() as (call, caller):
            await call.answer()
            playing = asyncio.create_task(call.play(LONG, interrupt="1"))
            async with meanwhile(playing):
                await caller.expect_to_hear(prompts.path(LONG))
                pressing = asyncio.create_task(caller.press("123#"))
                async with meanwhile(pressing):
                    key = await playing
                    digits = await call.read_digits(max_digits=8, first_timeout=5, digit_timeout=5)

        assert ("1", "23") == (key, digits)

    async def test_fresh_drops_what_was_typed_ahead(self, harness: Harness, prompts: ContractPrompts) -> None:
        """With `fresh` only keys pressed from now on count."""
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.press("9876#")
            reading = asyncio.create_task(
                call.read_digits(LONG, max_digits=8, first_timeout=10, digit_timeout=5, fresh=True)
            )
            async with meanwhile(reading):
                await caller.expect_to_hear(prompts.path(LONG))
                await caller.press("55#")

                assert await reading == "55"

    async def test_recording_ends_by_a_key(self, harness: Harness, prompts: ContractPrompts) -> None:
        """The key is named; what was spoken is in the file."""
        path = harness.folder / "take.wav"
        async with harness.call() as (call, caller):
            await call.answer()
            await call.beep()
            recording = asyncio.create_task(call.record(path, LIMITS))
            async with meanwhile(recording):
                await caller.speak(3)
                await caller.expect_to_be_recorded(path)
                await caller.press("#")

                assert await recording == Recording(ended_by=EndedBy.KEY, key="#")

    async def test_recording_ends_by_silence(self, harness: Harness) -> None:
        """A caller who stops to speak is not waited for up to the maximum; what is silence is known."""
        path = harness.folder / "take.wav"
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.speak(2)

            recording = await call.record(path, LIMITS)

            assert EndedBy.SILENCE is recording.ended_by
            assert 0 < recording.silence_ms <= LIMITS.silence_seconds * 1000
            assert abs(seconds_of(path) - 2.0 - recording.silence_ms / 1000) <= 0.7

    async def test_recording_ends_by_its_maximum(self, harness: Harness) -> None:
        """Who speaks on is stopped within a second of the limit."""
        path = harness.folder / "take.wav"
        limits = RecordLimits(max_seconds=3, silence_seconds=4)
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.speak(8)

            assert await call.record(path, limits) == Recording(ended_by=EndedBy.MAX_LENGTH)
            assert abs(seconds_of(path) - 3.0) <= 1.0

    async def test_hangup_ends_a_recording_as_usual(self, harness: Harness) -> None:
        """Hanging up is no error while recording; the file is complete, and the next verb raises."""
        path = harness.folder / "take.wav"
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.speak(8)
            recording = asyncio.create_task(call.record(path, LIMITS))
            async with meanwhile(recording):
                await caller.expect_to_be_recorded(path)
                await caller.hang_up()

                assert await recording == Recording(ended_by=EndedBy.HANGUP)
                assert seconds_of(path) > 0
                with pytest.raises(CallerHungUp):
                    await call.play(LONG)

    @pytest.mark.parametrize("verb", ["play", "play_recording", "read_digits"])
    async def test_hangup_ends_a_verb(self, harness: Harness, prompts: ContractPrompts, verb: str) -> None:
        """Hanging up in the middle of a verb raises CallerHungUp."""
        recording = write_tone(harness.folder / "message.wav", hertz=600, seconds=6.0)
        async with harness.call() as (call, caller):
            await call.answer()
            verbs: dict[str, Callable[[], Awaitable[object]]] = {
                "play": lambda: call.play(LONG, OTHER),
                "play_recording": lambda: call.play_recording(recording),
                "read_digits": lambda: call.read_digits(
                    LONG, max_digits=4, first_timeout=20, digit_timeout=9
                ),
            }
            running = asyncio.ensure_future(verbs[verb]())
            async with meanwhile(running):
                heard = recording if verb == "play_recording" else prompts.path(LONG)
                await caller.expect_to_hear(heard)
                await caller.hang_up()

                with pytest.raises(CallerHungUp):
                    await running

    async def test_every_verb_after_a_hangup_raises(self, harness: Harness) -> None:
        """A verb that begins after the caller left raises CallerHungUp, each time."""
        recording = write_tone(harness.folder / "message.wav", hertz=600, seconds=1.0)
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.hang_up()
            verbs: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: call.play(LONG),
                lambda: call.play_recording(recording),
                lambda: call.read_digits(max_digits=1, first_timeout=1, digit_timeout=1),
                lambda: call.record(harness.folder / "take.wav", LIMITS),
                call.beep,
                lambda: call.set_stage(Stage.REVIEW),
                lambda: call.set_recording(TAKE),
                lambda: call.transfer("8002"),
                lambda: call.route(ONWARD),
            )
            for verb in verbs:
                with pytest.raises(CallerHungUp):
                    await verb()

    async def test_ending_a_call_that_ended_does_nothing(self, harness: Harness) -> None:
        """hangup() after the caller left is not an error."""
        async with harness.call() as (call, caller):
            await call.answer()
            await caller.hang_up()
            await call.hangup()
            await call.hangup()

    async def test_dialplan_knows_stage_and_recording(self, harness: Harness) -> None:
        """What the flow said last is what the dialplan reads when our part ends without more."""
        async with harness.call() as (call, caller):
            await call.answer()
            await call.set_stage(Stage.GREETING)
            await call.set_recording(TAKE)
            await call.set_stage(Stage.RECORDING)
        left = await caller.left()

        assert ("recording", str(TAKE)) == (left.stage, left.recording)

    @pytest.mark.parametrize(
        ("cause", "number"),
        [
            (HangupCause.NORMAL, "16"),
            (HangupCause.UNALLOCATED, "1"),
            (HangupCause.BUSY, "17"),
            (HangupCause.FAILURE, "41"),
        ],
    )
    async def test_hangup_has_its_cause(self, harness: Harness, cause: HangupCause, number: str) -> None:
        """The call ends with the cause that the flow gave; a second hangup does nothing."""
        async with harness.call() as (call, caller):
            await call.hangup(cause)
            await call.hangup(HangupCause.NORMAL)
        left = await caller.left()

        assert ("done", number) == (left.stage, left.cause)

    async def test_transfer_sends_the_call_on(self, harness: Harness) -> None:
        """The call goes to the number, our part is over, a second transfer does nothing."""
        async with harness.call() as (call, caller):
            await call.answer()
            await call.transfer("8002")
            await call.transfer("8003")
            await call.hangup()
        left = await caller.left()

        assert ("8002", "done") == (left.went_to, left.stage)

    async def test_route_tells_the_dialplan_where_the_call_goes(self, harness: Harness) -> None:
        """Number, reason, key, seconds and what follows a failure; our part is over, more does nothing."""
        async with harness.call() as (call, caller):
            await call.answer()
            await call.route(ONWARD)
            await call.route(Onward(number="8003", reason=ReachedReason.TIMEOUT))
            await call.hangup()
        left = await caller.left()

        assert ("routed", ("6100", "direct", "s5", "7", "repeat")) == (left.stage, left.onward)

    @pytest.mark.parametrize(
        "onward",
        [
            Onward(number="*56", reason=ReachedReason.DIRECT),
            Onward(number="8001\nHANGUP", reason=ReachedReason.DIRECT),
            Onward(number="8001", reason=ReachedReason.DIRECT, key="123456"),
            Onward(number="8001", reason=ReachedReason.DIRECT, key="A"),
            Onward(number="8001", reason=ReachedReason.DIRECT, failed="ring"),
            Onward(number="8001", reason=ReachedReason.DIRECT, failed="${EXTEN}"),
        ],
    )
    async def test_only_what_a_rule_says_is_routed(self, harness: Harness, onward: Onward) -> None:
        """What no rule of ours can say reaches no switch, and the call goes on."""
        async with harness.call() as (call, _):
            await call.answer()
            with pytest.raises(InvalidValue):
                await call.route(onward)
            await call.set_stage(Stage.GREETING)

    @pytest.mark.parametrize(
        "number", ["", "12", "*56", "8001;drop", "8001\nHANGUP", "${EXTEN}", "\uff18\uff10\uff10\uff11"]
    )
    async def test_only_numbers_are_transferred_to(self, harness: Harness, number: str) -> None:
        """What is no number of a tenant is refused, and the call goes on."""
        async with harness.call() as (call, _):
            await call.answer()
            with pytest.raises(InvalidValue):
                await call.transfer(number)
            await call.set_stage(Stage.GREETING)
