"""Mailbox options, key 0 of the main menu: the greeting, the mailbox's spoken name, and its PIN.

Nothing is changed before the caller says so: a recording is kept by a key, a PIN when it was entered twice.
Whoever hangs up before leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from controlplane.callflows.call import Call, EndedBy, RecordLimits
from controlplane.callflows.keys import Action, State, keys_of
from controlplane.callflows.menu import choose
from controlplane.callflows.option_ports import OptionsDesk, Scratch
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import AudioFile, Greeting, Prompt, Tone, Utterance
from controlplane.callflows.voicemail import PinSource, Voicemail
from controlplane.domain.errors import InvalidValue
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin

_MAX_PIN_DIGITS: Final = 64
"""More than a PIN may have, so that one that is too long is heard of and not cut off."""
_LONGEST_GREETING_SECONDS: Final = 180
_LONGEST_NAME_SECONDS: Final = 10
_SHORTEST_MS: Final = 500

PIN_FAULTS: Final[Mapping[str, Prompt]] = MappingProxyType(
    {
        "pin-not-digits": Prompt.PIN_NOT_DIGITS,
        "pin-too-short": Prompt.PIN_TOO_SHORT,
        "pin-too-long": Prompt.PIN_TOO_LONG,
        "pin-one-digit": Prompt.PIN_ONE_DIGIT,
        "pin-run": Prompt.PIN_RUN,
        "pin-is-number": Prompt.PIN_IS_NUMBER,
    }
)
"""What is said of a PIN that breaks a rule, by the rule's error id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """What is spoken for a mailbox: its sentences, and how long it may be."""

    menu: Prompt
    record: Prompt
    kept: Prompt
    standard: Prompt
    longest_seconds: int


_GREETING: Final = _Spoken(
    menu=Prompt.GREETING_MENU,
    record=Prompt.RECORD_GREETING,
    kept=Prompt.GREETING_KEPT,
    standard=Prompt.GREETING_STANDARD_AGAIN,
    longest_seconds=_LONGEST_GREETING_SECONDS,
)
_NAME: Final = _Spoken(
    menu=Prompt.NAME_MENU,
    record=Prompt.RECORD_NAME,
    kept=Prompt.NAME_KEPT,
    standard=Prompt.NAME_STANDARD_AGAIN,
    longest_seconds=_LONGEST_NAME_SECONDS,
)


