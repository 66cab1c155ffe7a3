"""The Call port over FastAGI.

What calls on Asterisk 22.10 showed, and what therefore decides here:

- At a hangup the running verb answers first (`-1`, RECORD FILE `-1 (hangup)` with the file
  complete), then comes HANGUP, then with AGIEXITONHANGUP=yes the end of the connection, or a
  reset if a command was on its way. So an end of the stream inside RECORD FILE is not a hangup:
  the switch died, and the scanner takes the file.
- A file that is not there answers `-1` too. CHANNEL STATUS tells the two apart.
- An expired TIMEOUT(absolute) looks like a hangup to us, while the channel goes on at `T`.
- Keys pressed while no verb runs are dropped by Asterisk; only keys that came faster than one each
  145 ms wait for the next verb.
- A silence answers `(timeout)` with the milliseconds that were left, the maximum length with 0.
- ANSWER waits up to 0.5 s for the first audio of the caller.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from controlplane.callflows.call import (
    CallFacts,
    EndedBy,
    Played,
    Recording,
    RecordLimits,
)
from controlplane.callflows.prompts import PromptFiles, Utterance
from controlplane.domain.errors import CallEnded, CallerHungUp, CallLost
from controlplane.domain.message import KEPT_SILENCE_MS
from controlplane.domain.numbers import Number
from controlplane.switches.asterisk import variables
from controlplane.switches.asterisk.link import AgiLink
from controlplane.switches.asterisk.sounds import sound_name
from controlplane.switches.asterisk.wire import ProtocolError, Reply
from controlplane.switches.call import DrivenCall
from controlplane.switches.sounds import KEYS, checked_keys, files_of, seconds_of

GRACE_SECONDS: Final = 5
"""What TIMEOUT(absolute) allows a verb beyond its own bound, and us between two verbs."""

_REPLY_SECONDS: Final = 5.0
_LATE_SECONDS: Final = GRACE_SECONDS + 3.0
"""A verb may answer so much after its bound: TIMEOUT(absolute) ends it before we give up."""

_ANSWER_SECONDS: Final = 2.0
_DRAIN_MS: Final = 200
"""Asterisk spaces keys that came fast: of 16 sent at once 22.10 handed over one each 145 ms."""

_DRAIN_LIMIT: Final = 64
_SAMPLES_PER_MS: Final = 8
_OK: Final = 200
_DEAD_CHANNEL: Final = 511


class AsteriskCall(DrivenCall[AgiLink]):
    """One call, driven over its AGI link; implements `callflows.call.Call`."""

    words = variables.WORDS

    def __init__(self, link: AgiLink, facts: CallFacts, prompts: PromptFiles) -> None:
        super().__init__(link, facts, prompts)
        self._expires = 0.0

    async def answer(self) -> None:
        """Answer; a second time does nothing."""
        if self._answered:
            return
        await self._allow(_ANSWER_SECONDS)
        await self._verb("ANSWER", seconds=_ANSWER_SECONDS)
        self._answered = True

    async def play(self, *utterances: Utterance, interrupt: str = "") -> str:
        """Play in order; return the key of `interrupt` that ended it, or an empty string."""
        files = files_of(self._prompts, utterances, self._language)
        await self._allow(sum(map(seconds_of, files)))
        key = await self._stream(files, interrupt)
        await self._settle()
        return key

    async def play_recording(self, path: Path, *, offset_ms: int = 0, interrupt: str = "") -> Played:
        """Play a recording from `offset_ms` on; raises FileNotFoundError."""
        if not path.is_file():
            raise FileNotFoundError(path)
        seconds = seconds_of(path)
        await self._allow(seconds)
        offset = max(0, offset_ms) * _SAMPLES_PER_MS
        reply = await self._verb(
            "STREAM FILE", sound_name(path), checked_keys(interrupt), offset, seconds=seconds
        )
        if reply.number < 0:
            # The call is up: the switch may not read the file, or it is no audio.
            raise FileNotFoundError(path)
        await self._settle()
        return Played(
            key=reply.key,
            position_ms=(reply.endpos or 0) // _SAMPLES_PER_MS,
            finished=not reply.key,
        )

    async def read_digits(
        self,
        *utterances: Utterance,
        max_digits: int,
        terminator: str = "#",
        first_timeout: float,
        digit_timeout: float,
        fresh: bool = False,
    ) -> str:
        """Play and collect digits until `terminator`, `max_digits` or a timeout (seconds)."""
        files = files_of(self._prompts, utterances, self._language)
        await self._allow(sum(map(seconds_of, files)) + first_timeout + max_digits * digit_timeout)
        if fresh:
            await self._drain()
        digits = ""
        key = await self._stream(files, KEYS) or await self._digit(first_timeout)
        while key and key != terminator:
            digits += key
            if len(digits) >= max_digits:
                break
            key = await self._digit(digit_timeout)
        await self._settle()
        return digits

    async def record(self, path: Path, limits: RecordLimits) -> Recording:
        """Record into `path`; raises OSError when the switch cannot write there."""
        if limits.max_seconds <= 0:
            raise ValueError("A recording needs a maximum length.")
        await self._allow(limits.max_seconds)
        silence = [f"s={limits.silence_seconds}"] if limits.silence_seconds > 0 else []
        reply = await self._command(
            "RECORD FILE",
            sound_name(path),
            "wav",
            checked_keys(limits.keys),
            limits.max_seconds * 1000,
            0,
            *silence,
            seconds=limits.max_seconds + _LATE_SECONDS,
        )
        match reply.data:
            case "hangup":
                return Recording(ended_by=EndedBy.HANGUP)
            case "dtmf":
                ended = Recording(ended_by=EndedBy.KEY, key=reply.key)
            case "timeout" if reply.number > 0 and silence:
                ended = Recording(ended_by=EndedBy.SILENCE, silence_ms=KEPT_SILENCE_MS)
            case "timeout":
                ended = Recording(ended_by=EndedBy.MAX_LENGTH)
            case _:
                await self._fence()
                raise OSError("The switch could not write the recording.")
        await self._settle()
        return ended

    async def _send_to(self, context: str, number: Number) -> None:
        await self._set("TIMEOUT(absolute)", 0)
        await self._command("SET CONTEXT", context)
        await self._command("SET EXTENSION", number)
        await self._command("SET PRIORITY", 1)

    async def _command(self, command: str, *arguments: str | int, seconds: float = _REPLY_SECONDS) -> Reply:
        """Send a command that must succeed."""
        self._check()
        reply = await self._link.command(command, *arguments, seconds=seconds)
        if reply.code == _DEAD_CHANNEL:
            raise CallerHungUp("The channel is dead.")
        if reply.code != _OK:
            raise CallLost(f"The switch refused {command} with {reply.code}.")
        return reply

    async def _verb(self, command: str, *arguments: str | int, seconds: float) -> Reply:
        """Send a command that plays or waits up to `seconds`; -1 comes back only while the call is up."""
        reply = await self._command(command, *arguments, seconds=seconds + _LATE_SECONDS)
        try:
            failed = reply.number < 0
        except ProtocolError as error:
            raise CallLost(str(error)) from error
        if failed:
            await self._fence()
        return reply

    async def _fence(self) -> None:
        """Raise CallerHungUp if a -1 meant that; the connection may be reset in the meantime."""
        try:
            await self._command("CHANNEL STATUS")
        except CallLost as error:
            raise CallerHungUp("The caller hung up.") from error

    async def _set(self, name: str, value: str | int) -> None:
        await self._command("SET VARIABLE", name, value)

    async def _allow(self, seconds: float) -> None:
        """Renew TIMEOUT(absolute): the next verb takes at most `seconds`."""
        limit = math.ceil(seconds) + GRACE_SECONDS
        await self._set("TIMEOUT(absolute)", limit)
        self._expires = asyncio.get_running_loop().time() + limit

    async def _settle(self) -> None:
        """Shorten TIMEOUT(absolute) after a verb that ended long before its bound.

        A call that ended meanwhile is seen by the next verb: this one has a result to hand over.
        """
        left = self._expires - asyncio.get_running_loop().time()
        if left > 2 * GRACE_SECONDS:
            with contextlib.suppress(CallEnded):
                await self._allow(0)

    async def _stream(self, files: Sequence[Path], interrupt: str) -> str:
        for file in files:
            reply = await self._verb(
                "STREAM FILE", sound_name(file), checked_keys(interrupt), seconds=seconds_of(file)
            )
            if reply.number < 0:
                structlog.get_logger().warning("prompt.unplayable", file=file.name)
            elif reply.key:
                return reply.key
        return ""

    async def _digit(self, seconds: float) -> str:
        """Wait for one key; DTMF A to D is none. Returns an empty string at the timeout."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while (left := end - clock()) > 0:
            reply = await self._verb("WAIT FOR DIGIT", max(1, round(left * 1000)), seconds=left)
            if reply.key or reply.number <= 0:
                return reply.key
        return ""

    async def _drain(self) -> None:
        """Drop keys that were pressed before."""
        for _ in range(_DRAIN_LIMIT):
            if (await self._verb("WAIT FOR DIGIT", _DRAIN_MS, seconds=1)).number <= 0:
                return
