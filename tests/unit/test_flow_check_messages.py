"""Checking messages, as the listener meets it: counts, lists and the main menu."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry, HangupCause
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import ByColleague, Deed, FromNumber, MessageCounts, Prompt
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.domain.message import MessageState
from tests.support.fake_desk import Desk

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
BERT = Colleague(extension="102")


def told(deed: Deed, who: Colleague) -> ByColleague:
    """What is said of a colleague."""
    return ByColleague(deed=deed, who=who)


class Team(Desk):
    """A mailbox without PIN and the call of a team member."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, pin_required=False)
        self.dial(entry=Entry.CHECK)

    def message(self, caller: str, state: MessageState = NEW) -> UUID:
        """Arrange a message of a caller."""
        return self.voicemail.add_message(self.mailbox, caller, state=state)

    def counted(self, new: int, saved: int) -> None:
        """Script: the counts are heard."""
        self.call.expect_to_hear(MessageCounts(new=new, saved=saved))

    def announced(self, caller: str, *opening: Prompt, message_id: UUID | None = None) -> None:
        """Script: a message is announced, and begins if its id is given."""
        self.call.expect_to_hear(*opening, FromNumber(number=caller))
        if message_id is not None:
            self.call.expect_to_hear(self.sound(message_id))


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Return an empty mailbox and a call that checks it."""
    return Team(tmp_path)


async def test_an_empty_mailbox_offers_the_menu_once(team: Team) -> None:
    """No messages: told so, one round of the main menu, goodbye."""
    team.call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU, Prompt.GOODBYE)

    ending = await team.check()

    team.call.assert_over()
    assert (Outcome.FINISHED, HangupCause.NORMAL) == (ending.outcome, team.call.hangup_cause)


async def test_messages_in_the_trash_do_not_count(team: Team) -> None:
    """What was deleted is no message any more."""
    team.message("201", DELETED)
    team.call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU, Prompt.GOODBYE)

    await team.check()

    team.call.assert_over()


async def test_new_messages_come_at_once_and_saved_ones_after(team: Team) -> None:
    """Counts, the new ones oldest first, the saved ones under a heading, then the main menu."""
    old = team.message("201", SAVED)
    first, second = team.message("202"), team.message("203")
    team.counted(2, 1)
    team.announced("202", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.press("6")
    team.announced("203", Prompt.NEXT_MESSAGE, message_id=second)
    team.call.press("6")
    team.announced("201", Prompt.SAVED_MESSAGES, Prompt.FIRST_MESSAGE, message_id=old)
    team.call.press("6")
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    team.call.press("#")
    team.call.expect_to_hear(Prompt.GOODBYE)

    await team.check()

    team.call.assert_over()


async def test_urgent_messages_come_first_and_are_announced(team: Team) -> None:
    """Those that a caller marked are heard before older ones, of the new and of the saved ones."""
    older, urgent = team.message("201"), team.voicemail.add_message(team.mailbox, "202", urgent=True)
    team.counted(2, 0)
    team.announced("202", Prompt.FIRST_MESSAGE, Prompt.URGENT_MESSAGE, message_id=urgent)
    team.call.expect_to_hear(Prompt.MESSAGE_MENU)
    team.call.press("6")
    team.announced("201", Prompt.NEXT_MESSAGE, message_id=older)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_only_saved_messages_come_without_a_heading(team: Team) -> None:
    """The counts said already that there are saved ones only."""
    old = team.message("201", SAVED)
    team.counted(0, 1)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=old)
    team.call.press("#")
    team.call.expect_to_hear(Prompt.GOODBYE)

    await team.check()

    team.call.assert_over()


async def test_a_listener_who_presses_nothing_hears_all_and_goodbye(team: Team) -> None:
    """Each message, its menu three times, the next one, the main menu three times, goodbye."""
    first, second = team.message("201"), team.message("202")
    team.counted(2, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.expect_to_hear(*[Prompt.MESSAGE_MENU] * 3)
    team.announced("202", Prompt.NEXT_MESSAGE, message_id=second)
    team.call.expect_to_hear(*[Prompt.MESSAGE_MENU] * 3)
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, *[Prompt.MAIN_MENU] * 3, Prompt.GOODBYE)

    ending = await team.check()

    team.call.assert_over()
    assert Outcome.FINISHED is ending.outcome
    assert [SAVED, SAVED] == [team.voicemail.state_of(first), team.voicemail.state_of(second)]


@pytest.mark.parametrize(("key", "state"), [("1", NEW), ("2", SAVED)])
async def test_the_counts_can_be_answered(team: Team, key: str, state: MessageState) -> None:
    """1 and 2 while the counts are said lead to the new and to the saved messages alone."""
    ids = {NEW: team.message("201"), SAVED: team.message("202", SAVED)}
    team.counted(1, 1)
    team.call.press(key)
    team.announced("201" if state is NEW else "202", Prompt.FIRST_MESSAGE, message_id=ids[state])
    team.call.press("6")
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_star_during_the_counts_leads_to_the_main_menu(team: Team) -> None:
    """`*` skips the messages."""
    team.message("201")
    team.counted(1, 0)
    team.call.press("*")
    team.call.expect_to_hear(Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_pound_during_the_counts_leaves(team: Team) -> None:
    """`#` says goodbye."""
    team.message("201")
    team.counted(1, 0)
    team.call.press("#")
    team.call.expect_to_hear(Prompt.GOODBYE)

    await team.check()

    team.call.assert_over()


async def test_a_key_without_function_does_not_cut_the_counts(team: Team) -> None:
    """A 7 while the counts are said deletes nothing."""
    first = team.message("201")
    team.counted(1, 0)
    team.call.press("7")
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()
    assert NEW is team.voicemail.state_of(first)


async def test_the_main_menu_leads_to_the_lists(team: Team) -> None:
    """1 new, 2 saved, again and again."""
    new, saved = team.message("201"), team.message("202", SAVED)
    team.counted(1, 1)
    team.call.press("*")
    team.call.expect_to_hear(Prompt.MAIN_MENU)
    team.call.press("2")
    team.announced("202", Prompt.FIRST_MESSAGE, message_id=saved)
    team.call.press("*")
    team.call.expect_to_hear(Prompt.MAIN_MENU)
    team.call.press("1")
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=new)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


@pytest.mark.parametrize(("key", "words"), [("1", Prompt.NO_NEW_MESSAGES), ("2", Prompt.NO_SAVED_MESSAGES)])
async def test_an_empty_list_is_said(team: Team, key: str, words: Prompt) -> None:
    """A list without messages is named, and the menu comes again."""
    team.call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
    team.call.press(key)
    team.call.expect_to_hear(words, Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


@pytest.mark.parametrize("key", ["0", "4", "8", "9", "*"])
async def test_a_wrong_key_in_the_main_menu_is_said(team: Team, key: str) -> None:
    """What has no function in the main menu is answered, options included until they exist."""
    team.message("201")
    team.counted(1, 0)
    team.call.press("*")
    team.call.expect_to_hear(Prompt.MAIN_MENU)
    team.call.press(key)
    team.call.expect_to_hear(Prompt.INVALID_KEY, Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_wrong_keys_do_not_keep_the_main_menu_for_ever(team: Team) -> None:
    """A line that makes noises is let go after three rounds."""
    team.message("201")
    team.counted(1, 0)
    team.call.press("*")
    team.call.expect_to_hear(Prompt.MAIN_MENU)
    team.call.press("9")
    team.call.expect_to_hear(Prompt.INVALID_KEY, Prompt.MAIN_MENU)
    team.call.press("9")
    team.call.expect_to_hear(Prompt.INVALID_KEY, Prompt.MAIN_MENU)
    team.call.press("9")
    team.call.expect_to_hear(Prompt.GOODBYE)

    await team.check()

    team.call.assert_over()


async def test_messages_that_came_meanwhile_are_in_the_next_list(team: Team) -> None:
    """1 in the main menu looks afresh."""
    team.call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
    team.call.meanwhile(lambda: team.message("209"))
    team.call.press("1")
    team.announced("209", Prompt.FIRST_MESSAGE)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_previous_goes_back(team: Team) -> None:
    """4 leads to the message before."""
    first, second = team.message("201"), team.message("202")
    team.counted(2, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.press("6")
    team.announced("202", Prompt.NEXT_MESSAGE, message_id=second)
    team.call.press("4")
    team.announced("201", Prompt.PREVIOUS_MESSAGE, message_id=first)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_previous_of_the_first_is_the_first(team: Team) -> None:
    """4 in the first message says so, and begins it again."""
    first = team.message("201")
    team.counted(1, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.press("4")
    team.announced("201", Prompt.NO_EARLIER_MESSAGE, message_id=first)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_previous_crosses_from_saved_to_new(team: Team) -> None:
    """Both lists are one walk."""
    saved, new = team.message("201", SAVED), team.message("202")
    team.counted(1, 1)
    team.announced("202", Prompt.FIRST_MESSAGE, message_id=new)
    team.call.press("6")
    team.announced("201", Prompt.SAVED_MESSAGES, Prompt.FIRST_MESSAGE, message_id=saved)
    team.call.press("4")
    team.announced("202", Prompt.PREVIOUS_MESSAGE, message_id=new)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_what_a_colleague_deleted_is_told_at_its_place(team: Team) -> None:
    """Each colleague once for several in a row, what was purged too; and no more when it is passed again."""
    ids = [team.message(str(number)) for number in range(201, 206)]
    team.counted(5, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=ids[0])
    team.call.meanwhile(lambda: team.voicemail.set_state(ids[1], DELETED, by=BERT))
    team.call.meanwhile(lambda: team.voicemail.set_state(ids[2], DELETED, by=BERT))
    team.call.meanwhile(lambda: team.voicemail.set_state(ids[3], None))
    team.call.press("6")
    team.call.expect_to_hear(Prompt.NEXT_MESSAGE, told(Deed.DELETED, BERT), told(Deed.PURGED, SOMEBODY))
    team.announced("205", Prompt.NEXT_MESSAGE, message_id=ids[4])
    team.call.press("1")
    team.call.expect_to_hear(team.sound(ids[4]), *[Prompt.MESSAGE_MENU] * 3)
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_the_last_message_that_a_colleague_deleted_is_told_before_the_menu(team: Team) -> None:
    """It is in no list from then on, and not told again."""
    first, second = team.message("201"), team.message("202")
    team.counted(2, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.meanwhile(lambda: team.voicemail.set_state(second, DELETED, by=BERT))
    team.call.press("6")
    team.call.expect_to_hear(Prompt.NEXT_MESSAGE, told(Deed.DELETED, BERT))
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    team.call.press("1")
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_keys_lead_to_what_a_colleague_deleted_once_it_was_told(team: Team) -> None:
    """With 4, and 7 undoes it."""
    first, second, third = (team.message(caller) for caller in ("201", "202", "203"))
    team.counted(3, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.meanwhile(lambda: team.voicemail.set_state(second, DELETED, by=BERT))
    team.call.press("6")
    team.call.expect_to_hear(Prompt.NEXT_MESSAGE, told(Deed.DELETED, BERT))
    team.announced("203", Prompt.NEXT_MESSAGE, message_id=third)
    team.call.press("4")
    team.announced("202", Prompt.PREVIOUS_MESSAGE)
    team.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    team.call.press("7")
    team.call.expect_to_hear(Prompt.MESSAGE_RESTORED, Prompt.MESSAGE_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()
    assert NEW is team.voicemail.state_of(second)


async def test_a_key_typed_before_the_news_of_a_deletion_is_for_what_follows(team: Team) -> None:
    """The news are said to their end; the deed of a colleague is never cut short."""
    first, second, third = (team.message(caller) for caller in ("201", "202", "203"))
    team.counted(3, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.meanwhile(lambda: team.voicemail.set_state(second, DELETED, by=BERT))
    team.call.press("2")
    team.call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NEXT_MESSAGE, told(Deed.DELETED, BERT))
    team.announced("203", Prompt.NEXT_MESSAGE, message_id=third)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()
    assert SAVED is team.voicemail.state_of(first)


async def test_previous_of_a_first_that_is_gone_ends_the_walk(team: Team) -> None:
    """It is told; when nothing of the list is left, the main menu comes."""
    first = team.message("201")
    team.counted(1, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.meanwhile(lambda: team.voicemail.set_state(first, None))
    team.call.press("4")
    team.call.expect_to_hear(Prompt.FIRST_MESSAGE, told(Deed.PURGED, SOMEBODY))
    team.call.expect_to_hear(Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_a_deletion_can_be_undone_later(team: Team) -> None:
    """Keys lead back to a message that the listener deleted, and 7 undoes it."""
    first, second = team.message("201"), team.message("202")
    team.counted(2, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.press("7")
    team.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    team.call.press("6")
    team.announced("202", Prompt.NEXT_MESSAGE, message_id=second)
    team.call.press("4")
    team.announced("201", Prompt.PREVIOUS_MESSAGE)
    team.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    team.call.press("7")
    team.call.expect_to_hear(Prompt.MESSAGE_RESTORED, Prompt.MESSAGE_MENU)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()
    assert NEW is team.voicemail.state_of(first)


async def test_a_deleted_message_is_not_met_by_itself(team: Team) -> None:
    """Going on without a key passes over what the listener deleted."""
    first, second, third = (team.message(caller) for caller in ("201", "202", "203"))
    team.counted(3, 0)
    team.announced("201", Prompt.FIRST_MESSAGE, message_id=first)
    team.call.press("6")
    team.announced("202", Prompt.NEXT_MESSAGE, message_id=second)
    team.call.press("7")
    team.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    team.call.press("4")
    team.announced("201", Prompt.PREVIOUS_MESSAGE, message_id=first)
    team.call.press("2")
    team.call.expect_to_hear(Prompt.MESSAGE_SAVED)
    team.announced("203", Prompt.NEXT_MESSAGE, message_id=third)
    team.call.hang_up()

    await team.check()

    team.call.assert_over()


async def test_a_lost_link_ends_the_flow(team: Team) -> None:
    """The dialplan has the call; the flow says how it ended."""
    team.message("201")
    team.counted(1, 0)
    team.call.lose_link()

    ending = await team.check()

    assert (Outcome.CALL_LOST, "8001") == (ending.outcome, ending.mailbox_number)


@pytest.mark.parametrize("method", ["counts", "messages", "message"])
async def test_a_database_that_fails_after_the_pin_is_said(team: Team, method: str) -> None:
    """The listener is told and the call ends: the dialplan would say the same, but later."""
    team.voicemail.unavailable.add(method)
    team.message("201")
    if method != "counts":
        team.counted(1, 0)
    team.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE)

    ending = await team.check()

    team.call.assert_over()
    assert (Outcome.BROKEN_OFF, HangupCause.FAILURE, True) == (
        ending.outcome,
        team.call.hangup_cause,
        ending.error is not None,
    )


async def test_hanging_up_in_the_apology_is_still_broken_off(team: Team) -> None:
    """The reason stays the database."""
    team.voicemail.unavailable.add("counts")
    team.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM)
    team.call.hang_up()

    ending = await team.check()

    assert Outcome.BROKEN_OFF is ending.outcome


async def test_losing_the_link_in_the_apology_is_a_lost_link(team: Team) -> None:
    """The dialplan has the call then."""
    team.voicemail.unavailable.add("counts")
    team.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM)
    team.call.lose_link()

    ending = await team.check()

    assert Outcome.CALL_LOST is ending.outcome


async def test_checking_sets_no_stage(team: Team) -> None:
    """The dialplan of checking knows by its context what to do; it never records."""
    team.message("201")
    team.counted(1, 0)
    team.call.hang_up()

    await team.check()

    assert (None, None) == (team.call.stage, team.call.recording_id)
