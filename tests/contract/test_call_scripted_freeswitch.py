"""The Call port's contract on the FreeSWITCH adapter against a scripted FreeSWITCH, and what only it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, EndedBy, Entry, RecordLimits, Stage
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.errors import CallerHungUp, CallLost
from controlplane.switches.freeswitch.server import OutboundSocketServer
from controlplane.switches.freeswitch.variables import WORDS
from tests.support.call_contract import (
    LONG,
    CallContract,
    ContractPrompts,
    Left,
    meanwhile,
    onward_of,
    write_tone,
)
from tests.support.scripted_freeswitch import SECRET, TENANT, VARIABLES, ScriptedFreeSwitch, channel_data

Q850 = {
    "NORMAL_CLEARING": "16",
    "UNALLOCATED_NUMBER": "1",
    "USER_BUSY": "17",
    "NORMAL_TEMPORARY_FAILURE": "41",
}


@dataclass
class ScriptedCaller:
    """The phone of a scripted FreeSWITCH."""

    switch: ScriptedFreeSwitch

    async def press(self, keys: str) -> None:
        """Press keys."""
        await self.switch.press(keys)

    async def hang_up(self) -> None:
        """Leave; if no application runs, the switch says so at once."""
        await self.switch.hang_up()

    async def speak(self, seconds: float) -> None:
        """Begin to speak."""
        await self.switch.speak(seconds)

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait for the application."""
        await self.switch.expect_command("execute-app-name: record")

    async def expect_to_hear(self, path: Path) -> None:
        """Wait until the file plays."""
        await self.switch.expect_to_hear(path)

    async def has_heard(self, path: Path) -> bool:
        """Look whether the file was played."""
        return path in self.switch.played

    async def left(self) -> Left:
        """Read the channel's variables when the connection has ended."""
        await asyncio.wait_for(self.switch.ended.wait(), 5)
        known = self.switch.variables
        cause = known.get("cp_cause", "")
        return Left(
            stage=known.get("cp_stage", ""),
            recording=known.get("cp_recording", ""),
            cause=Q850.get(cause, cause),
            went_to=self.switch.went_to[1] if self.switch.went_to else None,
            onward=onward_of(lambda name: known.get(name, ""), WORDS),
        )


@dataclass
class ScriptedHarness:
    """Our server, and scripted FreeSWITCHes that call it."""

    folder: Path
    switch: ScriptedFreeSwitch = field(default_factory=ScriptedFreeSwitch)

    @property
    def tenant_id(self) -> UUID:
        """The tenant of the scripted dialplan."""
        return UUID(TENANT)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[tuple[Call, ScriptedCaller]]:
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
        await server.start("127.0.0.1", 0)
        running = asyncio.create_task(self.switch.run(*server.address))
        try:
            async with meanwhile(running):
                yield await asyncio.wait_for(arrived, 5), ScriptedCaller(self.switch)
                over.set()
                await asyncio.wait_for(running, 5)
        finally:
            over.set()
            await server.drain(5)


@pytest.fixture
def harness(tmp_path: Path) -> ScriptedHarness:
    """Return a harness of its own for each test."""
    return ScriptedHarness(tmp_path)


class TestScriptedFreeSwitch(CallContract):
    """The whole contract."""


class TestScriptedFreeSwitchWithWideband(CallContract):
    """The same with a channel of 16 kHz."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> ScriptedHarness:
        """Return a harness whose phone speaks G.722."""
        return ScriptedHarness(tmp_path, switch=ScriptedFreeSwitch(rate=16_000))


VERBS = ("answer", "playback", "read", "record", "uuid_setvar", "uuid_getvar", "uuid_exists")


async def _use_all_verbs(call: Call, folder: Path) -> None:
    await call.answer()
    await call.play(LONG)
    await call.read_digits(max_digits=1, first_timeout=1, digit_timeout=1)
    await call.record(folder / "take.wav", RecordLimits(max_seconds=2))
    await call.set_stage(Stage.GREETING)


@pytest.mark.parametrize("verb", VERBS)
async def test_connection_cut_in_a_verb_is_a_lost_call(harness: ScriptedHarness, verb: str) -> None:
    """An end without a notice means that the switch or the link died, in whatever command it comes."""
    async with harness.call() as (call, _):
        harness.switch.vanish_in = verb
        with pytest.raises(CallLost):
            await _use_all_verbs(call, harness.folder)


@pytest.mark.parametrize("verb", VERBS)
async def test_command_without_an_answer_is_a_lost_call(
    harness: ScriptedHarness, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Every wait is bounded; the connection is closed, so that the dialplan goes on."""
    monkeypatch.setattr("controlplane.switches.freeswitch.call._REPLY_SECONDS", 0.2)
    monkeypatch.setattr("controlplane.switches.freeswitch.call._LATE_SECONDS", 0.2)
    monkeypatch.setattr("controlplane.switches.freeswitch.call._ANSWER_SECONDS", 0.2)
    async with harness.call() as (call, _):
        harness.switch.mute_in = verb
        with pytest.raises(CallLost):
            await _use_all_verbs(call, harness.folder)
        await asyncio.wait_for(harness.switch.ended.wait(), 5)


async def test_channel_is_prepared_before_the_flow(harness: ScriptedHarness) -> None:
    """The session lingers, keys stay out of logs, gaps are filled, and the secret is forgotten."""
    async with harness.call():
        assert harness.switch.lingers

    known = harness.switch.variables
    assert ("true", "true", None) == (
        known["sensitive_dtmf"],
        known["record_fill_cng"],
        known.get("cp_secret"),
    )


