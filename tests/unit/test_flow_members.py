"""A mailbox that has members, as callers meet it at `*56`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import ByColleague, Deed, FromNumber, MessageCounts, Prompt
from controlplane.domain.colleague import SOMEBODY
from controlplane.domain.message import MessageState
from controlplane.domain.rights import ALL_RIGHTS, Admission, Right, parse_rights
from tests.support.fake_desk import Desk

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
LISTENER = Admission(rights=parse_rights(["listen"]))
EMPTY = (Prompt.NO_MESSAGES, Prompt.MAIN_MENU)


class Closed(Desk):
    """A mailbox whose members are the extensions of a test."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.dial(entry=Entry.CHECK)

    def member(self, extension: str, admission: Admission) -> None:
        """Give an extension rights."""
        self.voicemail.members.setdefault(self.mailbox.id, {})[extension] = admission

    def begun(self, message_id: UUID) -> None:
        """Script: the listener is in, and the one message begins."""
        self.let_in()
        self.call.expect_to_hear(
            MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE, FromNumber(number="201")
        )
        self.call.expect_to_hear(self.sound(message_id))


@pytest.fixture
def closed(tmp_path: Path) -> Closed:
    """Return it, called by extension 101."""
    return Closed(tmp_path)


async def test_who_is_no_member_is_told_and_never_asked_for_the_pin(closed: Closed) -> None:
    """Nobody finds out whether a PIN is right, and no try is counted."""
    closed.member("102", Admission(rights=ALL_RIGHTS))
    closed.call.expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)

    ending = await closed.check()

    closed.call.assert_over()
    assert (Outcome.NO_MEMBER, []) == (ending.outcome, closed.voicemail.tries)
    assert [("refused", "8001", "", "extension 101")] == closed.voicemail.noted


async def test_no_pin_required_does_not_let_in_others(closed: Closed) -> None:
    """A mailbox that asks nobody for a PIN still is its members' alone."""
    own = closed.voicemail.add_mailbox("8002", pin_required=False)
    closed.voicemail.members[own.id] = {"102": Admission(rights=ALL_RIGHTS)}
    closed.dial("8002", entry=Entry.CHECK).expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)

    ending = await closed.check()

    assert Outcome.NO_MEMBER is ending.outcome


async def test_another_mailbox_may_be_entered_after_one_of_others(closed: Closed) -> None:
    """Where it was entered by hand it is asked for again, and uses up a try."""
    closed.member("102", Admission(rights=ALL_RIGHTS))
    closed.voicemail.add_mailbox("8002", pin_required=False)
    call = closed.dial("", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_MAILBOX)
    call.press("8001#")
    call.expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.ENTER_MAILBOX)
    call.press("8002#")
    call.expect_to_hear(*EMPTY)
    call.press("#")
    call.expect_to_hear(Prompt.GOODBYE)

    ending = await closed.check()

    call.assert_over()
    assert (Outcome.FINISHED, "8002") == (ending.outcome, ending.mailbox_number)


async def test_mailboxes_of_others_are_not_tried_without_end(closed: Closed) -> None:
    """Three of them, and the call ends."""
    closed.member("102", Admission(rights=ALL_RIGHTS))
    call = closed.dial("", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_MAILBOX)
    for _ in range(2):
        call.press("8001#")
        call.expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.ENTER_MAILBOX)
    call.press("8001#")
    call.expect_to_hear(Prompt.TOO_MANY_TRIES)

    ending = await closed.check()

    assert Outcome.TOO_MANY_TRIES is ending.outcome


async def test_member_enters_the_pin(closed: Closed) -> None:
    """To be a member is not enough."""
    closed.member("101", LISTENER)
    closed.call.expect_to_hear(Prompt.ENTER_PIN)
    closed.call.press("9999#")
    closed.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    closed.call.hang_up()

    ending = await closed.check()

    assert (Outcome.HUNG_UP, 1) == (ending.outcome, len(closed.voicemail.tries))


async def test_member_may_be_spared_the_pin(closed: Closed) -> None:
    """At the own phone the messages come at once."""
    closed.member("101", Admission(rights=LISTENER.rights, pin_spared=True))
    closed.call.expect_to_hear(*EMPTY)
    closed.call.press("#")
    closed.call.expect_to_hear(Prompt.GOODBYE)

    ending = await closed.check()

    assert (Outcome.FINISHED, []) == (ending.outcome, closed.voicemail.tries)


async def test_nobody_from_outside_is_a_member(closed: Closed) -> None:
    """Whatever number a caller shows: without an extension of the switch there is nothing to hear."""
    closed.member("101", Admission(rights=ALL_RIGHTS, pin_spared=True))
    closed.dial(extension=None, entry=Entry.CHECK).expect_to_hear(Prompt.FEATURE_UNKNOWN)

    ending = await closed.check()

    assert Outcome.OUTSIDE_REFUSED is ending.outcome


