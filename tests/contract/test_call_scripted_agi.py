"""The Call port's contract on the Asterisk adapter against a scripted Asterisk, and what only AGI has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, Entry, RecordLimits, Stage
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.errors import CallerHungUp, CallLost
from controlplane.switches.asterisk.server import FastAgiServer
from controlplane.switches.asterisk.variables import WORDS
from tests.support.call_contract import (
    LONG,
    CallContract,
    ContractPrompts,
    Left,
    meanwhile,
    onward_of,
    write_tone,
)
from tests.support.scripted_agi import SECRET, TENANT, ScriptedAsterisk


@dataclass
class ScriptedCaller:
    """The phone of a scripted Asterisk."""

    asterisk: ScriptedAsterisk

    async def press(self, keys: str) -> None:
        """Press keys."""
        await self.asterisk.press(keys)

    async def hang_up(self) -> None:
        """Leave; if no verb runs, the switch says so at once."""
        await self.asterisk.hang_up()

    async def speak(self, seconds: float) -> None:
        """Begin to speak."""
        await self.asterisk.speak(seconds)

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait for the command."""
        await self.asterisk.expect_command("RECORD FILE")

    async def expect_to_hear(self, path: Path) -> None:
        """Wait until the file plays."""
        await self.asterisk.expect_to_hear(path)

    async def has_heard(self, path: Path) -> bool:
        """Look whether the file was played."""
        return path in self.asterisk.played

    async def left(self) -> Left:
        """Read the channel's variables when the connection has ended."""
        await asyncio.wait_for(self.asterisk.ended.wait(), 5)
        known = self.asterisk.variables
        went_to = self.asterisk.went_to
        return Left(
            stage=known.get("CP_STAGE", ""),
            recording=known.get("CP_RECORDING", ""),
            cause=known.get("CP_CAUSE", ""),
            went_to=went_to[1] if went_to else None,
            onward=onward_of(lambda name: known.get(name, ""), WORDS),
        )


@dataclass
class ScriptedHarness:
    """Our server, and scripted Asterisks that call it."""

    folder: Path
    asterisk: ScriptedAsterisk = field(default_factory=ScriptedAsterisk)

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

        server = FastAgiServer(
            dict.fromkeys(Entry, handler),
            prompts=ContractPrompts(self.folder),
            secret=SECRET,
            allowed_addresses=["127.0.0.0/8"],
            max_calls=2,
            first_line_seconds=5,
        )
        await server.start("127.0.0.1", 0)
        switch = asyncio.create_task(self.asterisk.run(*server.address))
        try:
            async with meanwhile(switch):
                yield await asyncio.wait_for(arrived, 5), ScriptedCaller(self.asterisk)
                over.set()
                await asyncio.wait_for(switch, 5)
        finally:
            over.set()
            await server.drain(5)


@pytest.fixture
def harness(tmp_path: Path) -> ScriptedHarness:
    """Return a harness of its own for each test."""
    return ScriptedHarness(tmp_path)


class TestScriptedAgi(CallContract):
    """The whole contract, with AGIEXITONHANGUP as our dialplan sets it."""


