"""What a listener does with a message beyond their mailbox: forward it, have it mailed, call back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import (
    ByColleague,
    Deed,
    FromNumber,
    Greeting,
    MessageCounts,
    Prompt,
    Tone,
)
from controlplane.domain.colleague import SOMEBODY
from controlplane.domain.limits import Quota
from controlplane.domain.message import MessageState
from controlplane.domain.rights import Admission, parse_rights
from tests.support.fake_desk import STARTED, Desk
from tests.support.fault_points import FaultPoints, Killed

NEW = MessageState.NEW


class Listener(Desk):
    """Extension 101 hears an urgent message of 12 s from 201 in mailbox 8001; there is 8002 beside it."""

    def __init__(self, folder: Path, *, points: FaultPoints | None = None, **mailbox: Any) -> None:
        super().__init__(folder, points=points, pin_required=False, **mailbox)
        self.dial(entry=Entry.CHECK)
        self.other = self.voicemail.add_mailbox("8002", min_message_seconds=60)
        self.first: UUID = self.voicemail.add_message(self.mailbox, "201", seconds=12, urgent=True)
        self.call.expect_to_hear(
            MessageCounts(new=1, saved=0),
            Prompt.FIRST_MESSAGE,
            Prompt.URGENT_MESSAGE,
            FromNumber(number="201"),
        )
        self.plays()

    def plays(self) -> None:
        """Script: the message plays, or goes on."""
        self.call.expect_to_hear(self.sound(self.first))

    def forwards_to(self, number: str = "8002") -> None:
        """Script: 8, to another mailbox, whose number is entered."""
        self.call.press("8")
        self.call.expect_to_hear(Prompt.FORWARD_MENU)
        self.call.press("1")
        self.call.expect_to_hear(Prompt.ENTER_MAILBOX)
        self.call.press(f"{number}#")

    def with_note(self, seconds: float) -> None:
        """Script: a note of so many seconds, ended by a key."""
        self.call.expect_to_hear(Prompt.NOTE_MENU)
        self.call.press("1")
        self.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
        self.call.say_for(seconds)
        self.call.press("#")

    def copies(self) -> list[int]:
        """Return the seconds of the messages in the other mailbox."""
        rows = self.voicemail.rows.values()
        return [round(row.heard.duration_ms / 1000) for row in rows if row.mailbox_id == self.other.id]


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    """Return a listener to whom the message plays."""
    return Listener(tmp_path)


async def finish(listener: Listener) -> None:
    """Hang up, run the flow, and see that the whole script was played and nothing is left over."""
    listener.call.hang_up()
    await listener.check()
    listener.call.assert_over()
    assert ([], set()) == (listener.spool.entries(), listener.spool.locked)


async def test_8_forwards_to_another_mailbox_and_keeps_the_original(listener: Listener) -> None:
    """The copy is new there, whatever is the shortest message, with its caller, the mark, and the way."""
    listener.forwards_to()
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("2")
    listener.call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
    listener.plays()

    await finish(listener)

    ((copy_id, row),) = [
        (i, r) for i, r in listener.voicemail.rows.items() if r.mailbox_id == listener.other.id
    ]
    step = row.heard.reached_by.last
    assert step is not None
    assert ("201", NEW, STARTED, 12000, True) == (
        row.heard.caller.number,
        row.heard.state,
        row.heard.received_at,
        row.heard.duration_ms,
        row.heard.urgent,
    )
    assert ("mailbox", "8001") == (step.kind, step.number)
    assert NEW is listener.voicemail.state_of(listener.first)
    assert [(listener.first, "8002", "extension 101")] == listener.voicemail.forwarded
    assert copy_id != listener.first


async def test_a_note_is_put_before_the_message(listener: Listener) -> None:
    """Both are one message."""
    listener.forwards_to()
    listener.with_note(4)
    listener.call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
    listener.plays()

    await finish(listener)

    assert [16] == listener.copies()


async def test_who_hangs_up_after_the_note_has_forwarded(listener: Listener) -> None:
    """As who hangs up after a message has left it."""
    listener.forwards_to()
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("1")
    listener.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    listener.call.say_for(4)

    await finish(listener)

    assert [16] == listener.copies()


async def test_a_note_in_which_nothing_is_said_forwards_nothing(listener: Listener) -> None:
    """It is told."""
    listener.forwards_to()
    listener.with_note(0.5)
    listener.call.expect_to_hear(Prompt.NOT_FORWARDED)
    listener.plays()

    await finish(listener)

    assert [] == listener.copies()


@pytest.mark.parametrize(
    ("number", "words"), [("8009", Prompt.NO_SUCH_MAILBOX), ("8001", Prompt.SAME_MAILBOX)]
)
async def test_a_number_that_cannot_be_forwarded_to_is_asked_for_again(
    listener: Listener, number: str, words: Prompt
) -> None:
    """In words, and the right one is taken then."""
    listener.forwards_to(number)
    listener.call.expect_to_hear(words, Prompt.ENTER_MAILBOX)
    listener.call.press("8002#")
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("2")
    listener.call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
    listener.plays()

    await finish(listener)

    assert [12] == listener.copies()


def fill(listener: Listener) -> None:
    """Let the other mailbox hold as much as it may."""
    listener.voicemail.add_message(listener.other, "202", seconds=5)
    listener.voicemail.change_mailbox(listener.other, quota=Quota(messages=1))


async def test_a_full_mailbox_takes_nothing(listener: Listener) -> None:
    """It is told at once, before anybody speaks."""
    fill(listener)
    listener.forwards_to()
    for _ in range(2):
        listener.call.expect_to_hear(Prompt.OTHER_FULL, Prompt.ENTER_MAILBOX)
        listener.call.press("8002#")
    listener.call.expect_to_hear(Prompt.OTHER_FULL)
    listener.plays()

    await finish(listener)

    assert [5] == listener.copies()


async def test_a_disabled_mailbox_takes_nothing(listener: Listener) -> None:
    """It is told at once, before anybody speaks; after three rounds the message goes on."""
    listener.voicemail.change_mailbox(listener.other, enabled=False)
    listener.forwards_to()
    for _ in range(2):
        listener.call.expect_to_hear(Prompt.OTHER_DISABLED, Prompt.ENTER_MAILBOX)
        listener.call.press("8002#")
    listener.call.expect_to_hear(Prompt.OTHER_DISABLED)
    listener.plays()

    await finish(listener)

    assert [] == listener.copies()


@pytest.mark.parametrize("trouble", ["disabled", "gone", "full", "purged", "missing", "full-disk"])
async def test_what_happens_while_the_note_is_spoken_forwards_nothing(
    listener: Listener, trouble: str
) -> None:
    """The mailbox, the message, its recording or the disk: each is told, and nothing is half done."""
    voicemail, spool = listener.voicemail, listener.spool
    happens: dict[str, tuple[Callable[[], object], Prompt]] = {
        "disabled": (partial(voicemail.change_mailbox, listener.other, enabled=False), Prompt.OTHER_DISABLED),
        "gone": (partial(voicemail.remove_mailbox, listener.other), Prompt.NO_SUCH_MAILBOX),
        "full": (partial(fill, listener), Prompt.OTHER_FULL),
        "purged": (partial(voicemail.set_state, listener.first, None), Prompt.MESSAGE_GONE),
        "missing": (voicemail.recording(listener.first).unlink, Prompt.RECORDING_UNAVAILABLE),
        "full-disk": (partial(setattr, spool, "full_from", 0), Prompt.NOT_FORWARDED),
    }
    happening, words = happens[trouble]
    listener.forwards_to()
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("1")
    listener.call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
    listener.call.meanwhile(happening)
    listener.call.expect_to_hear(Tone.BEEP)
    listener.call.say_for(4)
    listener.call.press("#")
    listener.call.expect_to_hear(words)
    if trouble == "missing":
        listener.call.expect_to_hear(Prompt.RECORDING_UNAVAILABLE)
    elif trouble == "purged":
        listener.call.expect_to_hear(ByColleague(deed=Deed.PURGED, who=SOMEBODY))
    else:
        listener.plays()

    await finish(listener)

    assert ([5] if trouble == "full" else []) == listener.copies()


async def test_a_deposit_that_fails_is_made_up_for_by_the_scanner(listener: Listener) -> None:
    """What was told to be forwarded is."""
    listener.voicemail.unavailable.add("deposit")
    listener.forwards_to()
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("2")
    listener.call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
    listener.plays()
    listener.call.hang_up()

    await listener.check()
    listener.call.assert_over()
    listener.voicemail.unavailable.clear()
    listener.voicemail.change_mailbox(listener.other, min_message_seconds=1)
    await listener.spool.scan(listener.voicemail)

    assert [12] == listener.copies()


@pytest.mark.parametrize("with_note", [False, True])
async def test_a_kill_at_any_step_forwards_all_of_it_or_nothing(tmp_path: Path, *, with_note: bool) -> None:
    """`kill -9` between any two steps: the copy is there once and whole, or not at all."""
    found = set()
    for at in itertools.count():
        points = FaultPoints(at=at)
        listener = Listener(tmp_path / str(at), points=points)
        listener.voicemail.change_mailbox(listener.other, min_message_seconds=1)
        points.trouble = points.kill
        listener.forwards_to()
        if with_note:
            listener.with_note(4)
        else:
            listener.call.expect_to_hear(Prompt.NOTE_MENU)
            listener.call.press("2")
        listener.call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
        listener.plays()
        listener.call.hang_up()
        try:
            await listener.check()
        except Killed:
            listener.spool.locked.clear()
        if len(points.seen) <= at:
            break
        points.at, points.killed = None, False
        await listener.spool.scan(listener.voicemail)
        found.add(tuple(listener.copies()))

    assert {(), (16 if with_note else 12,)} == found


@pytest.mark.parametrize(
    ("recipients", "words"),
    [(("a@example.com", "b@example.com"), Prompt.MESSAGE_MAILED), ((), Prompt.NO_RECIPIENTS)],
)
async def test_8_has_the_message_mailed(tmp_path: Path, recipients: tuple[str, ...], words: Prompt) -> None:
    """To all recipients of the mailbox; one that has none says so."""
    listener = Listener(tmp_path, email_recipients=recipients)
    listener.call.press("8")
    listener.call.expect_to_hear(Prompt.FORWARD_MENU)
    listener.call.press("2")
    listener.call.expect_to_hear(words)
    listener.plays()

    await finish(listener)

    assert [(listener.first, one, "extension 101") for one in recipients] == listener.voicemail.mailed


async def test_star_goes_back_to_the_message(listener: Listener) -> None:
    """Out of both menus; out of the second it is told that nothing was forwarded."""
    listener.call.press("8")
    listener.call.expect_to_hear(Prompt.FORWARD_MENU)
    listener.call.press("*")
    listener.plays()
    listener.forwards_to()
    listener.call.expect_to_hear(Prompt.NOTE_MENU)
    listener.call.press("*")
    listener.call.expect_to_hear(Prompt.NOT_FORWARDED)
    listener.plays()

    await finish(listener)


async def test_who_may_not_keep_recordings_forwards_none(listener: Listener) -> None:
    """Another mailbox would be a way around the right to download."""
    rights = Admission(rights=parse_rights(["delete"]), pin_spared=True)
    listener.voicemail.members[listener.mailbox.id] = {"101": rights}
    listener.call.press("8")
    listener.call.expect_to_hear(Prompt.FORWARD_NOT_ALLOWED)
    listener.plays()

    await finish(listener)


async def test_9_calls_back_a_number_of_the_tenant(listener: Listener) -> None:
    """The call goes there, and the message stays as it is."""
    listener.voicemail.numbers.add("201")
    listener.call.press("9")
    listener.call.expect_to_hear(Prompt.CALLING_BACK)

    ending = await listener.check()

    listener.call.assert_over()
    assert ("201", Outcome.GONE_ON) == (listener.call.transferred_to, ending.outcome)
    assert NEW is listener.voicemail.state_of(listener.first)
    assert ("called back", str(listener.first), "201", "extension 101") == listener.voicemail.noted[-1]


async def test_9_says_that_others_cannot_be_called_back(listener: Listener) -> None:
    """A number that nothing of the tenant has."""
    listener.call.press("9")
    listener.call.expect_to_hear(Prompt.CALL_BACK_IMPOSSIBLE)
    listener.plays()

    await finish(listener)

    assert listener.call.transferred_to is None


async def test_9_is_for_extensions_only(tmp_path: Path) -> None:
    """Who logged in from outside cannot call through the company."""
    listener = Listener(tmp_path, log_in_from_greeting=True)
    listener.voicemail.numbers.add("201")
    script = listener.dial(extension=None)
    script.expect_to_hear(Greeting(display_name="Sales"))
    script.press("*")
    script.expect_to_hear(Prompt.ENTER_PIN)
    script.press("4071#")
    script.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
    script.press("9")
    script.expect_to_hear(Prompt.CALL_BACK_IMPOSSIBLE)
    listener.plays()
    script.hang_up()

    await listener.leave()

    script.assert_over()
    assert script.transferred_to is None
    assert [("logged in", "8001", "", f"caller {script.facts.caller.number}")] == listener.voicemail.noted


async def test_3_in_the_main_menu_leaves_a_message_elsewhere(listener: Listener) -> None:
    """The call goes to the other mailbox as every caller's does."""
    listener.call.press("*")
    listener.call.expect_to_hear(Prompt.MAIN_MENU)
    listener.call.press("3")
    listener.call.expect_to_hear(Prompt.ENTER_MAILBOX)
    listener.call.press("8002#")

    ending = await listener.check()

    listener.call.assert_over()
    assert ("8002", Outcome.GONE_ON) == (listener.call.transferred_to, ending.outcome)
    assert ("left elsewhere", "8001", "8002", "extension 101") == listener.voicemail.noted[-1]


async def test_3_in_the_main_menu_says_what_takes_no_messages(listener: Listener) -> None:
    """And comes back to the menu when nothing more is entered."""
    listener.call.press("*")
    listener.call.expect_to_hear(Prompt.MAIN_MENU)
    listener.call.press("3")
    listener.call.expect_to_hear(Prompt.ENTER_MAILBOX)
    listener.call.press("8009#")
    listener.call.expect_to_hear(
        Prompt.NO_SUCH_MAILBOX, Prompt.ENTER_MAILBOX, Prompt.ENTER_MAILBOX, Prompt.MAIN_MENU
    )
    listener.call.press("#")
    listener.call.expect_to_hear(Prompt.GOODBYE)

    ending = await listener.check()

    listener.call.assert_over()
    assert Outcome.FINISHED is ending.outcome
