"""Hearing one message: each key, and colleagues who are faster."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import (
    ByColleague,
    Deed,
    FromNumber,
    MessageCounts,
    MessageLength,
    Prompt,
    ReceivedAt,
    SentOnBy,
)
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.domain.mailbox import SayDatetime
from controlplane.domain.message import MessageState
from tests.support.fake_desk import Desk
from tests.support.fake_voicemail import NOON, Changed

LENGTH = MessageLength(seconds=12)
NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
COLLEAGUE = Colleague(extension="102")


def told(deed: Deed) -> ByColleague:
    """Return what is said of what the colleague did."""
    return ByColleague(deed=deed, who=COLLEAGUE)


class Listener(Desk):
    """A mailbox without PIN, one message of 12 s from 201, and the call of extension 101."""

    def __init__(
        self,
        folder: Path,
        *,
        caller: str = "201",
        state: MessageState = NEW,
        say_datetime: SayDatetime = SayDatetime.OFF,
        sent_on_by: SentOnBy | None = None,
    ) -> None:
        super().__init__(folder, pin_required=False, say_datetime=say_datetime)
        self.dial(entry=Entry.CHECK)
        self.first: UUID = self.voicemail.add_message(
            self.mailbox, caller, state=state, seconds=12, sent_on_by=sent_on_by
        )
        new = state is NEW
        self.call.expect_to_hear(MessageCounts(new=int(new), saved=int(not new)), Prompt.FIRST_MESSAGE)
        self.who = FromNumber(number="201")

    @property
    def state(self) -> MessageState | None:
        """The state of the message now."""
        return self.voicemail.state_of(self.first)

    def hears(self) -> None:
        """Script: the message is announced and begins to play."""
        self.call.expect_to_hear(self.who)
        self.plays()

    def plays(self) -> None:
        """Script: the message plays, or goes on."""
        self.call.expect_to_hear(self.sound(self.first))

    def colleague(self, state: MessageState | None) -> None:
        """Script: a colleague changes the state now; None purges."""
        self.call.meanwhile(lambda: self.voicemail.set_state(self.first, state, COLLEAGUE))


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    """Return a listener whose call has come to the announcement of a new message."""
    return Listener(tmp_path)


@pytest.fixture
def saved(tmp_path: Path) -> Listener:
    """Return a listener whose call has come to the announcement of a saved message."""
    return Listener(tmp_path, state=SAVED)


async def finish(listener: Listener) -> None:
    """Hang up, run the flow, and see that the whole script was played."""
    listener.call.hang_up()
    assert Outcome.HUNG_UP is (await listener.check()).outcome
    listener.call.assert_over()


# The announcement.


async def test_a_caller_without_a_number_is_unknown(tmp_path: Path) -> None:
    """What cannot be spoken as digits is an unknown caller."""
    listener = Listener(tmp_path, caller="sip:mallory@example")
    listener.call.expect_to_hear(Prompt.CALLER_UNKNOWN, listener.sound(listener.first))

    await finish(listener)


@pytest.mark.parametrize("clock", [SayDatetime.H12, SayDatetime.H24])
async def test_date_and_time_are_said_by_setting(tmp_path: Path, clock: SayDatetime) -> None:
    """A mailbox that says date and time does so before each message."""
    listener = Listener(tmp_path, say_datetime=clock)
    listener.call.expect_to_hear(
        listener.who, ReceivedAt(at=NOON, clock=clock), listener.sound(listener.first)
    )

    await finish(listener)


async def test_a_key_in_the_announcement_acts_on_the_message(listener: Listener) -> None:
    """The announcement can be cut short by what is wanted."""
    listener.call.expect_to_hear(listener.who)
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)

    await finish(listener)

    assert DELETED is listener.state


async def test_1_in_the_announcement_goes_to_the_start(listener: Listener) -> None:
    """Back 5 seconds from the start is the start."""
    listener.call.expect_to_hear(listener.who)
    listener.call.press("1")
    listener.plays()

    await finish(listener)


# What changes the state, and what does not.


async def test_a_message_played_to_its_end_is_saved(listener: Listener) -> None:
    """Heard to the end: saved, by this extension."""
    listener.hears()
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)

    await finish(listener)

    assert [Changed(listener.first, SAVED, "extension 101")] == listener.voicemail.changes


async def test_hanging_up_in_a_message_changes_nothing(listener: Listener) -> None:
    """Who leaves in the middle has not heard it."""
    listener.hears()
    listener.call.listen_for(11)

    await finish(listener)

    assert (NEW, []) == (listener.state, listener.voicemail.changes)


@pytest.mark.parametrize("key", list("1345680*#9"))
async def test_no_other_key_changes_the_state(listener: Listener, key: str) -> None:
    """Only 2 and 7 and the end of the message change a state."""
    listener.hears()
    listener.call.listen_for(3)
    listener.call.press(key)
    seen: list[MessageState | None] = []
    listener.call.meanwhile(lambda: seen.append(listener.state))
    listener.call.hang_up()

    await listener.check()

    assert ([NEW], []) == (seen, listener.voicemail.changes)


async def test_2_keeps_and_goes_on(listener: Listener) -> None:
    """2 saves, says so, and leads to the next message."""
    listener.hears()
    listener.call.press("2")
    listener.call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)

    assert SAVED is listener.state


async def test_2_of_a_saved_message_only_says_so(saved: Listener) -> None:
    """What is saved already needs no change."""
    saved.hears()
    saved.call.press("2")
    saved.call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(saved)

    assert [] == saved.voicemail.changes


async def test_7_deletes_and_waits_for_an_undo(listener: Listener) -> None:
    """7 deletes, offers the undo once, and goes on."""
    listener.hears()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)

    assert DELETED is listener.state


@pytest.mark.parametrize("state", [NEW, SAVED])
async def test_7_again_undoes_to_the_state_before(tmp_path: Path, state: MessageState) -> None:
    """Undoing brings back new as new and saved as saved."""
    listener = Listener(tmp_path, state=state)
    listener.hears()
    listener.call.press("77")
    listener.call.expect_to_hear(Prompt.MESSAGE_RESTORED, Prompt.MESSAGE_MENU)

    await finish(listener)

    assert state is listener.state


async def test_7_after_the_end_undoes_to_saved(listener: Listener) -> None:
    """A message heard to its end and deleted comes back as saved."""
    listener.hears()
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)
    listener.call.press("77")
    listener.call.expect_to_hear(Prompt.MESSAGE_RESTORED, Prompt.MESSAGE_MENU)

    await finish(listener)

    assert SAVED is listener.state


async def test_2_of_a_deleted_message_brings_it_back_saved(listener: Listener) -> None:
    """Who keeps what was deleted wants it kept."""
    listener.hears()
    listener.call.press("72")
    listener.call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)

    assert SAVED is listener.state


async def test_a_deleted_message_played_to_its_end_stays_deleted(listener: Listener) -> None:
    """Hearing what is in the trash does not take it out."""
    listener.hears()
    listener.call.press("71")
    listener.plays()
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)

    await finish(listener)

    assert DELETED is listener.state


async def test_7_undoes_while_a_deleted_message_plays(listener: Listener) -> None:
    """The undo works there too, and the message goes on."""
    listener.hears()
    listener.call.press("71")
    listener.plays()
    listener.call.listen_for(4)
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_RESTORED)
    listener.plays()

    await finish(listener)

    assert NEW is listener.state


# Moving in a message.


async def test_3_goes_forward_5_seconds(listener: Listener) -> None:
    """From second 4 to second 9."""
    listener.hears()
    listener.call.listen_for(4)
    listener.call.press("3")
    listener.plays()

    await finish(listener)

    assert [0, 9000] == listener.call.offsets


async def test_1_goes_back_5_seconds(listener: Listener) -> None:
    """From second 8 to second 3."""
    listener.hears()
    listener.call.listen_for(8)
    listener.call.press("1")
    listener.plays()

    await finish(listener)

    assert [0, 3000] == listener.call.offsets


async def test_1_goes_not_before_the_start(listener: Listener) -> None:
    """From second 2 to the start."""
    listener.hears()
    listener.call.listen_for(2)
    listener.call.press("1")
    listener.plays()

    await finish(listener)

    assert [0, 0] == listener.call.offsets


async def test_3_beyond_the_end_is_the_end(listener: Listener) -> None:
    """Who goes forward over the end has come to it: saved, and the menu."""
    listener.hears()
    listener.call.listen_for(8)
    listener.call.press("3")
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)

    await finish(listener)

    assert SAVED is listener.state


async def test_1_after_the_end_replays_from_the_start(listener: Listener) -> None:
    """Then 1 is the whole message again."""
    listener.hears()
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)
    listener.call.press("1")
    listener.plays()

    await finish(listener)

    assert [0, 0] == listener.call.offsets


@pytest.mark.parametrize(("key", "words"), [("0", Prompt.MESSAGE_HELP), ("9", Prompt.CALL_BACK_IMPOSSIBLE)])
async def test_the_message_goes_on_after_words(listener: Listener, key: str, words: Prompt) -> None:
    """Help, and what cannot be done, interrupt the message and do not start it again."""
    listener.hears()
    listener.call.listen_for(4)
    listener.call.press(key)
    listener.call.expect_to_hear(words)
    listener.plays()

    await finish(listener)

    assert [0, 4000] == listener.call.offsets


@pytest.mark.parametrize(
    ("setting", "said"), [(SayDatetime.OFF, SayDatetime.H12), (SayDatetime.H24, SayDatetime.H24)]
)
async def test_5_says_caller_and_time_always(tmp_path: Path, setting: SayDatetime, said: SayDatetime) -> None:
    """Who asks is told the date, also where it is not said before each message."""
    listener = Listener(tmp_path, say_datetime=setting)
    when = ReceivedAt(at=NOON, clock=said)
    listener.call.expect_to_hear(listener.who)
    if setting is not SayDatetime.OFF:
        listener.call.expect_to_hear(when)
    listener.plays()
    listener.call.listen_for(4)
    listener.call.press("5")
    listener.call.expect_to_hear(listener.who, when, LENGTH)
    listener.plays()

    await finish(listener)

    assert [0, 4000] == listener.call.offsets


async def test_5_says_which_way_the_caller_came(tmp_path: Path) -> None:
    """Who asks is told who sent the caller on; nobody else is."""
    way = SentOnBy(kind="ring-group", name="Sales", seconds=30)
    listener = Listener(tmp_path, sent_on_by=way)
    listener.call.expect_to_hear(listener.who)
    listener.plays()
    listener.call.listen_for(4)
    listener.call.press("5")
    listener.call.expect_to_hear(listener.who, ReceivedAt(at=NOON, clock=SayDatetime.H12), way, LENGTH)
    listener.plays()

    await finish(listener)


async def test_3_after_the_end_has_no_function(listener: Listener) -> None:
    """There is nothing ahead of the end."""
    listener.hears()
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)
    listener.call.press("3")
    listener.call.expect_to_hear(Prompt.INVALID_KEY, Prompt.MESSAGE_MENU)

    await finish(listener)


async def test_keys_can_be_typed_ahead(listener: Listener) -> None:
    """Delete, undo, keep: three keys at once are three deeds."""
    listener.hears()
    listener.call.press("772")
    listener.call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)

    assert [DELETED, NEW, SAVED] == [change.to for change in listener.voicemail.changes]


async def test_star_leads_to_the_main_menu(listener: Listener) -> None:
    """`*` leaves the message as it is."""
    listener.hears()
    listener.call.press("*")
    listener.call.expect_to_hear(Prompt.MAIN_MENU)

    await finish(listener)


async def test_pound_leaves(listener: Listener) -> None:
    """`#` says goodbye at once."""
    listener.hears()
    listener.call.press("#")
    listener.call.expect_to_hear(Prompt.GOODBYE)

    ending = await listener.check()

    listener.call.assert_over()
    assert Outcome.FINISHED is ending.outcome


# A recording that is not there.


async def test_a_missing_recording_is_said_and_stays_new(listener: Listener) -> None:
    """What could not be played was not heard."""
    listener.voicemail.recording(listener.first).unlink()
    listener.call.expect_to_hear(listener.who, Prompt.RECORDING_UNAVAILABLE, Prompt.MESSAGE_MENU)

    await finish(listener)

    assert NEW is listener.state


async def test_a_missing_recording_can_be_deleted(listener: Listener) -> None:
    """The keys work without the sound."""
    listener.voicemail.recording(listener.first).unlink()
    listener.call.expect_to_hear(listener.who, Prompt.RECORDING_UNAVAILABLE)
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)

    await finish(listener)

    assert DELETED is listener.state


# Colleagues who are faster.


@pytest.mark.parametrize("key", ["2", "7"])
async def test_a_colleague_deleted_it(listener: Listener, key: str) -> None:
    """Told so; undoing is offered."""
    listener.hears()
    listener.colleague(DELETED)
    listener.call.press(key)
    listener.call.expect_to_hear(told(Deed.DELETED), Prompt.MESSAGE_DELETED)

    await finish(listener)

    assert [] == listener.voicemail.changes


async def test_a_colleague_deleted_what_was_saved(saved: Listener) -> None:
    """Keeping a saved message looks whether it is there."""
    saved.hears()
    saved.colleague(DELETED)
    saved.call.press("2")
    saved.call.expect_to_hear(told(Deed.DELETED), Prompt.MESSAGE_DELETED)

    await finish(saved)


async def test_a_colleague_kept_it_before_2(listener: Listener) -> None:
    """What the listener wants has happened: told so, and on."""
    listener.hears()
    listener.colleague(SAVED)
    listener.call.press("2")
    listener.call.expect_to_hear(told(Deed.SAVED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_a_colleague_kept_it_before_7(listener: Listener) -> None:
    """A message that a colleague keeps is not deleted unheard: told so, and 7 again deletes."""
    listener.hears()
    listener.call.listen_for(4)
    listener.colleague(SAVED)
    listener.call.press("7")
    listener.call.expect_to_hear(told(Deed.SAVED))
    listener.plays()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)

    await finish(listener)

    assert [0, 4000] == listener.call.offsets
    assert DELETED is listener.state


async def test_a_key_typed_before_the_news_is_dropped(listener: Listener) -> None:
    """77 on a message that a colleague keeps: the second 7 was not meant for what is said now."""
    listener.hears()
    listener.colleague(SAVED)
    listener.call.press("77")
    listener.call.expect_to_hear(told(Deed.SAVED))
    listener.plays()

    await finish(listener)

    assert (SAVED, []) == (listener.state, listener.voicemail.changes)


async def test_a_colleague_marked_a_saved_message_as_new(saved: Listener) -> None:
    """That is said too, and nothing is deleted."""
    saved.hears()
    saved.colleague(NEW)
    saved.call.press("7")
    saved.call.expect_to_hear(told(Deed.CHANGED))
    saved.plays()

    await finish(saved)

    assert NEW is saved.state


@pytest.mark.parametrize("key", ["2", "7"])
@pytest.mark.parametrize("state", [NEW, SAVED])
async def test_a_purged_message_is_gone(tmp_path: Path, key: str, state: MessageState) -> None:
    """Told so, and on."""
    listener = Listener(tmp_path, state=state)
    listener.hears()
    listener.colleague(None)
    listener.call.press(key)
    listener.call.expect_to_hear(told(Deed.PURGED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_a_colleague_restored_it_before_the_undo(listener: Listener) -> None:
    """The undo was done by somebody else: told so."""
    listener.hears()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    listener.colleague(SAVED)
    listener.call.press("7")
    listener.call.expect_to_hear(told(Deed.RESTORED), Prompt.MESSAGE_MENU)

    await finish(listener)

    assert SAVED is listener.state


async def test_a_colleague_restored_it_before_2(listener: Listener) -> None:
    """Told so, and kept as wished."""
    listener.hears()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    listener.colleague(NEW)
    listener.call.press("2")
    listener.call.expect_to_hear(
        told(Deed.RESTORED), Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU
    )

    await finish(listener)

    assert SAVED is listener.state


@pytest.mark.parametrize("key", ["2", "7"])
async def test_a_deleted_message_was_purged_before_the_undo(listener: Listener, key: str) -> None:
    """Too late: told so."""
    listener.hears()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    listener.colleague(None)
    listener.call.press(key)
    listener.call.expect_to_hear(told(Deed.PURGED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_a_message_purged_in_the_undo_is_gone(listener: Listener) -> None:
    """Restored and then gone before it could be read: gone."""
    listener.hears()
    listener.call.press("7")
    listener.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    listener.call.meanwhile(
        lambda: setattr(
            listener.voicemail,
            "after_restore",
            partial(listener.voicemail.set_state, listener.first, None, COLLEAGUE),
        )
    )
    listener.call.press("7")
    listener.call.expect_to_hear(told(Deed.PURGED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_two_who_hear_it_at_once_are_told_nothing(listener: Listener) -> None:
    """That a colleague heard it to the end too is no news."""
    listener.hears()
    listener.call.listen_for(11)
    listener.colleague(SAVED)
    listener.call.expect_to_hear(Prompt.MESSAGE_MENU)

    await finish(listener)

    assert (SAVED, []) == (listener.state, listener.voicemail.changes)


async def test_a_colleague_deleted_it_while_it_played(listener: Listener) -> None:
    """At its end the listener is told, or a 7 would undo what a colleague wanted."""
    listener.hears()
    listener.call.listen_for(11)
    listener.colleague(DELETED)
    listener.call.expect_to_hear(told(Deed.DELETED), Prompt.MESSAGE_DELETED)

    await finish(listener)


async def test_a_message_purged_while_it_played_is_gone(listener: Listener) -> None:
    """At its end the listener is told."""
    listener.hears()
    listener.call.listen_for(11)
    listener.colleague(None)
    listener.call.expect_to_hear(told(Deed.PURGED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_a_colleague_deleted_a_saved_message_while_it_played(saved: Listener) -> None:
    """At its end the listener is told of that too, though there was nothing to save."""
    saved.hears()
    saved.call.listen_for(11)
    saved.colleague(DELETED)
    saved.call.expect_to_hear(told(Deed.DELETED), Prompt.MESSAGE_DELETED)

    await finish(saved)


async def test_to_seek_in_a_purged_message_says_that_it_is_gone(listener: Listener) -> None:
    """Its recording is not there any more: that is no fault of the disk."""
    listener.hears()
    listener.call.listen_for(6)
    listener.colleague(None)
    listener.call.press("1")
    listener.call.expect_to_hear(told(Deed.PURGED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


async def test_what_a_program_did_is_told_without_a_name(listener: Listener) -> None:
    """Nobody could be asked."""
    listener.hears()
    listener.call.meanwhile(lambda: listener.voicemail.set_state(listener.first, DELETED))
    listener.call.press("2")
    listener.call.expect_to_hear(ByColleague(deed=Deed.DELETED, who=SOMEBODY), Prompt.MESSAGE_DELETED)

    await finish(listener)


async def test_who_listens_to_it_is_said_before_it(listener: Listener) -> None:
    """Two are named; the message plays all the same, and what they do with it counts as ever."""
    others = [Colleague(extension="102"), Colleague(name="Ann"), Colleague(extension="104")]
    listener.voicemail.others[listener.first] = others
    listener.call.expect_to_hear(*(ByColleague(deed=Deed.LISTENING, who=who) for who in others[:2]))
    listener.hears()
    listener.colleague(SAVED)
    listener.call.press("2")
    listener.call.expect_to_hear(told(Deed.SAVED), Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)

    await finish(listener)


@pytest.mark.parametrize(("method", "keys"), [("change", "7"), ("restore", "77"), ("left", "27")])
async def test_a_database_that_fails_in_a_message_is_said(listener: Listener, method: str, keys: str) -> None:
    """The listener hears of it, and the state is what it was."""
    listener.hears()
    listener.call.press(keys[0])
    if method == "change":
        listener.voicemail.unavailable.add(method)
    else:
        words = Prompt.MESSAGE_DELETED if method == "restore" else Prompt.MESSAGE_SAVED
        listener.call.expect_to_hear(words)
        listener.call.meanwhile(lambda: listener.voicemail.unavailable.add(method))
        listener.call.press("7" if method == "restore" else "2")
    listener.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE)

    ending = await listener.check()

    listener.call.assert_over()
    assert Outcome.BROKEN_OFF is ending.outcome


async def test_who_hears_a_message_is_noted_once(listener: Listener) -> None:
    """Before the first sound of it, and not again for each key that goes back or plays it again."""
    listener.hears()
    listener.call.press("1")
    listener.plays()
    listener.call.press("#")
    listener.call.expect_to_hear(Prompt.GOODBYE)
    await listener.check()

    assert [(listener.first, "extension 101")] == listener.voicemail.hearings
