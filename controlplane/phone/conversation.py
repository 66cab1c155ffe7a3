"""A call told as a person would tell it: hear, press, say, hang up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controlplane.callflows.prompts import PromptFiles, Tone, Utterance
from controlplane.phone.phone import PhoneCall, PhoneError
from controlplane.phone.sound import Heard, Search

_LOOK_SECONDS = 0.15


class NotHeardError(PhoneError):
    """What was expected was not heard in time."""


class Conversation:
    """A call, and how far we have listened to it; positions in seconds from its first media."""

    def __init__(self, call: PhoneCall, prompts: PromptFiles, *, language: str = "en") -> None:
        self.call = call
        self.position = 0.0
        self._prompts = prompts
        self._language = language

    async def expect_to_hear(self, *utterances: Utterance, seconds: float = 15.0) -> float:
        """Wait until each was heard to its end, in order, behind what was heard before.

        Returns where the last one ended. Raises NotHeardError naming what was missing, and
        FileNotFoundError if an utterance has no file at all.
        """
        for utterance in utterances:
            files = self._prompts.files(utterance, self._language)
            if not files:
                raise FileNotFoundError(f"nothing says {utterance!r}")
            for path in files:
                await self.expect_sound(path, str(utterance), seconds=seconds)
        return self.position

    async def expect_sound(self, path: Path, name: str, *, seconds: float = 15.0) -> float:
        """Wait until a WAV file was heard to its end; return where it ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        search = Search(path, after=self.position)
        while True:
            over = self.call.is_over
            end = search.look(self.call.heard)
            if end is not None:
                self.position = end
                return end
            if over or loop.time() > deadline:
                why = "before the call ended" if over else f"within {seconds:g} s"
                raise NotHeardError(f"{name} was not heard {why} (listened from {self.position:.2f} s)")
            await asyncio.sleep(_LOOK_SECONDS)

    def has_heard(self, utterance: Utterance) -> bool:
        """Say whether it was heard anywhere in the call up to now."""
        files = self._prompts.files(utterance, self._language)
        heard = self.call.heard
        return bool(files) and all(heard.find(path) is not None for path in files)

    async def expect_beep(self, *, seconds: float = 15.0) -> float:
        """Wait for the tone after which one speaks."""
        return await self.expect_to_hear(Tone.BEEP, seconds=seconds)

    async def expect_the_end(self, *, seconds: float = 15.0) -> int:
        """Wait until the other side ends the call; return the SIP status."""
        return await self.call.ended(seconds=seconds)

    async def press(self, digits: str, *, how: str = "rfc4733") -> None:
        """Press keys; what comes now was not heard before."""
        await self.call.press(digits, how=how)

    async def say(self, path: Path) -> None:
        """Speak a WAV file to its end."""
        await self.call.say(path)

    async def hang_up(self) -> None:
        """End the call from this side."""
        await self.call.hang_up()

    @property
    def heard(self) -> Heard:
        """Everything heard up to now."""
        return self.call.heard
