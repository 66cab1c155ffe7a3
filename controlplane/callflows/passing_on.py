"""What a listener does with a message beyond their own mailbox: forward it, have it mailed, call back.

A message that is forwarded is a copy: the original stays as it is. The copy is a take like any other, so that
it is in the other mailbox once, whatever dies: until all of its audio is under its name there is nothing to
deliver, and from then on the scanner would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import Call, RecordLimits
from controlplane.callflows.keys import Action, State, keys_of
from controlplane.callflows.menu import choose
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.other_mailbox import ask_other_mailbox, refused_by
from controlplane.callflows.prompts import Prompt
from controlplane.callflows.voicemail import HeardMessage, Spool, Voicemail
from controlplane.domain.errors import ControlPlaneError
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import TakeFacts
from controlplane.domain.rights import Right, Rights

_NUMBER = re.compile(r"[0-9]{3,64}", re.ASCII)
_SHORTEST_NOTE_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What passing messages on needs; `clock` gives UTC."""

    voicemail: Voicemail
    spool: Spool
    options: FlowOptions
    clock: Callable[[], datetime]
    new_id: Callable[[], UUID]


class PassingOn:
    """A listener in a mailbox who may want to pass on what they hear."""

    def __init__(self, call: Call, mailbox: Mailbox, rights: Rights, *, by: str, means: Means) -> None:
        self._call = call
        self._mailbox = mailbox
        self._rights = rights
        self._by = by
        self._means = means
        self.has_gone_on = False
        """Whether the call went on to somebody else: then there is nothing more to say."""

    async def call_back(self, heard: HeardMessage) -> Prompt | None:
        """Send the call to who left a message, if that is a number of the tenant; else return why not.

        Only an extension may: a caller from outside would call at the company's expense.
        """
        facts, number = self._call.facts, heard.caller.number
        known = _NUMBER.fullmatch(number) is not None and facts.extension is not None
        if not known or not await self._means.voicemail.has_number(facts.tenant_id, number):
            return Prompt.CALL_BACK_IMPOSSIBLE
        await self._means.voicemail.note_called_back(heard.id, to=number, by=self._by)
        await self._call.play(Prompt.CALLING_BACK)
        await self._go_on_to(number)
        return None

    async def leave_elsewhere(self) -> None:
        """Ask for another mailbox, and let the listener leave a message there as every caller does."""
        target = await self._ask()
        if target is not None:
            await self._means.voicemail.note_left_elsewhere(self._mailbox.id, to=target.number, by=self._by)
            await self._go_on_to(target.number)

    async def forward(self, heard: HeardMessage) -> Prompt | None:
        """Ask where a message is to go, and send it there; return what is to be said of it, if anything."""
        if Right.DOWNLOAD not in self._rights:
            return Prompt.FORWARD_NOT_ALLOWED
        match await self._choose(State.FORWARD, Prompt.FORWARD_MENU):
            case Action.TO_RECIPIENTS:
                mailed = await self._means.voicemail.mail(heard.id, by=self._by)
                return Prompt.MESSAGE_MAILED if mailed else Prompt.NO_RECIPIENTS
            case Action.TO_MAILBOX:
                return await self._to_mailbox(heard)
            case _:
                return None

    async def _to_mailbox(self, heard: HeardMessage) -> Prompt | None:
        target = await self._ask()
        if target is None:
            return None
        chosen = await self._choose(State.NOTE, Prompt.NOTE_MENU)
        if chosen not in {Action.WITH_NOTE, Action.WITHOUT_NOTE}:
            return Prompt.NOT_FORWARDED
        draft = self._means.spool.draft(self._means.new_id())
        try:
            if chosen is Action.WITH_NOTE and not await self._record_note(draft):
                return Prompt.NOT_FORWARDED
            return await self._send(heard, target, draft if chosen is Action.WITH_NOTE else None)
        except FileNotFoundError:
            return Prompt.RECORDING_UNAVAILABLE
        except OSError:
            return Prompt.NOT_FORWARDED
        finally:
            await self._means.spool.discard_draft(draft)

    async def _record_note(self, draft: Path) -> bool:
        """Record a note; False if hardly anything was said. Who hangs up after it has ended it."""
        await self._call.play(Prompt.RECORD_AFTER_TONE, interrupt=keys_of(State.RECORDING))
        await self._call.beep()
        limits = RecordLimits(
            max_seconds=self._mailbox.max_message_seconds,
            silence_seconds=self._means.options.silence_seconds,
            keys=keys_of(State.RECORDING),
        )
        recording = await self._call.record(draft, limits)
        length_ms = self._means.spool.draft_ms(draft) - recording.silence_ms
        return length_ms >= _SHORTEST_NOTE_MS

    async def _send(self, heard: HeardMessage, target: Mailbox, note: Path | None) -> Prompt:
        voicemail = self._means.voicemail
        # Whoever records a note takes a while.
        now, there = await voicemail.message(heard.id), await voicemail.mailbox(target.id)
        if now is None:
            return Prompt.MESSAGE_GONE
        if (refusal := await refused_by(there, voicemail)) is not None:
            return refusal
        recording = voicemail.recording(heard.id)
        take = await self._means.spool.begin(self._facts(now, target))
        try:
            try:
                await take.fill(*([recording] if note is None else [note, recording]))
            except OSError:
                await take.discard()
                raise
            except ControlPlaneError:
                await take.discard()
                return Prompt.RECORDING_UNAVAILABLE
            # From here on the scanner delivers it, whatever fails.
            with suppress(ControlPlaneError, OSError):
                await voicemail.note_forwarded(heard.id, to=target.number, by=self._by)
                await voicemail.deposit(take.facts, take.wav)
        finally:
            await take.release()
        return Prompt.MESSAGE_FORWARDED

    def _facts(self, heard: HeardMessage, target: Mailbox) -> TakeFacts:
        return TakeFacts(
            recording_id=self._means.new_id(),
            tenant_id=target.tenant_id,
            mailbox_id=target.id,
            call_id=self._call.facts.call_id,
            caller=heard.caller,
            reached_by=heard.reached_by.forwarded_from(self._mailbox.number),
            started_at=self._means.clock(),
            kept=True,
            urgent=heard.urgent,
        )

    async def _ask(self) -> Mailbox | None:
        means = self._means
        return await ask_other_mailbox(
            self._call, self._mailbox, voicemail=means.voicemail, options=means.options
        )

    async def _choose(self, state: State, menu: Prompt) -> Action | None:
        options = self._means.options
        return await choose(self._call, state, menu=menu, options=options, rounds=options.menu_rounds)

    async def _go_on_to(self, number: str) -> None:
        await self._call.transfer(number)
        self.has_gone_on = True
