"""Leaving a message: greet, record, review, deposit; so that no moment of dying loses or doubles it.

The order of steps is what keeps the promise (docs/call-flows.md has the table):

- Facts are in the spool and the dialplan knows the take before the beep.
- The stage goes back to `greeting`, or the take of before is named again, before a take is dropped.
- An earlier take is dropped only when the new one is long enough, and before that one is
  deposited: afterwards nobody would know any more that they belong together.
- The stage is `done` before the deposit, because a deposit takes the audio away under which the
  dialplan would look; at that moment the spool holds all of it and the scanner would deliver.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from controlplane.callflows.call import Call, EndedBy, HangupCause, Onward, Recording, RecordLimits, Stage
from controlplane.callflows.check_messages import Hears, check_messages, nobody_looks
from controlplane.callflows.ending import Ending, Outcome, end_call
from controlplane.callflows.greet import choose_greeting, said_greeting
from controlplane.callflows.keys import Action, State, action_of, key_of, keys_of
from controlplane.callflows.menu import choose
from controlplane.callflows.option_ports import OptionsDesk
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import Prompt, Utterance
from controlplane.callflows.voicemail import Spool, Take, Voicemail
from controlplane.domain.errors import CallEnded, CallerHungUp, CallLost, ControlPlaneError, Unavailable
from controlplane.domain.greeting import HeardGreeting
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import ReachedReason, TakeFacts

_SKIP_KEY, _OPERATOR_KEY, _LOG_IN_KEY = (
    key_of(State.GREETING, action) for action in (Action.SKIP, Action.OPERATOR, Action.LOG_IN)
)
_TOLERANCE_MS = 100


async def leave_message(
    call: Call,
    *,
    voicemail: Voicemail,
    spool: Spool,
    options: FlowOptions,
    clock: Callable[[], datetime],
    new_id: Callable[[], UUID],
    opened: Callable[[UUID], None] = lambda _mailbox_id: None,
    hears: Hears = nobody_looks,
    desk: OptionsDesk | None = None,
) -> Ending:
    """Take a message for the mailbox that the dialplan named.

    During the greeting the caller may go to the operator, or log in, where the mailbox allows that; `opened`
    is told whose messages are heard then, `hears` which one; without a `desk` there are no mailbox options.
    `clock` gives UTC. Returns how it ended: neither a hangup, nor a lost link, nor a database or
    disk that fails raises. Whatever is raised (a cancellation, a fault of ours), each take has
    been let go and is delivered by the scanner, and the stage tells the dialplan what to do.
    """
    facts = call.facts
    try:
        mailbox = None if facts.mailbox_id is None else await voicemail.mailbox(facts.mailbox_id)
        if mailbox is not None and mailbox.tenant_id != facts.tenant_id:
            mailbox = None
        if mailbox is None:
            call.speak(await voicemail.language(facts.tenant_id))
        else:
            greeting = await choose_greeting(mailbox, facts.reached_by, voicemail=voicemail, at=clock())
            call.speak(greeting.language)
        is_full = mailbox is not None and mailbox.enabled and await voicemail.is_full(mailbox)
    except Unavailable as error:
        return Ending(outcome=Outcome.UNAVAILABLE, error=error)
    if mailbox is None:
        return await _refuse(call, Prompt.MAILBOX_UNKNOWN, Ending(outcome=Outcome.MAILBOX_UNKNOWN))
    if not mailbox.enabled:
        ending = Ending(outcome=Outcome.MAILBOX_DISABLED, mailbox_number=mailbox.number)
        return await _refuse(call, Prompt.MAILBOX_DISABLED, ending)
    if is_full:
        # Before anybody speaks. Whoever records already is heard: a deposit refuses nobody.
        ending = Ending(outcome=Outcome.MAILBOX_FULL, mailbox_number=mailbox.number)
        return await _refuse(call, Prompt.MAILBOX_FULL, ending)
    leaving = _Leaving(call, mailbox, greeting=greeting, voicemail=voicemail, spool=spool, options=options)
    try:
        left = await leaving.run(clock=clock, new_id=new_id)
    finally:
        await leaving.release()
    if left is not None:
        return left
    return await check_messages(
        call,
        spool=spool,
        clock=clock,
        new_id=new_id,
        voicemail=voicemail,
        options=options,
        opened=opened,
        hears=hears,
        greeted_by=mailbox,
        desk=desk,
    )


async def _refuse(call: Call, words: Prompt, ending: Ending) -> Ending:
    # The stage comes first: if we die while speaking, the dialplan must not record.
    with suppress(CallEnded):
        await call.set_stage(Stage.DONE)
        await call.answer()
        await end_call(call, words, cause=HangupCause.UNALLOCATED)
    return ending


class _Leaving:
    """One caller who leaves a message: at most one take that will be delivered, and one in the making."""

    def __init__(
        self,
        call: Call,
        mailbox: Mailbox,
        *,
        greeting: HeardGreeting,
        voicemail: Voicemail,
        spool: Spool,
        options: FlowOptions,
    ) -> None:
        self._call = call
        self._mailbox = mailbox
        self._greeting = greeting
        self._voicemail = voicemail
        self._spool = spool
        self._options = options
        self._begun: list[Take] = []
        self._kept: Take | None = None
        self._making: Take | None = None
        self._silence_ms = 0
        self._dropping = False
        self._urgent = False

    async def run(self, *, clock: Callable[[], datetime], new_id: Callable[[], UUID]) -> Ending | None:
        """Talk with the caller, then dispose of what was recorded, whether or not the caller is there.

        None if the caller wants to log in instead: then nothing was recorded.
        """
        hung_up = False
        trouble: OSError | None = None
        began = clock()
        try:
            chosen = await self._talk(clock, new_id)
            if chosen is Action.OPERATOR:
                return await self._to_operator(seconds=int((clock() - began).total_seconds()))
            if chosen is Action.LOG_IN:
                # From here on the dialplan must not record: it is a member who speaks.
                await self._call.set_stage(Stage.DONE)
                return None
        except CallerHungUp:
            hung_up = True
        except CallLost as error:
            return self._ending(Outcome.CALL_LOST, error)
        except OSError as error:
            trouble = error
        return await self._dispose(hung_up=hung_up, trouble=trouble)

    async def release(self) -> None:
        """Let go of every take; what was not disposed of is the scanner's."""
        for take in self._begun:
            await take.release()

    def _ending(self, outcome: Outcome, error: Exception | None = None) -> Ending:
        take = self._kept or self._making
        return Ending(
            outcome=outcome,
            mailbox_number=self._mailbox.number,
            recording_id=take.facts.recording_id if take else None,
            error=error,
        )

    async def _to_operator(self, *, seconds: int) -> Ending:
        operator = self._mailbox.operator_number
        assert operator is not None, "the key does nothing without one"
        onward = Onward(number=operator, reason=ReachedReason.EXIT_KEY, key=_OPERATOR_KEY, seconds=seconds)
        await self._call.route(onward)
        return self._ending(Outcome.ROUTED)

    async def _greet(self, *said: Utterance) -> Action | None:
        """Say what comes before the beep; return what the caller wants instead of leaving a message."""
        keys = _SKIP_KEY
        if self._mailbox.operator_number is not None:
            keys += _OPERATOR_KEY
        if self._mailbox.log_in_from_greeting:
            keys += _LOG_IN_KEY
        chosen = action_of(State.GREETING, await self._call.play(*said, interrupt=keys))
        return None if chosen is Action.SKIP else chosen

    async def _talk(self, clock: Callable[[], datetime], new_id: Callable[[], UUID]) -> Action | None:
        """Return when there is nothing more to ask: the kept take is to be sent, or there is none.

        Or what the caller wants instead of leaving a message.
        """
        call = self._call
        await call.set_stage(Stage.GREETING)
        await call.answer()
        greeting = said_greeting(self._mailbox, self._greeting)
        if (chosen := await self._greet(greeting)) is not None:
            return chosen
        recording = await self._record(clock, new_id)
        if not self._long_enough() and recording.ended_by is not EndedBy.HANGUP:
            await call.set_stage(Stage.GREETING)
            await self._judge()
            if (chosen := await self._greet(Prompt.MESSAGE_TOO_SHORT)) is not None:
                return chosen
            recording = await self._record(clock, new_id)
        if self._long_enough():
            await self._judge()
        before: tuple[Utterance, ...] = ()
        while recording.ended_by is EndedBy.KEY and self._kept is not None and self._mailbox.review:
            if not await self._wants_another(self._kept, *before):
                return None
            before = ()
            await call.play(Prompt.RECORD_AFTER_TONE, interrupt=keys_of(State.RECORDING))
            recording = await self._record(clock, new_id)
            if self._long_enough():
                await self._judge()
            elif recording.ended_by is not EndedBy.HANGUP:
                await call.set_recording(self._kept.facts.recording_id)
                await call.set_stage(Stage.REVIEW)
                await self._judge()
                before = (Prompt.EARLIER_KEPT,)
                recording = Recording(ended_by=EndedBy.KEY)
        return None

    async def _record(self, clock: Callable[[], datetime], new_id: Callable[[], UUID]) -> Recording:
        call = self._call
        facts = TakeFacts(
            recording_id=new_id(),
            tenant_id=self._mailbox.tenant_id,
            mailbox_id=self._mailbox.id,
            call_id=call.facts.call_id,
            caller=call.facts.caller,
            reached_by=call.facts.reached_by,
            started_at=clock(),
            replaces=self._kept.facts.recording_id if self._kept else None,
            urgent=self._urgent,
            trace_id=call.facts.trace_id,
        )
        take = await self._spool.begin(facts)
        self._begun.append(take)
        self._making = take
        self._silence_ms = 0
        await call.set_recording(facts.recording_id)
        await call.set_stage(Stage.RECORDING)
        await call.beep()
        limits = RecordLimits(
            max_seconds=self._mailbox.max_message_seconds,
            silence_seconds=self._options.silence_seconds,
            keys=keys_of(State.RECORDING),
        )
        recording = await call.record(take.wav, limits)
        self._silence_ms = recording.silence_ms
        return recording

    def _long_enough(self) -> bool:
        if self._making is None:
            return False
        length_ms = self._making.duration_ms() - self._silence_ms
        # Of a silence the switch leaves some milliseconds more than it says.
        nothing_ms = _TOLERANCE_MS if self._silence_ms else 0
        return length_ms > nothing_ms and length_ms >= self._mailbox.min_message_seconds * 1000

    async def _judge(self) -> None:
        """Make the take in the making the kept one, or drop it; a second time does nothing."""
        if self._making is None:
            return
        self._dropping = not self._long_enough()
        if self._dropping:
            await self._making.discard()
        else:
            # Without the note the scanner measures by itself, and with it nobody is told an untruth:
            # a reason to go on without it.
            with suppress(OSError):
                await self._making.keep()
            if self._kept is not None:
                await self._kept.discard()
            self._kept = self._making
        self._making = None

    async def _wants_another(self, take: Take, *before: Utterance) -> bool:
        """Say `before` and the review menu; False to send, which no answer means too."""
        call = self._call
        await call.set_stage(Stage.REVIEW)
        action: Action | None = None
        while True:
            action = action or await choose(
                call,
                State.REVIEW,
                *before,
                menu=Prompt.REVIEW_MENU,
                options=self._options,
                rounds=self._options.menu_rounds,
            )
            if action is Action.URGENT:
                before, action = (await self._mark_urgent(take),), None
                continue
            if action is not Action.LISTEN:
                return action is Action.RECORD_AGAIN
            before = ()
            try:
                played = await call.play_recording(take.wav, interrupt=keys_of(State.REVIEW))
                action = action_of(State.REVIEW, played.key)
            except FileNotFoundError:
                before = (Prompt.RECORDING_UNAVAILABLE,)
                action = None

    async def _mark_urgent(self, take: Take) -> Prompt:
        """Mark what is to be sent as urgent, or take that back; return the words for it."""
        self._urgent = not self._urgent
        # Without the note only a scanner that has to deliver it does not know: no reason to lose the call.
        with suppress(OSError):
            await take.mark_urgent(urgent=self._urgent)
        return Prompt.MARKED_URGENT if self._urgent else Prompt.NOT_URGENT

    async def _dispose(self, *, hung_up: bool, trouble: OSError | None) -> Ending:
        """Bring the recording home, then say so. Durable first, words later."""
        call = self._call
        try:
            await call.set_stage(Stage.DONE)
        except CallerHungUp:
            hung_up = True
        except CallLost as error:
            return self._ending(Outcome.CALL_LOST, error)
        words: list[Utterance] = [] if trouble is None else [Prompt.TECHNICAL_PROBLEM]
        try:
            await self._judge()
            deposited = self._kept is not None and await self._voicemail.deposit(
                self._kept.facts, self._kept.wav
            )
        except (ControlPlaneError, OSError) as error:
            # The scanner delivers it; what should have been dropped, it drops by the same rules.
            dropped = self._kept is None and self._dropping
            ending = self._ending(Outcome.TOO_SHORT if dropped else Outcome.LEFT_IN_SPOOL, error)
            words.append(Prompt.MESSAGE_DROPPED if dropped else Prompt.MESSAGE_SENT)
        else:
            if deposited:
                ending = self._ending(Outcome.DEPOSITED, trouble)
                words.append(Prompt.MESSAGE_SENT)
            elif trouble is not None:
                ending = self._ending(Outcome.SPOOL_UNAVAILABLE, trouble)
            else:
                ending = self._ending(Outcome.HUNG_UP if hung_up else Outcome.TOO_SHORT)
                words.append(Prompt.MESSAGE_DROPPED)
        # The message is where it belongs; that the caller does not hear of it changes nothing.
        with suppress(CallEnded):
            failed = ending.outcome is Outcome.SPOOL_UNAVAILABLE
            await end_call(call, *words, cause=HangupCause.FAILURE if failed else HangupCause.NORMAL)
        return ending