async def test_own_mailbox_has_members_too(closed: Closed) -> None:
    """`*57` is no way around them."""
    closed.member("102", Admission(rights=ALL_RIGHTS))
    closed.voicemail.owned["101"] = closed.mailbox.id
    closed.dial("", entry=Entry.CHECK_OWN).expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)

    ending = await closed.check()

    assert Outcome.NO_MEMBER is ending.outcome


async def test_listener_is_told_that_7_is_not_theirs(closed: Closed) -> None:
    """While the message plays and after its end; it stays, and the menu does not offer it."""
    closed.member("101", LISTENER)
    message = closed.voicemail.add_message(closed.mailbox, "201")
    closed.begun(message)
    closed.call.press("7")
    closed.call.expect_to_hear(Prompt.DELETE_NOT_ALLOWED, closed.sound(message), Prompt.MESSAGE_MENU_LISTEN)
    closed.call.press("7")
    closed.call.expect_to_hear(Prompt.DELETE_NOT_ALLOWED, Prompt.MESSAGE_MENU_LISTEN)
    closed.call.press("0")
    closed.call.expect_to_hear(Prompt.MESSAGE_HELP_LISTEN)
    closed.call.hang_up()

    await closed.check()

    closed.call.assert_over()
    assert SAVED is closed.voicemail.state_of(message)
    assert {SAVED} == {change.to for change in closed.voicemail.changes}


async def test_listener_keeps_a_message(closed: Closed) -> None:
    """2 needs no more than to listen."""
    closed.member("101", LISTENER)
    message = closed.voicemail.add_message(closed.mailbox, "201")
    closed.begun(message)
    closed.call.press("2")
    closed.call.expect_to_hear(Prompt.MESSAGE_SAVED)
    closed.call.hang_up()

    await closed.check()

    assert SAVED is closed.voicemail.state_of(message)


@pytest.mark.parametrize("key", ["2", "7"])
async def test_listener_leaves_what_a_colleague_deleted(closed: Closed, key: str) -> None:
    """Undoing is not theirs either: they are told, and go on."""
    closed.member("101", LISTENER)
    message = closed.voicemail.add_message(closed.mailbox, "201")
    closed.begun(message)
    closed.call.meanwhile(lambda: closed.voicemail.set_state(message, DELETED))
    closed.call.press(key)
    if key == "2":
        told = ByColleague(deed=Deed.DELETED, who=SOMEBODY)
        closed.call.expect_to_hear(told, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
    else:
        closed.call.expect_to_hear(Prompt.DELETE_NOT_ALLOWED)
    closed.call.hang_up()

    await closed.check()

    assert DELETED is closed.voicemail.state_of(message)


async def test_keys_do_not_lead_a_listener_to_what_a_colleague_deleted(closed: Closed) -> None:
    """It is told at its place, once; who may not delete has nothing to bring back, by no key."""
    closed.member("101", LISTENER)
    gone, there, last = (closed.voicemail.add_message(closed.mailbox, each) for each in ("201", "202", "203"))
    told = ByColleague(deed=Deed.DELETED, who=SOMEBODY)
    closed.let_in()
    closed.call.expect_to_hear(
        MessageCounts(new=3, saved=0), Prompt.FIRST_MESSAGE, FromNumber(number="201"), closed.sound(gone)
    )
    closed.call.meanwhile(lambda: closed.voicemail.set_state(gone, DELETED))
    closed.call.meanwhile(lambda: closed.voicemail.set_state(there, DELETED))
    closed.call.press("2")
    closed.call.expect_to_hear(told, Prompt.NEXT_MESSAGE, told)
    closed.call.expect_to_hear(Prompt.NEXT_MESSAGE, FromNumber(number="203"), closed.sound(last))
    closed.call.press("4")
    closed.call.expect_to_hear(Prompt.NO_EARLIER_MESSAGE, FromNumber(number="203"), closed.sound(last))
    closed.call.hang_up()

    await closed.check()

    closed.call.assert_over()
    assert [DELETED] * 2 == [closed.voicemail.state_of(each) for each in (gone, there)]


async def test_member_who_may_delete_deletes(closed: Closed) -> None:
    """And takes it back; who did it is noted as in the portal."""
    closed.member("101", Admission(rights=parse_rights(["delete"]), user_name="mia"))
    message = closed.voicemail.add_message(closed.mailbox, "201")
    closed.begun(message)
    closed.call.press("7")
    closed.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    closed.call.press("7")
    closed.call.expect_to_hear(Prompt.MESSAGE_RESTORED)
    closed.call.hang_up()

    await closed.check()

    assert [DELETED, NEW] == [change.to for change in closed.voicemail.changes]
    assert {"extension 101 (user mia)"} == {change.by for change in closed.voicemail.changes}


def test_rights_bring_others_along() -> None:
    """Nobody downloads or deletes what they may not hear, and who manages could give themselves any right."""
    brought = {right: parse_rights([right]) for right in Right}

    assert {
        Right.LISTEN: {Right.LISTEN},
        Right.DOWNLOAD: {Right.LISTEN, Right.DOWNLOAD},
        Right.DELETE: {Right.LISTEN, Right.DELETE},
        Right.MANAGE: set(Right),
    } == brought