class TestScriptedAgiInDeadMode(CallContract):
    """The same where AGIEXITONHANGUP is not set, and a dead channel answers 511."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> ScriptedHarness:
        """Return a harness whose Asterisk stays connected after a hangup."""
        return ScriptedHarness(tmp_path, asterisk=ScriptedAsterisk(exit_on_hangup=False))


VERBS = ("ANSWER", "STREAM FILE", "WAIT FOR DIGIT", "RECORD FILE", "SET VARIABLE", "CHANNEL STATUS")


async def _use_all_verbs(call: Call, folder: Path) -> None:
    await call.set_stage(Stage.GREETING)
    await call.answer()
    await call.play(LONG)
    await call.read_digits(max_digits=1, first_timeout=1, digit_timeout=1)
    await call.record(folder / "take.wav", RecordLimits(max_seconds=2))
    (folder / "gone.wav").write_bytes(b"")
    (folder / "long.wav").unlink()
    await call.play(LONG)


@pytest.mark.parametrize("verb", VERBS)
async def test_connection_cut_in_a_verb_is_a_lost_call(harness: ScriptedHarness, verb: str) -> None:
    """An end without HANGUP means that the switch or the link died, in whatever command it comes.

    After a -1 it means a hangup: the switch resets the connection before it can say HANGUP.
    """
    harness.asterisk.vanish_in = verb
    expected = CallerHungUp if verb == "CHANNEL STATUS" else CallLost
    async with harness.call() as (call, _):
        with pytest.raises(expected):
            await _use_all_verbs(call, harness.folder)


async def test_absolute_timeout_ends_our_part_like_a_hangup(harness: ScriptedHarness) -> None:
    """A flow that lets TIMEOUT(absolute) pass finds the call gone; the dialplan went on at T."""
    async with harness.call() as (call, _):
        await call.answer()
        await asyncio.wait_for(harness.asterisk.ended.wait(), 5)
        with pytest.raises(CallerHungUp):
            await call.set_stage(Stage.RECORDING)

    assert harness.asterisk.timed_out


async def test_verb_renews_the_absolute_timeout(harness: ScriptedHarness) -> None:
    """Each verb allows itself its own bound and 5 s, so that a long one is not cut."""
    async with harness.call() as (call, caller):
        await call.answer()
        await caller.speak(60)
        await call.record(harness.folder / "take.wav", RecordLimits(max_seconds=30))
    limits = [c[3] for c in harness.asterisk.commands if c[:3] == ["SET", "VARIABLE", "TIMEOUT(absolute)"]]

    assert ["7", "35"] == limits[:2]


async def test_absolute_timeout_is_shortened_after_a_verb_that_ended_early(harness: ScriptedHarness) -> None:
    """What a recording did not use of its limit is not left to a flow that hangs."""
    async with harness.call() as (call, caller):
        await call.answer()
        await caller.press("#")
        await call.record(harness.folder / "take.wav", RecordLimits(max_seconds=300))
    limits = [c[3] for c in harness.asterisk.commands if c[:3] == ["SET", "VARIABLE", "TIMEOUT(absolute)"]]

    assert ["7", "305", "5"] == limits


async def test_transfer_takes_the_absolute_timeout_away(harness: ScriptedHarness) -> None:
    """A call that goes on elsewhere is not ended by the limit of our last verb."""
    async with harness.call() as (call, _):
        await call.answer()
        await call.transfer("8002")

    assert ["SET", "VARIABLE", "TIMEOUT(absolute)", "0"] in harness.asterisk.commands


async def test_caller_from_outside_is_transferred_in_the_outside_context(harness: ScriptedHarness) -> None:
    """Who is no authenticated extension never comes into the context of extensions."""
    harness.asterisk.env = harness.asterisk.env.replace(b"agi_arg_4: 101", b"agi_arg_4: ")
    async with harness.call() as (call, _):
        await call.transfer("8002")

    assert (f"cp-outside-{TENANT}", "8002") == harness.asterisk.went_to


async def test_letters_of_dtmf_are_no_digits(harness: ScriptedHarness) -> None:
    """The keys A to D, which few phones have, are dropped."""
    async with harness.call() as (call, caller):
        await call.answer()
        reading = asyncio.create_task(call.read_digits(max_digits=4, first_timeout=9, digit_timeout=9))
        async with meanwhile(reading):
            await caller.press("A1B2#")

            assert await reading == "12"


async def test_recording_that_cannot_be_written_is_an_error_of_ours(harness: ScriptedHarness) -> None:
    """An unwritable folder raises OSError, and the call goes on."""
    async with harness.call() as (call, _):
        await call.answer()
        with pytest.raises(OSError, match="could not write"):
            await call.record(harness.folder / "none" / "take.wav", RecordLimits(max_seconds=3))
        await call.set_stage(Stage.GREETING)


@pytest.mark.parametrize("name", ["a\nHANGUP", "${SHELL(id)}", "a\u2028b"])
async def test_path_with_hostile_characters_is_never_sent(harness: ScriptedHarness, name: str) -> None:
    """A path that could become a command or an expansion is refused before it reaches the switch."""
    path = write_tone(harness.folder / f"{name}.wav", hertz=500, seconds=0.1)
    async with harness.call() as (call, _):
        await call.answer()
        with pytest.raises(ValueError, match="argument"):
            await call.play_recording(path)
        await call.set_stage(Stage.GREETING)

    assert not [c for c in harness.asterisk.commands if c[0] == "STREAM"]
