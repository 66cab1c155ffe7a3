"""The Call port over the outbound Event Socket in sync mode.

What calls on FreeSWITCH 1.11 showed, and what therefore decides here:

- The reply to an application comes when it has ended, and after a hangup every one of them is
  skipped with `+OK`. So each is followed by a look at a channel variable, which says `No such
  channel` from the hangup on; it is the fence and the result in one, and takes 0.3 ms.
- The file of a recording is complete at that reply, whatever ended it. Nothing is subscribed to:
  results come from variables, and no event with digits reaches us.
- `record` hangs up where it cannot write, ends at a whole second after its limit, and takes 0 hits
  of silence for its default; a threshold of 0 is what turns it off.
- `read` collects the keys of a whole answer. They leave the channel as soon as it has ended, also by
  a hangup; only the event that says so, for whoever subscribed to all of them, has them once.
- No media is read between two applications: keys wait in the socket, and a flush misses them.
- At the log level `debug` FreeSWITCH writes the keys that `playback` meets, so the rendered
  configuration stays above it; `sensitive_dtmf` keeps them out of its other lines and events.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
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
from controlplane.domain.numbers import Number
from controlplane.switches.call import DrivenCall
from controlplane.switches.freeswitch import variables
from controlplane.switches.freeswitch.command import word
from controlplane.switches.freeswitch.link import OutboundLink
from controlplane.switches.sounds import KEYS, checked_keys, files_of, seconds_of

LINGER_SECONDS: Final = 10
"""How long the switch keeps a session for us after a hangup; we let go much earlier."""

SILENCE_THRESHOLD: Final = 200
"""The mean level, of 32,767, below which 20 ms of sound are silence."""

_REPLY_SECONDS: Final = 5.0
_LATE_SECONDS: Final = 8.0
"""What a verb may take beyond its own bound."""

_ANSWER_SECONDS: Final = 10.0
_DRAIN_MS: Final = 300
_DRAIN_LIMIT: Final = 64
_SAMPLES_PER_MS: Final = 8
_SHORTEST_READ_MS: Final = 1_000
"""`read` waits no less for its first key."""

_NO_KEY: Final = "none"
"""Stands for no key, in `playback_terminators` and, having none in it, in the argument of `read`."""

_TERMINATORS: Final = "playback_terminators"
_TERMINATOR_USED: Final = "playback_terminator_used"
_SILENCE_USED: Final = "silence_hits_exhausted"
_POSITION: Final = "playback_last_offset_pos"
_CHANNEL_RATE: Final = "read_rate"
_GONE: Final = "-ERR No such channel"
_UNSET: Final = "_undef_"
_NUMBER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class FreeSwitchCall(DrivenCall[OutboundLink]):
    """One call, driven over its outbound socket; implements `callflows.call.Call`."""

    words = variables.WORDS

    def __init__(self, link: OutboundLink, facts: CallFacts, prompts: PromptFiles) -> None:
        super().__init__(link, facts, prompts)
        self._terminators: str | None = None

    async def prepare(self) -> None:
        """Make the channel ours: linger, no keys in logs, whole recordings of 8 kHz, no secret.

        Raises CallEnded.
        """
        reply = await self._link.command(f"linger {LINGER_SECONDS}", seconds=_REPLY_SECONDS)
        if not reply.reply.startswith("+OK"):
            raise CallLost("The switch refused to linger.")
        await self._set_all(
            {
                variables.SECRET: "",
                "sensitive_dtmf": "true",
                "record_fill_cng": "true",
                "record_sample_rate": "8000",
            }
        )

    async def answer(self) -> None:
        """Answer; a second time does nothing."""
        if self._answered:
            return
        await self._execute("answer", seconds=_ANSWER_SECONDS)
        await self._fence()
        self._answered = True

    async def play(self, *utterances: Utterance, interrupt: str = "") -> str:
        """Play in order; return the key of `interrupt` that ended it, or an empty string."""
        files = files_of(self._prompts, utterances, self._language)
        await self._end_by(interrupt)
        for file in self._there(files):
            key = await self._playback(_path(file), seconds=seconds_of(file))
            if key:
                return key
        return ""

    async def play_recording(self, path: Path, *, offset_ms: int = 0, interrupt: str = "") -> Played:
        """Play a recording from `offset_ms` on; raises FileNotFoundError."""
        if not path.is_file():
            raise FileNotFoundError(path)
        await self._end_by(interrupt)
        await self._set(_POSITION, "")
        offset = max(0, offset_ms) * _SAMPLES_PER_MS
        key = await self._playback(f"{_path(path)}@@{offset}", seconds=seconds_of(path))
        position, rate = await self._get(_POSITION), await self._get(_CHANNEL_RATE)
        if not _NUMBER.fullmatch(position):
            # The call is up: the switch may not read the file, or it is no audio.
            raise FileNotFoundError(path)
        # It begins at the samples of the file, and counts on in those of the channel.
        per_ms = max(_SAMPLES_PER_MS, int(rate) // 1000 if _NUMBER.fullmatch(rate) else 0)
        played = max(0, int(position) - offset) // per_ms
        return Played(key=key, position_ms=offset // _SAMPLES_PER_MS + played, finished=not key)

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
        files = list(self._there(files_of(self._prompts, utterances, self._language)))
        if fresh:
            await self._drain()
        first = max(_SHORTEST_READ_MS, round(first_timeout * 1000))
        digit = max(1, round(digit_timeout * 1000))
        bound = sum(map(seconds_of, files)) + first / 1000 + max_digits * digit / 1000
        prompt = "file_string://" + "!".join(map(_path, files)) if files else "silence"
        ends = checked_keys(terminator) or _NO_KEY
        await self._execute(
            "read", f"1 {max_digits} {prompt} {variables.DIGITS} {first} {ends} {digit}", seconds=bound
        )
        try:
            digits = await self._get(variables.DIGITS)
        finally:
            await self._forget_digits()
        return "".join(key for key in digits if key in KEYS)

    async def record(self, path: Path, limits: RecordLimits) -> Recording:
        """Record into `path`; raises OSError when there is no folder for it."""
        if limits.max_seconds <= 0:
            raise ValueError("A recording needs a maximum length.")
        if not path.parent.is_dir():
            # FreeSWITCH would hang up.
            raise OSError("There is no folder for the recording.")
        self._terminators = checked_keys(limits.keys) or _NO_KEY
        await self._set_all({_TERMINATORS: self._terminators, _TERMINATOR_USED: "", _SILENCE_USED: ""})
        threshold = SILENCE_THRESHOLD if limits.silence_seconds > 0 else 0
        # Its limit is reached when a whole second more than that has begun.
        argument = f"{_path(path)} {limits.max_seconds} {threshold} {limits.silence_seconds}"
        await self._execute("record", argument, seconds=limits.max_seconds)
        try:
            key = await self._get(_TERMINATOR_USED)
            if key:
                return Recording(ended_by=EndedBy.KEY, key=key)
            silent = await self._get(_SILENCE_USED) == "true"
        except CallerHungUp:
            if not path.is_file():
                # He left before the first sound, or the switch could not write and ended the call.
                structlog.get_logger().warning("recording.not_written", file=path.name)
                raise
            return Recording(ended_by=EndedBy.HANGUP)
        if silent:
            return Recording(ended_by=EndedBy.SILENCE, silence_ms=limits.silence_seconds * 1000)
        return Recording(ended_by=EndedBy.MAX_LENGTH)

    async def _tidy(self) -> None:
        await self._set_all({_TERMINATORS: "", "sensitive_dtmf": ""})

    async def _send_to(self, context: str, number: Number) -> None:
        await self._tidy()
        await self._execute("transfer", f"{number} XML {context}", seconds=0)

    def _there(self, files: Sequence[Path]) -> Sequence[Path]:
        """Return the files that are there, and log the others."""
        there = [file for file in files if file.is_file()]
        for file in set(files) - set(there):
            structlog.get_logger().warning("prompt.unplayable", file=file.name)
        return there

    async def _playback(self, what: str, *, seconds: float) -> str:
        """Play to the end or to a terminator, and return that key."""
        await self._execute("playback", what, seconds=seconds)
        return await self._get(_TERMINATOR_USED)

    async def _drain(self) -> None:
        """Drop keys that were pressed before."""
        await self._end_by(KEYS)
        for _ in range(_DRAIN_LIMIT):
            if not await self._playback(f"silence_stream://{_DRAIN_MS}", seconds=1):
                return

    async def _forget_digits(self) -> None:
        """Unset what `read` left, before the call is reported.

        After a hangup `unset` is still done; before it, it would bring an event with the digits.
        """
        with contextlib.suppress(CallEnded):
            if not self._link.has_hung_up:
                with contextlib.suppress(CallerHungUp):
                    await self._set(variables.DIGITS, "")
                    return
            await self._link.execute("unset", variables.DIGITS, seconds=_REPLY_SECONDS, after_hangup=True)

    async def _end_by(self, keys: str) -> None:
        """Let these keys end what is played or recorded next."""
        wanted = checked_keys(keys) or _NO_KEY
        if wanted != self._terminators:
            await self._set(_TERMINATORS, wanted)
            self._terminators = wanted

    async def _execute(self, application: str, argument: str = "", *, seconds: float) -> None:
        """Run an application that takes at most `seconds`; what it did is told by a variable."""
        self._check()
        reply = await self._link.execute(application, argument, seconds=seconds + _LATE_SECONDS)
        if not reply.reply.startswith("+OK"):
            raise CallLost(f"The switch refused {application}.")

    async def _set(self, name: str, value: str) -> None:
        """Set a variable of the channel, or unset it; raises CallerHungUp when that is gone."""
        await self._set_all({name: value})

    async def _set_all(self, values: Mapping[str, str]) -> None:
        """Set some by one command: the switch reads those byte by byte, and yields its core after each."""
        pairs = ";".join(f"{name}={word(value) if value else ''}" for name, value in values.items())
        await self._api(f"uuid_setvar_multi {self._facts.call_id} {pairs}")

    async def _get(self, name: str) -> str:
        """Return a variable of the channel, empty when it is not set; raises CallerHungUp."""
        value = await self._api(f"uuid_getvar {self._facts.call_id} {name}")
        return "" if value == _UNSET or value.startswith("-ERR no reply") else value

    async def _fence(self) -> None:
        """Raise CallerHungUp if the channel is gone."""
        if await self._api(f"uuid_exists {self._facts.call_id}") != "true":
            self._gone()

    async def _api(self, line: str) -> str:
        self._check()
        answer = (await self._link.command(f"api {line}", seconds=_REPLY_SECONDS)).text
        if answer.startswith(_GONE):
            self._gone()
        return answer

    def _gone(self) -> None:
        self._link.note_hangup()
        raise CallerHungUp("The caller hung up.")


def _path(path: Path) -> str:
    """Return a path as FreeSWITCH takes it; raises ValueError for one that it would read otherwise."""
    if not path.is_absolute() or path.suffix != ".wav" or "@@" in str(path):
        raise ValueError("A sound file is an absolute path that ends in .wav.")
    return word(str(path))
