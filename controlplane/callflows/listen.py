"""Hearing one message: announce it, play it, obey the keys, tell what a colleague did meanwhile."""

from __future__ import annotations

from enum import Enum

from controlplane.callflows.call import Call
from controlplane.callflows.keys import ALL_KEYS, SKIP_SECONDS, Action, State, action_of
from controlplane.callflows.menu import choose
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.passing_on import PassingOn
from controlplane.callflows.prompts import (
    ByColleague,
    Deed,
    FromNumber,
    MessageLength,
    Prompt,
    ReceivedAt,
    Utterance,
)
from controlplane.callflows.voicemail import Change, HeardMessage, Voicemail
from controlplane.domain.mailbox import SayDatetime
from controlplane.domain.message import MessageState, whole_seconds

_SKIP_MS = SKIP_SECONDS * 1000


class Move(Enum):
    """Where the listener goes from a message."""

    ON = "on"
    """By itself, because nothing more was pressed, or after a decision."""
    NEXT = "next"
    PREVIOUS = "previous"
    MAIN_MENU = "main_menu"
    LEAVE = "leave"


class Listening:
    """A listener and one message, as long as they are together.

    `state` is what the listener believes the state of the message to be: the last one read or
    told. Every change is conditional on it, so that nobody's work is undone unheard.
    Who may not delete hears so, and has nothing to do with the trash.
    """

    def __init__(
        self,
        call: Call,
        heard: HeardMessage,
        *,
        voicemail: Voicemail,
        options: FlowOptions,
        say_datetime: SayDatetime,
        by: str,
        passing_on: PassingOn,
        may_delete: bool = True,
    ) -> None:
        self.state = heard.state
        self.is_gone = False
        """Whether the listener was told that it was purged."""
        self._call = call
        self._heard = heard
        self._voicemail = voicemail
        self._options = options
        self._say_datetime = say_datetime
        self._by = by
        self._may_delete = may_delete
        self._passing_on = passing_on
        self._playing = heard.state is not MessageState.DELETED
        self._position_ms = 0
        self._noted = False

    async def run(self, *opening: Utterance) -> Move:
        """Say `opening` and the envelope, play, and return where to go. Raises Unavailable.

        A message that the listener deleted before is not played by itself: undoing is offered.
        """
        announced = (*opening, *self._envelope())
        step: Move | Action | None
        if self._playing:
            step = await self._say(*announced)
        else:
            step = await self._menu(*announced) or Move.ON
        while not isinstance(step, Move):
            if step is not None:
                step = await self._obey(step)
            elif self._playing:
                step = await self._play()
            else:
                step = await self._menu() or Move.ON
        return step

    async def _obey(self, action: Action) -> Move | Action | None:
        """Do what a key means; return where to go, or the key pressed meanwhile, or neither."""
        match action:
            case Action.BACK:
                self._position_ms = max(0, self._position_ms - _SKIP_MS)
            case Action.FORWARD:
                self._position_ms += _SKIP_MS
            case Action.REPLAY:
                self._position_ms = 0
                self._playing = True
            case Action.KEEP:
                return await self._keep()
            case Action.DELETE:
                return await self._delete()
            case Action.UNDO:
                return await self._undo()
            case Action.ENVELOPE:
                return await self._say(*self._envelope(always_when=True))
            case Action.HELP:
                return await self._say(
                    Prompt.MESSAGE_HELP if self._may_delete else Prompt.MESSAGE_HELP_LISTEN
                )
            case Action.FORWARD_MESSAGE:
                return await self._pass_on(await self._passing_on.forward(self._heard))
            case Action.CALL_BACK:
                return await self._pass_on(await self._passing_on.call_back(self._heard))
            case Action.PREVIOUS:
                return Move.PREVIOUS
            case Action.NEXT:
                return Move.NEXT
            case Action.MAIN_MENU:
                return Move.MAIN_MENU
            case _:
                return Move.LEAVE
        return None

    async def _pass_on(self, words: Prompt | None) -> Move | Action | None:
        """Say what became of it, and go on where the message was, unless the call is somebody else's now."""
        if self._passing_on.has_gone_on:
            return Move.LEAVE
        return None if words is None else await self._say(words)

    # What is said and played.

    def _envelope(self, *, always_when: bool = False) -> tuple[Utterance, ...]:
        """Return who left the message and, if the mailbox says so or `always_when`, when and by which way.

        That it is urgent is said first, how long it is last, and that only if it is asked for.
        """
        number = self._heard.caller.speakable_number
        said: list[Utterance] = [Prompt.URGENT_MESSAGE] if self._heard.urgent else []
        said.append(FromNumber(number=number) if number else Prompt.CALLER_UNKNOWN)
        clock = self._say_datetime
        if clock is SayDatetime.OFF:
            if not always_when:
                return tuple(said)
            clock = SayDatetime.H12
        said.append(ReceivedAt(at=self._heard.received_at, clock=clock))
        if self._heard.sent_on_by is not None:
            said.append(self._heard.sent_on_by)
        if always_when:
            said.append(MessageLength(seconds=whole_seconds(self._heard.duration_ms)))
        return tuple(said)

    @property
    def _where(self) -> State:
        if self.state is MessageState.DELETED:
            return State.PLAYING_DELETED if self._playing else State.DELETED
        return State.PLAYING if self._playing else State.ENDED

    async def _say(self, *utterances: Utterance) -> Action | None:
        """Speak until a key of the present state is pressed."""
        return await self._meaning(await self._call.play(*utterances, interrupt=ALL_KEYS))

    async def _meaning(self, key: str) -> Action | None:
        while key:
            action = action_of(self._where, key)
            if action is not None:
                return action
            key = await self._call.play(Prompt.INVALID_KEY, interrupt=ALL_KEYS)
        return None

    async def _play(self) -> Move | Action | None:
        """Play from the position on; return what a key means, or None at the end."""
        if self._position_ms > 0 and self._position_ms >= self._heard.duration_ms:
            return await self._finish()
        if not self._noted:
            await self._voicemail.note_heard(self._heard.id, by=self._by)
            self._noted = True
        path = self._voicemail.recording(self._heard.id)
        try:
            played = await self._call.play_recording(path, offset_ms=self._position_ms, interrupt=ALL_KEYS)
        except FileNotFoundError:
            self._playing = False
            left = await self._voicemail.left(self._heard.id)
            if left.state is None:
                return await self._tell(left)
            return await self._say(Prompt.RECORDING_UNAVAILABLE)
        self._position_ms = played.position_ms
        if played.key:
            return await self._meaning(played.key)
        if played.finished:
            return await self._finish()
        self._playing = False
        return None

    async def _menu(self, *before: Utterance) -> Action | None:
        if self.state is MessageState.DELETED:
            menu, rounds = Prompt.MESSAGE_DELETED, 1
        else:
            menu = Prompt.MESSAGE_MENU if self._may_delete else Prompt.MESSAGE_MENU_LISTEN
            rounds = self._options.menu_rounds
        return await choose(self._call, self._where, *before, menu=menu, options=self._options, rounds=rounds)

    # What changes the state of the message.

    async def _finish(self) -> Move | None:
        """Mark as saved what was new and has been played to its end; of others look what became of them."""
        self._playing = False
        if self.state is MessageState.NEW:
            change = await self._change(MessageState.SAVED)
            if change.done or change.state is MessageState.SAVED:
                # That a colleague heard it too, at the same time, is no news to anybody.
                self.state = MessageState.SAVED
                return None
        else:
            change = await self._voicemail.left(self._heard.id)
            if change.state is self.state:
                return None
        return await self._tell(change)

    async def _keep(self) -> Move | Action | None:
        if self.state is MessageState.DELETED:
            change = await self._restore()
            gone = None if change.done else await self._tell(change)
            if gone is not None:
                return gone
        if self.state is MessageState.NEW:
            change = await self._change(MessageState.SAVED)
            if not change.done:
                told = await self._tell(change)
                return Move.ON if change.state is MessageState.SAVED else told
        else:
            # It is saved as far as the listener knows. There is nothing to write, but to look.
            now = await self._voicemail.left(self._heard.id)
            if now.state is not MessageState.SAVED:
                return await self._tell(now)
        return await self._say(Prompt.MESSAGE_SAVED) or Move.ON

    async def _delete(self) -> Move | Action | None:
        if not self._may_delete:
            return await self._say(Prompt.DELETE_NOT_ALLOWED)
        change = await self._change(MessageState.DELETED)
        if not change.done:
            return await self._tell(change)
        # The menu of a deleted message says that it was deleted.
        self._playing = False
        return None

    async def _undo(self) -> Move | Action | None:
        change = await self._restore()
        if not change.done:
            return await self._tell(change)
        return await self._say(Prompt.MESSAGE_RESTORED)

    async def _change(self, to: MessageState) -> Change:
        """Change it if it still is as the listener knows it."""
        change = await self._voicemail.change(self._heard.id, seen=self.state, to=to, by=self._by)
        if change.done:
            self.state = to
        return change

    async def _restore(self) -> Change:
        """Take it out of the trash and read to which state it came back."""
        change = await self._voicemail.restore(self._heard.id, by=self._by)
        if not change.done:
            return change
        now = await self._voicemail.left(self._heard.id)
        if now.state is None:
            return now
        self.state = now.state
        return change

    async def _tell(self, change: Change) -> Move | None:
        """Say what a colleague did, and who; believe it from then on; a message that is gone is left.

        Not to be interrupted: a key pressed before hearing it was meant for the state of before.
        """
        left = change.state
        if left is None:
            self.is_gone = True
            await self._call.play(ByColleague(deed=Deed.PURGED, who=change.by))
            return Move.ON
        was_deleted, self.state = self.state is MessageState.DELETED, left
        match left:
            case MessageState.DELETED:
                self._playing = False
                deed = Deed.DELETED
            case _ if was_deleted:
                deed = Deed.RESTORED
            case MessageState.SAVED:
                deed = Deed.SAVED
            case MessageState.NEW:
                deed = Deed.CHANGED
        await self._call.play(ByColleague(deed=deed, who=change.by))
        # In the trash there is nothing to do for who may not delete.
        return Move.ON if left is MessageState.DELETED and not self._may_delete else None
