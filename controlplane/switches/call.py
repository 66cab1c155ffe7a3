"""What the Call ports of both switches do alike: who calls, words to the dialplan, the ends of our part."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from controlplane.callflows.call import CallFacts, HangupCause, Onward, Stage
from controlplane.callflows.prompts import PromptFiles, Tone, Utterance
from controlplane.domain.errors import CallerHungUp, InvalidValue
from controlplane.domain.numbers import Number
from controlplane.switches.contexts import dialling_context

_KEYS: Final = re.compile(r"[0-9*#]{0,5}", re.ASCII)
_FAILED: Final = re.compile(r"[0-9]{3,64}|hangup|repeat|", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialplanWords:
    """How a dialplan names the variables that it reads after our part, and the causes of an end."""

    stage: str
    recording: str
    cause: str
    causes: dict[HangupCause, str]
    next: str
    reason: str
    key: str
    waited: str
    failed: str


class CallLink(Protocol):
    """The connection of a call."""

    @property
    def has_hung_up(self) -> bool:
        """Whether the switch said that the caller left."""
        ...

    def close(self) -> None:
        """End the connection: the dialplan goes on. Idempotent."""
        ...


Link = TypeVar("Link", bound=CallLink)


class DrivenCall(ABC, Generic[Link]):
    """A call over its link; with the verbs of an adapter it implements `callflows.call.Call`."""

    words: DialplanWords

    def __init__(self, link: Link, facts: CallFacts, prompts: PromptFiles) -> None:
        self._link = link
        self._facts = facts
        self._prompts = prompts
        self._language = "en"
        self._answered = False
        self._left = False

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        return self._facts

    def speak(self, language: str) -> None:
        """Use `language` from now on."""
        self._language = language

    @abstractmethod
    async def play(self, *utterances: Utterance, interrupt: str = "") -> str:
        """Play in order; return the key of `interrupt` that ended it, or an empty string."""

    async def beep(self) -> None:
        """Play the tone after which a caller speaks."""
        await self.play(Tone.BEEP)

    async def set_stage(self, stage: Stage) -> None:
        """Tell the dialplan how far we are."""
        await self._set(self.words.stage, stage.value)

    async def set_recording(self, recording_id: UUID) -> None:
        """Tell the dialplan which take is being recorded."""
        await self._set(self.words.recording, str(recording_id))

    async def transfer(self, number: str) -> None:
        """Send the call to a number of the tenant and end our part; raises InvalidValue for no number."""
        target = Number.parse(number)
        if self._left:
            return
        context = dialling_context(self._facts.tenant_id, extension=self._facts.extension)
        await self._set(self.words.stage, Stage.DONE.value)
        await self._send_to(context, target)
        self._leave()

    async def route(self, onward: Onward) -> None:
        """Let the dialplan send the call on; raises InvalidValue for what no rule can say."""
        target = Number.parse(onward.number)
        if not _KEYS.fullmatch(onward.key) or not _FAILED.fullmatch(onward.failed):
            raise InvalidValue("No rule leads there.")
        if self._left:
            return
        await self._tidy()
        # `*` and `#` mean something to dialplans; a way has letters for them (`domain.routing.way`).
        key = onward.key.replace("*", "s").replace("#", "h")
        await self._set_all(
            {
                self.words.key: key,
                self.words.next: target,
                self.words.reason: onward.reason.value,
                self.words.waited: str(max(0, onward.seconds)),
                self.words.failed: onward.failed,
                # Last: until then the dialplan would go to the fall-back.
                self.words.stage: Stage.ROUTED.value,
            }
        )
        self._leave()

    async def hangup(self, cause: HangupCause = HangupCause.NORMAL) -> None:
        """Let the dialplan end the call with `cause`; a second time, or after the caller left, nothing."""
        if self._left or self._link.has_hung_up:
            return
        try:
            await self._set_all(
                {self.words.cause: self.words.causes[cause], self.words.stage: Stage.DONE.value}
            )
        except CallerHungUp:
            structlog.get_logger().debug("call.left_before_hangup")
        self._leave()

    @abstractmethod
    async def _set(self, name: str, value: str) -> None:
        """Set a variable of the channel; raises CallerHungUp when that is gone."""

    async def _set_all(self, values: Mapping[str, str]) -> None:
        """Set some variables in their order; raises CallerHungUp when the channel is gone."""
        for name, value in values.items():
            await self._set(name, value)

    @abstractmethod
    async def _send_to(self, context: str, number: Number) -> None:
        """Let the dialplan go on at a number; raises CallerHungUp."""

    async def _tidy(self) -> None:
        """Take away what belonged to our part alone; raises CallerHungUp."""

    def _check(self) -> None:
        """Raise CallerHungUp: a verb after our own end is after the call."""
        if self._left:
            raise CallerHungUp("We ended the call.")

    def _leave(self) -> None:
        """Let go of the link: the dialplan goes on, by the stage or where a transfer sent it."""
        self._left = True
        self._link.close()