class MailboxOptions:
    """A caller who manages a mailbox; `by` names him for the record. `pin_entered`: in this call already."""

    def __init__(
        self,
        call: Call,
        mailbox: Mailbox,
        *,
        desk: OptionsDesk,
        voicemail: Voicemail,
        options: FlowOptions,
        by: str,
        pin_entered: bool,
    ) -> None:
        self._call = call
        self._mailbox = mailbox
        self._desk = desk
        self._voicemail = voicemail
        self._options = options
        self._by = by
        self._pin_entered = pin_entered
        self._kept: dict[str, Scratch] = {}
        """What was kept in this call: it is heard from here until a job has put it where calls find it."""

    async def run(self) -> tuple[Utterance, ...] | None:
        """Return what the main menu begins with, or None to leave. Raises Unavailable.

        Who was spared the PIN enters it here, so that a phone that was left alone changes nothing.
        """
        if not self._pin_entered:
            if not await self._let_in():
                return (Prompt.PIN_INCORRECT,)
            self._pin_entered = True
        try:
            return await self._menu()
        finally:
            for scratch in self._kept.values():
                with suppress(OSError):
                    await scratch.remove()
            self._kept.clear()

    async def _let_in(self) -> bool:
        facts = self._call.facts
        source = PinSource(tenant_id=facts.tenant_id, extension=facts.extension)
        sorry: tuple[Utterance, ...] = ()
        for _ in range(self._options.pin_tries):
            digits = await self._digits(*sorry, Prompt.ENTER_PIN)
            if not digits:
                return False
            if await self._voicemail.try_pin(self._mailbox.id, source, Pin(digits)):
                return True
            await self._voicemail.note_refused(self._mailbox.id, by=self._by)
            sorry = (Prompt.PIN_INCORRECT,)
        return False

    async def _menu(self) -> tuple[Utterance, ...] | None:
        said: tuple[Utterance, ...] = ()
        while True:
            match await self._choose(State.OPTIONS, *said, menu=Prompt.OPTIONS_MENU):
                case Action.GREETING:
                    said = await self._spoken(_GREETING)
                case Action.NAME:
                    said = await self._spoken(_NAME)
                case Action.CHANGE_PIN:
                    said = await self._change_pin()
                case Action.LEAVE:
                    return None
                case _:
                    return ()

    async def _spoken(self, what: _Spoken) -> tuple[Utterance, ...]:
        """Listen to it, record it, or take it back; return what the menu before begins with."""
        said: tuple[Utterance, ...] = ()
        while True:
            match await self._choose(State.SPOKEN, *said, menu=what.menu):
                case Action.HEAR:
                    said = (await self._present(what),)
                case Action.RECORD:
                    said = await self._record(what)
                case Action.STANDARD:
                    await self._take_back(what)
                    said = (what.standard,)
                case _:
                    return ()

    async def _present(self, what: _Spoken) -> Utterance:
        """Return what callers hear now."""
        if (kept := self._kept.get(what.menu)) is not None:
            return AudioFile(path=kept.wav)
        mailbox = await self._voicemail.mailbox(self._mailbox.id) or self._mailbox
        own = what is _GREETING
        return Greeting(
            display_name=mailbox.display_name,
            text=mailbox.greeting if own else None,
            recording=mailbox.recordings.get("") if own else None,
            name_recording=mailbox.name_recording,
        )

    async def _take_back(self, what: _Spoken) -> None:
        changes = self._desk.changes
        if what is _GREETING:
            await changes.standard_greeting(self._mailbox, by=self._by)
        else:
            await changes.standard_name(self._mailbox, by=self._by)
        kept = self._kept.pop(what.menu, None)
        if kept is not None:
            await kept.remove()

    async def _record(self, what: _Spoken) -> tuple[Utterance, ...]:
        """Record until the caller keeps it or goes back; return what is said of it."""
        said: tuple[Utterance, ...] = ()
        while True:
            scratch = await self._desk.scratch()
            keep = False
            try:
                action = await self._judge(scratch, what, *said)
                if action is Action.KEEP_RECORDING:
                    keep = await self._keep(scratch, what)
                    if keep:
                        return (what.kept,)
                    said = (Prompt.RECORDING_UNUSABLE,)
                elif action is not Action.RECORD_AGAIN:
                    return (Prompt.NOTHING_KEPT,)
                else:
                    said = ()
            finally:
                if not keep:
                    with suppress(OSError):
                        await scratch.remove()

    async def _judge(self, scratch: Scratch, what: _Spoken, *said: Utterance) -> Action | None:
        """Record, then let the caller listen to it; return what is to be done with it."""
        call = self._call
        await call.play(*said, what.record, interrupt=keys_of(State.GREETING))
        await call.beep()
        limits = RecordLimits(
            max_seconds=what.longest_seconds,
            silence_seconds=self._options.silence_seconds,
            keys=keys_of(State.RECORDING),
        )
        recording = await call.record(scratch.wav, limits)
        if recording.ended_by is EndedBy.HANGUP:
            return None
        before: tuple[Utterance, ...] = ()
        if scratch.duration_ms() - recording.silence_ms < _SHORTEST_MS:
            await call.play(Prompt.RECORDING_TOO_SHORT)
            return Action.CANCEL
        while True:
            action = await self._choose(State.RECORDED, *before, menu=Prompt.RECORDED_MENU)
            if action is not Action.HEAR:
                return action
            before = (AudioFile(path=scratch.wav),)

    async def _keep(self, scratch: Scratch, what: _Spoken) -> bool:
        changes = self._desk.changes
        keep = changes.keep_greeting if what is _GREETING else changes.keep_name
        if not await keep(self._mailbox, scratch.wav, by=self._by):
            return False
        before = self._kept.pop(what.menu, None)
        self._kept[what.menu] = scratch
        if before is not None:
            await before.remove()
        return True

    async def _change_pin(self) -> tuple[Utterance, ...]:
        """Ask for a PIN twice; a weak one is told why, and nothing is changed."""
        sorry: tuple[Utterance, ...] = ()
        for _ in range(self._options.menu_rounds):
            digits = await self._digits(*sorry, Prompt.ENTER_NEW_PIN)
            if not digits:
                return (Prompt.PIN_UNCHANGED,)
            pin = Pin(digits)
            try:
                self._desk.pin_policy.check(pin, number=self._mailbox.number)
            except InvalidValue as error:
                sorry = (PIN_FAULTS[error.error_id],)
                continue
            if await self._digits(Prompt.REPEAT_NEW_PIN) == digits:
                await self._desk.changes.change_pin(self._mailbox, pin, by=self._by)
                return (Prompt.PIN_CHANGED,)
            sorry = (Prompt.PIN_NOT_SAME,)
        return (*sorry, Prompt.PIN_UNCHANGED)

    async def _digits(self, *words: Utterance) -> str:
        return await self._call.read_digits(
            *words,
            max_digits=_MAX_PIN_DIGITS,
            first_timeout=self._options.first_digit_seconds,
            digit_timeout=self._options.digit_seconds,
            fresh=True,
        )

    async def _choose(self, state: State, *before: Utterance, menu: Prompt) -> Action | None:
        # Silence keeps what is played before from running into the menu.
        said = (*before, Tone.SILENCE) if before and isinstance(before[-1], AudioFile) else before
        return await choose(
            self._call, state, *said, menu=menu, options=self._options, rounds=self._options.menu_rounds
        )
