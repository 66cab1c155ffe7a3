"""The Call port: what a flow can do with a call, the same on every switch.

Both adapters promise, and `tests/contract` holds them to it:

- Any verb after the caller left raises CallerHungUp, but a hangup while recording is a normal
  end and returns. A lost link raises CallLost. Every wait is bounded.
- A missing prompt file is an error of ours, never a hangup: the flow says less and goes on.
- Digits appear in no log, no event and in no channel variable that outlives the call.
- No caller's name, number or header is ever sent to a switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

from controlplane.callflows.prompts import Utterance
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.numbers import Feature


class Stage(StrEnum):
    """How far a flow has come; a channel variable that the dialplan reads.

    The dialplan takes over by it when we do not answer, die or hang. `routed`: it sends the call on.
    """

    GREETING = "greeting"
    RECORDING = "recording"
    REVIEW = "review"
    ROUTED = "routed"
    DONE = "done"


class EndedBy(StrEnum):
    """What ended a recording."""

    KEY = "key"
    SILENCE = "silence"
    MAX_LENGTH = "max_length"
    HANGUP = "hangup"


class HangupCause(StrEnum):
    """Why we end a call, in the words of ITU-T Q.850."""

    NORMAL = "normal_clearing"
    UNALLOCATED = "unallocated_number"
    BUSY = "user_busy"
    FAILURE = "temporary_failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLimits:
    """When a recording ends by itself. There is always a maximum.

    `silence_seconds` 0 means never; an Asterisk call whose phone suppresses silence never ends
    by it. `keys` are those that end it.
    """

    max_seconds: int
    silence_seconds: int = 0
    keys: str = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How a recording ended; `key` is set if a key ended it. The length is that of the file.

    `silence_ms` is what the switch left in the file of the silence that ended it; 0 if something else did.
    """

    ended_by: EndedBy
    key: str = ""
    silence_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How far a recording was played: the key that interrupted it, or none; milliseconds from its start."""

    key: str
    position_ms: int
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where a call goes next, and what its way says of that.

    `number` is one of the tenant. `key` are the keys of a rule that led there, never other digits of a
    caller. `seconds` is how long the call was with us. `failed` is what follows if nobody takes the call
    there and no rule says more: a number, `hangup`, or `repeat` for back to us; without it the call ends.
    """

    number: str
    reason: ReachedReason
    key: str = ""
    seconds: int = 0
    failed: str = ""


class Entry(StrEnum):
    """Which flow the dialplan asks for."""

    LEAVE = "leave"
    CHECK = "check"
    RECEPTIONIST = "receptionist"
    CHECK_OWN = "check-own"
    """Check the messages of the mailbox that the extension owns."""
    FEATURE = "feature"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What the switch told us about a call when it asked for a flow.

    `mailbox_id` and `receptionist_id` come from a route file, each for its own flow; `dialled` are the digits
    behind a feature code, `feature` is what the code stands for, where the entry is `feature`;
    `extension` is the number of the authenticated extension as the switch knows it, None for a
    caller from outside. The caller's name and number are hostile text and stay in Python.
    """

    call_id: str
    entry: Entry
    tenant_id: UUID
    mailbox_id: UUID | None
    dialled: str
    extension: str | None
    caller: Caller
    reached_by: ReachedBy
    feature: Feature | None = None
    receptionist_id: UUID | None = None
    trace_id: str = ""
    """The Call-ID of its INVITE, of harmless characters; empty where the switch says none."""


class Call(Protocol):
    """A call under our control."""

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        ...

    def speak(self, language: str) -> None:
        """Use `language` (one with prompts) from now on."""
        ...

    async def answer(self) -> None:
        """Answer; a second time does nothing."""
        ...

    async def play(self, *utterances: Utterance, interrupt: str = "") -> str:
        """Play in order; return the key of `interrupt` that ended it, or `""`.

        A key that is not in `interrupt` is dropped. What has no file is left out and logged.
        """
        ...

    async def play_recording(self, path: Path, *, offset_ms: int = 0, interrupt: str = "") -> Played:
        """Play a recording from `offset_ms` on, and say how far it went.

        Raises FileNotFoundError when the file is not there.
        """
        ...

    async def read_digits(
        self,
        *utterances: Utterance,
        max_digits: int,
        terminator: str = "#",
        first_timeout: float,
        digit_timeout: float,
        fresh: bool = False,
    ) -> str:
        """Play and collect digits until `terminator`, `max_digits` or a timeout (seconds).

        Keys pressed during the utterances count and cut them short; earlier ones too unless
        `fresh`, which drops them. `first_timeout` runs from the end of the utterances,
        `digit_timeout` from the digit before. Returns `""` when nothing was pressed; the
        terminator is never part of it. With `terminator=""` only length and time end it.
        """
        ...

    async def record(self, path: Path, limits: RecordLimits) -> Recording:
        """Record into a WAV file at `path` (8 kHz, 16 bit, mono); no beep of its own.

        Limits hold within a second. A hangup is a normal end.
        """
        ...

    async def beep(self) -> None:
        """Play the tone after which a caller speaks."""
        ...

    async def set_stage(self, stage: Stage) -> None:
        """Tell the dialplan how far we are; takes effect before the next verb begins."""
        ...

    async def set_recording(self, recording_id: UUID) -> None:
        """Tell the dialplan which take is being recorded."""
        ...

    async def transfer(self, number: str) -> None:
        """Send the call to a number of the tenant and end our part; a second time does nothing."""
        ...

    async def route(self, onward: Onward) -> None:
        """Let the dialplan send the call on, and end our part; a second time does nothing."""
        ...

    async def hangup(self, cause: HangupCause = HangupCause.NORMAL) -> None:
        """End the call; a second time, or after the caller left, does nothing."""
        ...