async def test_digits_do_not_stay_on_the_channel(harness: ScriptedHarness) -> None:
    """What was read is in no variable any more."""
    async with harness.call() as (call, caller):
        await call.answer()
        await caller.press("736914#")

        assert "736914" == await call.read_digits(max_digits=8, first_timeout=9, digit_timeout=9)
        assert "736914" not in harness.switch.variables.values()


async def test_digits_do_not_stay_after_a_hangup(harness: ScriptedHarness) -> None:
    """Half a PIN is in no variable that a call record could show."""
    async with harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=8, first_timeout=900, digit_timeout=900))
        async with meanwhile(reading):
            await harness.switch.expect_command("execute-app-name: read")
            await caller.press("7369")
            await harness.switch.expect_no_keys()
            await caller.hang_up()
            with pytest.raises(CallerHungUp):
                await reading

    assert "7369" not in harness.switch.variables.values()


async def test_notice_of_a_hangup_is_the_answer(harness: ScriptedHarness) -> None:
    """Who hung up while he was recorded is known before a busy switch has read what we ask."""
    harness.switch.answers_late = True
    async with harness.call() as (call, caller):
        await call.answer()
        recording = asyncio.create_task(
            call.record(harness.folder / "take.wav", RecordLimits(max_seconds=900))
        )
        async with meanwhile(recording):
            await harness.switch.expect_command("execute-app-name: record")
            await caller.hang_up()
            ended = await recording

    assert EndedBy.HANGUP is ended.ended_by
    assert harness.switch.commands[-2].startswith("api uuid_getvar")


async def test_answer_that_comes_behind_the_notice_is_no_fault(harness: ScriptedHarness) -> None:
    """It is dropped, and the digits are forgotten by a command that is answered after it."""
    harness.switch.answers_late = True
    async with harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=8, first_timeout=900, digit_timeout=900))
        async with meanwhile(reading):
            await harness.switch.expect_command("execute-app-name: read")
            await caller.press("7369")
            await harness.switch.expect_no_keys()
            await caller.hang_up()
            with pytest.raises(CallerHungUp):
                await reading

    assert "7369" not in harness.switch.variables.values()
    assert "exit" == harness.switch.commands[-1]


async def test_secret_and_digits_are_in_no_command(harness: ScriptedHarness) -> None:
    """What the switch said is not said back."""
    async with harness.call() as (call, caller):
        await call.answer()
        await caller.press("736914#")
        await call.read_digits(max_digits=8, first_timeout=9, digit_timeout=9)

    assert not [c for c in harness.switch.commands if SECRET in c or "736914" in c or "Alice" in c]


async def test_session_is_let_go_at_the_end(harness: ScriptedHarness) -> None:
    """The last command is `exit`: a session that lingers would stay for seconds."""
    async with harness.call() as (call, _):
        await call.answer()

    assert "exit" == harness.switch.commands[-1]


async def test_session_is_let_go_after_a_hangup(harness: ScriptedHarness) -> None:
    """A flow that has seen the hangup ends the session too."""
    async with harness.call() as (call, caller):
        await caller.hang_up()
        with pytest.raises(CallerHungUp):
            await call.answer()

    assert "exit" == harness.switch.commands[-1]


async def test_nothing_is_subscribed(harness: ScriptedHarness) -> None:
    """No event with a caller's digits comes over this connection."""
    async with harness.call() as (call, _):
        await _use_all_verbs(call, harness.folder)

    assert not [c for c in harness.switch.commands if c.startswith(("event", "myevents", "filter", "getvar"))]


async def test_caller_from_outside_is_transferred_in_the_outside_context(harness: ScriptedHarness) -> None:
    """Who is no authenticated extension never comes into the context of extensions."""
    harness.switch.channel = channel_data(variables={**VARIABLES, "cp_extension": ""})
    async with harness.call() as (call, _):
        await call.transfer("8002")

    assert (f"cp-outside-{TENANT}", "8002") == harness.switch.went_to


async def test_letters_of_dtmf_are_no_digits(harness: ScriptedHarness) -> None:
    """The keys A to D, which few phones have, are dropped."""
    async with harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=4, first_timeout=9, digit_timeout=9))
        async with meanwhile(reading):
            await caller.press("A1B2#")

            assert await reading == "12"


async def test_recording_without_a_folder_is_an_error_of_ours(harness: ScriptedHarness) -> None:
    """FreeSWITCH would hang up; it is not asked, and the call goes on."""
    async with harness.call() as (call, _):
        await call.answer()
        with pytest.raises(OSError, match="no folder"):
            await call.record(harness.folder / "none" / "take.wav", RecordLimits(max_seconds=3))
        await call.set_stage(Stage.GREETING)


async def test_recording_that_never_ends_by_silence_has_no_threshold(harness: ScriptedHarness) -> None:
    """Zero hits of silence would mean FreeSWITCH's default."""
    async with harness.call() as (call, _):
        await call.answer()
        await call.record(harness.folder / "take.wav", RecordLimits(max_seconds=2))

    assert any(command.endswith("take.wav 2 0 0") for command in harness.switch.commands)


@pytest.mark.parametrize(
    "name", ["a\nexit", "${system(id)}", "a\u2028b", "a b", "a'b", "a!b", "a@@1", "{x=1}a", "a;b", "a,b"]
)
async def test_path_with_hostile_characters_is_never_sent(harness: ScriptedHarness, name: str) -> None:
    """A path that could become a command, an option or two paths is refused before it reaches the switch."""
    path = write_tone(harness.folder / f"{name}.wav", hertz=500, seconds=0.1)
    async with harness.call() as (call, _):
        await call.answer()
        with pytest.raises(ValueError, match=r"argument|sound file"):
            await call.play_recording(path)
        await call.set_stage(Stage.GREETING)

    assert not [c for c in harness.switch.commands if "playback\n" in c]
