"""Checking messages: let the listener in, say the counts, walk through the messages, offer the main menu."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from controlplane.callflows.authenticate import Admitted, authenticate
from controlplane.callflows.call import Call, Entry, HangupCause
from controlplane.callflows.ending import Ending, Outcome, end_call
from controlplane.callflows.keys import Action, State, action_of, keys_of
from controlplane.callflows.listen import Listening, Move
from controlplane.callflows.mailbox_options import MailboxOptions
from controlplane.callflows.menu import choose
from controlplane.callflows.option_ports import OptionsDesk
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.passing_on import Means, PassingOn
from controlplane.callflows.prompts import ByColleague, Deed, MessageCounts, Prompt, Utterance
from controlplane.callflows.voicemail import HeardMessage, Spool, Voicemail
from controlplane.domain.errors import CallerHungUp, CallLost, Unavailable
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import MessageState
from controlplane.domain.rights import Right

_MOST_NAMED = 2
"""Of those who listen to the same message: what is said before it must not be longer than it."""
_MOST_ASKED = 10
"""Of messages in a row that are gone: who deleted them is asked of so many."""

Hears = Callable[[UUID | None], Awaitable[None]]
"""Shows colleagues which message a listener is at; None once they left it."""


async def nobody_looks(_message_id: UUID | None) -> None:
    """Show it to nobody."""


async def check_messages(
    call: Call,
    *,
    voicemail: Voicemail,
    spool: Spool,
    options: FlowOptions,
    clock: Callable[[], datetime],
    new_id: Callable[[], UUID],
    opened: Callable[[UUID], None] = lambda _mailbox_id: None,
    hears: Hears = nobody_looks,
    greeted_by: Mailbox | None = None,
    desk: OptionsDesk | None = None,
) -> Ending:
    """Let a team member hear and sort the messages of a mailbox; `opened` is told which one it is.

    `hears` shows colleagues which message they are at, before it is asked who else is.
    `greeted_by` is the mailbox out of whose greeting somebody logs in, which may be a caller from outside.
    Without a `desk` there are no mailbox options.

    Returns how it ended: neither a hangup, nor a lost link, nor a database that fails raises.
    Until the listener is let in, a database that fails leaves the call to the dialplan, which
    says that messages cannot be played now; afterwards the listener is told here.
    """
    mailbox = greeted_by
    try:
        admitted = await _admit(call, voicemail, options, greeted_by)
        if isinstance(admitted, Outcome):
            await end_call(call)
            return Ending(outcome=admitted)
        mailbox = admitted.mailbox
        await voicemail.note_logged_in(mailbox.id, by=admitted.by)
        opened(mailbox.id)
        means = Means(voicemail=voicemail, spool=spool, options=options, clock=clock, new_id=new_id)
        session = _Session(call, admitted, means, hears=hears, desk=desk)
        await session.run()
        if session.has_gone_on:
            return _ending(Outcome.GONE_ON, mailbox)
        await end_call(call, Prompt.GOODBYE)
    except CallerHungUp:
        return _ending(Outcome.HUNG_UP, mailbox)
    except CallLost as error:
        return _ending(Outcome.CALL_LOST, mailbox, error)
    except Unavailable as error:
        if mailbox is None:
            return _ending(Outcome.UNAVAILABLE, None, error)
        return await _break_off(call, mailbox, error)
    return _ending(Outcome.FINISHED, mailbox)


def _ending(outcome: Outcome, mailbox: Mailbox | None, error: Exception | None = None) -> Ending:
    return Ending(outcome=outcome, mailbox_number=mailbox.number if mailbox else "", error=error)


async def _admit(
    call: Call, voicemail: Voicemail, options: FlowOptions, greeted_by: Mailbox | None
) -> Admitted | Outcome:
    if greeted_by is not None:
        return await authenticate(
            call, greeted_by.number, voicemail=voicemail, options=options, language=greeted_by.language
        )
    language = await voicemail.language(call.facts.tenant_id)
    call.speak(language)
    await call.answer()
    if call.facts.extension is None:
        # The dialplan sends nobody from outside here; feature codes are for our extensions only.
        await call.play(Prompt.FEATURE_UNKNOWN)
        return Outcome.OUTSIDE_REFUSED
    number = call.facts.dialled
    if call.facts.entry is Entry.CHECK_OWN:
        owned = await voicemail.mailbox_of_extension(call.facts.tenant_id, call.facts.extension)
        if owned is None:
            await call.play(Prompt.NO_OWN_MAILBOX)
            return Outcome.NO_OWN_MAILBOX
        number = owned.number
    return await authenticate(call, number, voicemail=voicemail, options=options, language=language)


async def _break_off(call: Call, mailbox: Mailbox, error: Unavailable) -> Ending:
    try:
        await end_call(call, Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE, cause=HangupCause.FAILURE)
    except CallerHungUp:
        pass  # The listener did not wait for the end of the sentence.
    except CallLost as lost:
        return _ending(Outcome.CALL_LOST, mailbox, lost)
    return _ending(Outcome.BROKEN_OFF, mailbox, error)


class _Session:
    """A listener who was let into a mailbox."""

    def __init__(
        self,
        call: Call,
        admitted: Admitted,
        means: Means,
        *,
        hears: Hears,
        desk: OptionsDesk | None,
    ) -> None:
        self._call = call
        self._hears = hears
        self._mailbox = admitted.mailbox
        self._may_delete = Right.DELETE in admitted.rights
        self._by = admitted.by
        self._voicemail = means.voicemail
        self._options = means.options
        self._passing_on = PassingOn(call, self._mailbox, admitted.rights, by=self._by, means=means)
        self._manage: MailboxOptions | None = None
        if desk is not None and Right.MANAGE in admitted.rights:
            self._manage = MailboxOptions(
                call,
                admitted.mailbox,
                desk=desk,
                voicemail=means.voicemail,
                options=means.options,
                by=self._by,
                pin_entered=admitted.pin_entered,
            )
        self._in_trash: set[UUID] = set()
        """What this listener deleted, or was told to be deleted: still reachable, to undo it."""
        self._told: set[UUID] = set()
        """What this listener knows to be gone, and cannot or may not bring back: told once."""

    @property
    def has_gone_on(self) -> bool:
        """Whether the call is somebody else's now."""
        return self._passing_on.has_gone_on

    async def run(self) -> None:
        """Return when the listener wants to leave, or has gone on. Raises Unavailable."""
        self._call.speak(self._mailbox.language)
        counts = await self._voicemail.counts(self._mailbox.id)
        if counts.new == counts.saved == 0:
            await self._main_menu(Prompt.NO_MESSAGES, rounds=1)
            return
        said = MessageCounts(new=counts.new, saved=counts.saved)
        key = await self._call.play(said, interrupt=keys_of(State.COUNTS))
        match action_of(State.COUNTS, key):
            case Action.LEAVE:
                return
            case Action.MAIN_MENU:
                await self._main_menu()
            case (Action.NEW_MESSAGES | Action.SAVED_MESSAGES) as chosen:
                await self._main_menu(chosen=chosen)
            case _:
                new = await self._list(MessageState.NEW)
                said_next = await self._walk(new, await self._list(MessageState.SAVED))
                if said_next is not None:
                    await self._main_menu(*said_next)

    async def _main_menu(
        self, *before: Utterance, rounds: int | None = None, chosen: Action | None = None
    ) -> None:
        """Say `before` and offer the lists, until the listener leaves or does not answer."""
        while True:
            action = chosen or await choose(
                self._call,
                State.MAIN_MENU if self._manage is None else State.MAIN_MENU_MANAGE,
                *before,
                menu=Prompt.MAIN_MENU,
                more=() if self._manage is None else (Prompt.OPTIONS_KEY,),
                options=self._options,
                rounds=rounds or self._options.menu_rounds,
            )
            rounds = chosen = None
            if action is Action.OPTIONS and self._manage is not None:
                said_after = await self._manage.run()
                if said_after is None:
                    return
                before = said_after
                continue
            if action is Action.NEW_MESSAGES:
                messages, none = await self._list(MessageState.NEW), Prompt.NO_NEW_MESSAGES
            elif action is Action.SAVED_MESSAGES:
                messages, none = await self._list(MessageState.SAVED), Prompt.NO_SAVED_MESSAGES
            elif action is Action.LEAVE_ELSEWHERE:
                await self._passing_on.leave_elsewhere()
                if self.has_gone_on:
                    return
                before = ()
                continue
            else:
                return
            said_next = await self._walk(messages) if messages else (none,)
            if said_next is None:
                return
            before = said_next

    async def _list(self, state: MessageState) -> list[HeardMessage]:
        return await self._voicemail.messages(self._mailbox.id, state)

    async def _walk(
        self, messages: Sequence[HeardMessage], saved: Sequence[HeardMessage] = ()
    ) -> tuple[Utterance, ...] | None:
        """Go through `messages`, and `saved` after them, under a heading if there were others.

        Returns what the main menu begins with, or None to leave.
        """
        ids = [message.id for message in (*messages, *saved)]
        at, step, by_key = -1, 1, False
        while True:
            found = await self._find(ids, at, step, by_key=by_key)
            if found is None and step > 0:
                return (Prompt.NO_MORE_MESSAGES,)
            if found is None:
                # The one before the first is the first again, if it is still there.
                opening: tuple[Utterance, ...] = (Prompt.NO_EARLIER_MESSAGE,)
                found = await self._find(ids, at - 1, 1, by_key=True)
                if found is None:
                    return (Prompt.NO_MORE_MESSAGES,)
            elif step > 0 and messages and at < len(messages) <= found[0]:
                opening = (Prompt.SAVED_MESSAGES, Prompt.FIRST_MESSAGE)
            elif step > 0:
                opening = (Prompt.FIRST_MESSAGE if at < 0 else Prompt.NEXT_MESSAGE,)
            else:
                opening = (Prompt.PREVIOUS_MESSAGE,)
            at, heard = found
            match await self._hear(heard, *opening):
                case Move.LEAVE:
                    return None
                case Move.MAIN_MENU:
                    return ()
                case Move.PREVIOUS:
                    step, by_key = -1, True
                case Move.NEXT:
                    step, by_key = 1, True
                case Move.ON:
                    step, by_key = 1, False

    async def _find(
        self, ids: Sequence[UUID], at: int, step: int, *, by_key: bool
    ) -> tuple[int, HeardMessage] | None:
        """Look from `at` on in the direction of `step` for a message that is there now.

        What this listener deleted is passed over in silence, unless keys lead there: that is how a
        deletion is undone later. What a colleague deleted before the listener came to it is told at its
        place, once; from then on it is like what this listener deleted.
        """
        place = Prompt.NEXT_MESSAGE if at >= 0 else Prompt.FIRST_MESSAGE
        passed: list[UUID] = []
        found = await self._look(ids, at, step, by_key=by_key, passed=passed)
        await self._tell_gone(Prompt.PREVIOUS_MESSAGE if step < 0 else place, passed)
        return found

    async def _look(
        self, ids: Sequence[UUID], at: int, step: int, *, by_key: bool, passed: list[UUID]
    ) -> tuple[int, HeardMessage] | None:
        """Find it, and add to `passed` what is gone on the way there and is news."""
        at += step
        while 0 <= at < len(ids):
            heard = await self._voicemail.message(ids[at])
            if heard is not None:
                in_reach = heard.state is not MessageState.DELETED or (by_key and heard.id in self._in_trash)
                if in_reach:
                    return at, heard
            if ids[at] not in self._in_trash | self._told:
                passed.append(ids[at])
            at += step
        return None

    async def _tell_gone(self, place: Prompt, passed: Sequence[UUID]) -> None:
        """Say what colleagues did with messages in a row, and who: the same deed of the same one once.

        Not to be interrupted, as everything that a colleague did.
        """
        told: list[ByColleague] = []
        for message_id in passed[:_MOST_ASKED]:
            left = await self._voicemail.left(message_id)
            if left.state in {None, MessageState.DELETED}:
                deed = Deed.PURGED if left.state is None else Deed.DELETED
                told.append(ByColleague(deed=deed, who=left.by))
            if left.state is MessageState.DELETED and self._may_delete:
                self._in_trash.add(message_id)
        self._told.update(passed)
        if told:
            await self._call.play(place, *list(dict.fromkeys(told))[:_MOST_NAMED])

    async def _hear(self, heard: HeardMessage, *opening: Utterance) -> Move:
        listening = Listening(
            self._call,
            heard,
            voicemail=self._voicemail,
            options=self._options,
            say_datetime=self._mailbox.say_datetime,
            by=self._by,
            passing_on=self._passing_on,
            may_delete=self._may_delete,
        )
        # Shown first, asked then: of two who come at once the later one finds the other.
        await self._hears(heard.id)
        others = await self._voicemail.listeners(heard.id, besides=self._call.facts.call_id)
        there = [ByColleague(deed=Deed.LISTENING, who=who) for who in others[:_MOST_NAMED]]
        move = await listening.run(*opening, *there)
        await self._hears(None)
        if listening.state is MessageState.DELETED and self._may_delete:
            self._in_trash.add(heard.id)
        elif listening.is_gone or listening.state is MessageState.DELETED:
            self._told.add(heard.id)
        else:
            self._in_trash.discard(heard.id)
            self._told.discard(heard.id)
        return move
