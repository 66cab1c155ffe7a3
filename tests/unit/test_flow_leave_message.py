"""Leaving a message, as the caller meets it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from controlplane.callflows.call import HangupCause, Stage
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import AudioFile, Greeting, Prompt, Tone
from controlplane.domain.errors import ControlPlaneError
from controlplane.domain.mailbox import SourceGreeting
from controlplane.domain.message import MessageState
from tests.support.fake_desk import STARTED, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a mailbox without review menu, at least 2 and at most 60 seconds a message."""
    return Desk(tmp_path, min_message_seconds=2, max_message_seconds=60)


@pytest.fixture
def review(tmp_path: Path) -> Desk:
    """Return a mailbox with review menu, at least 2 seconds a message."""
    return Desk(tmp_path, min_message_seconds=2, review=True)


async def test_a_message_ended_by_hash_is_delivered(desk: Desk) -> None:
    """A caller who ends with # is thanked and has left a message."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.DEPOSITED, "8001", desk.ids[0], None) == (
        ending.outcome,
        ending.mailbox_number,
        ending.recording_id,
        ending.error,
    )
    assert [5] == desk.voicemail.durations()


SOURCES = (
    SourceGreeting(source="6100", greeting="Sales is busy.", language="de"),
    SourceGreeting(source="+4930123", greeting=None, language="de"),
    SourceGreeting(source="6000", greeting="You came by the receptionist."),
)


@pytest.mark.parametrize(
    ("way", "text", "language"),
    [
        ("", None, "en"),
        ("ring-group.6100..busy.", "Sales is busy.", "de"),
        ("did.4930123/ring-group.6100..busy.", "Sales is busy.", "de"),
        ("did.4930123", None, "de"),
        ("ring-group.6100..busy./virtual-receptionist.6000.5.direct.", "You came by the receptionist.", "en"),
        ("ring-group.6999..busy.", None, "en"),
    ],
)
async def test_a_source_has_its_own_greeting(
    tmp_path: Path, way: str, text: str | None, language: str
) -> None:
    """The nearest source that has a greeting or a language decides, else the mailbox's own."""
    desk = Desk(tmp_path, min_message_seconds=2, source_greetings=SOURCES)
    desk.dial(way=way)
    desk.call.expect_to_hear(Greeting(display_name="Sales", text=text), Tone.BEEP)
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    desk.call.assert_over()
    assert language == desk.call.language


async def test_a_message_ended_by_silence_is_delivered(desk: Desk) -> None:
    """Silence ends a message without a menu."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    desk.call.assert_over()
    assert [6] == desk.voicemail.durations()


async def test_what_is_long_enough_is_noted_for_the_scanner(desk: Desk) -> None:
    """The flow knows what ended each recording: it notes the one that is long enough, and only that one."""
    desk.greeted()
    desk.call.say_for(0.5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT, Tone.BEEP)
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    desk.call.assert_over()
    assert {desk.ids[1]} == desk.spool.kept


async def test_a_note_that_cannot_be_written_stops_no_message(desk: Desk) -> None:
    """On a spool that cannot be written any more, what is recorded is deposited all the same."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)
    desk.spool.read_only = True

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.DEPOSITED, [5]) == (ending.outcome, desk.voicemail.durations())


async def test_a_message_of_the_greatest_length_is_delivered(desk: Desk) -> None:
    """The mailbox's maximum ends a message."""
    desk.greeted()
    desk.call.say_for(100)
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    assert [60] == desk.voicemail.durations()


async def test_a_message_ended_by_hanging_up_is_delivered(desk: Desk) -> None:
    """Most callers just hang up, and have left a message."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.hang_up()

    ending = await desk.leave()

    assert Outcome.DEPOSITED is ending.outcome
    assert [5] == desk.voicemail.durations()


async def test_the_call_is_ended_normally_after_a_message(desk: Desk) -> None:
    """After the thanks the call is hung up, with the normal cause."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    assert HangupCause.NORMAL is desk.call.hangup_cause


async def test_the_message_knows_its_caller_and_time(desk: Desk) -> None:
    """Caller and time are those of the call."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.hang_up()

    await desk.leave()

    heard = desk.voicemail.rows[desk.ids[0]].heard
    assert ("102", "Bob", STARTED, MessageState.NEW) == (
        heard.caller.number,
        heard.caller.name,
        heard.received_at,
        heard.state,
    )


async def test_the_mailbox_decides_the_language(tmp_path: Path) -> None:
    """A caller hears the language of the mailbox."""
    desk = Desk(tmp_path, language="fr")
    desk.greeted()
    desk.call.hang_up()

    await desk.leave()

    assert "fr" == desk.call.language


async def test_the_limits_are_those_of_mailbox_and_settings(desk: Desk) -> None:
    """The switch is told the mailbox's maximum and the silence of the settings."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.hang_up()

    await desk.leave()

    (limits,) = desk.call.limits
    assert (60, 5, "#") == (limits.max_seconds, limits.silence_seconds, limits.keys)


async def test_hash_skips_the_greeting(desk: Desk) -> None:
    """# during the greeting leads to the tone, and does not end the recording."""
    desk.call.expect_to_hear(Greeting(display_name="Sales"))
    desk.call.press("#")
    desk.call.expect_to_hear(Tone.BEEP)
    desk.call.say_for(5)
    desk.call.hang_up()

    await desk.leave()

    desk.call.assert_over()
    assert [5] == desk.voicemail.durations()


async def test_hanging_up_in_the_greeting_leaves_nothing(desk: Desk) -> None:
    """Nobody spoke, nothing is kept."""
    desk.call.expect_to_hear(Greeting(display_name="Sales"))
    desk.call.hang_up()

    ending = await desk.leave()

    assert Outcome.HUNG_UP is ending.outcome
    assert ([], []) == (desk.spool.entries(), desk.voicemail.durations())


async def test_hanging_up_before_the_minimum_leaves_nothing(desk: Desk) -> None:
    """A recording shorter than the mailbox's minimum is dropped."""
    desk.greeted()
    desk.call.say_for(1.9)
    desk.call.hang_up()

    ending = await desk.leave()

    assert Outcome.HUNG_UP is ending.outcome
    assert ([], []) == (desk.spool.entries(), desk.voicemail.durations())


async def test_a_short_message_may_be_spoken_again(desk: Desk) -> None:
    """Too short: told, asked once more, and only the second recording is kept."""
    desk.greeted()
    desk.call.say_for(1)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT, Tone.BEEP)
    desk.call.say_for(4)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    desk.call.assert_over()
    assert ([], [4]) == (desk.spool.entries(), desk.voicemail.durations())


async def test_a_second_short_message_is_dropped(desk: Desk) -> None:
    """Too short twice: told that nothing was recorded."""
    desk.greeted()
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT, Tone.BEEP)
    desk.call.say_for(1)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_DROPPED)

    ending = await desk.leave()

    desk.call.assert_over()
    assert Outcome.TOO_SHORT is ending.outcome
    assert ([], []) == (desk.spool.entries(), desk.voicemail.durations())


async def test_a_caller_who_says_nothing_leaves_nothing(desk: Desk) -> None:
    """The silence that ended a recording is no message, although it has a length."""
    desk.greeted()
    desk.call.say_for(1.5)
    desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT, Tone.BEEP, Prompt.MESSAGE_DROPPED)

    ending = await desk.leave()

    desk.call.assert_over()
    assert Outcome.TOO_SHORT is ending.outcome


async def test_an_empty_recording_is_never_a_message(tmp_path: Path) -> None:
    """Even where the minimum is 0 seconds, no audio is no message."""
    desk = Desk(tmp_path, min_message_seconds=0)
    desk.greeted()
    desk.call.hang_up()

    ending = await desk.leave()

    assert Outcome.HUNG_UP is ending.outcome


async def test_a_disabled_mailbox_says_so(tmp_path: Path) -> None:
    """A disabled mailbox takes no message, and the dialplan does not either."""
    desk = Desk(tmp_path, enabled=False, language="fr")
    desk.call.expect_to_hear(Prompt.MAILBOX_DISABLED)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.MAILBOX_DISABLED, Stage.DONE, "fr") == (
        ending.outcome,
        desk.call.stage,
        desk.call.language,
    )


@pytest.mark.parametrize("whose", ["nobody's", "unnamed", "foreign"])
async def test_an_unknown_mailbox_says_so(desk: Desk, whose: str) -> None:
    """A mailbox that is not there, not named or another tenant's is unknown, in the tenant's language."""
    foreign = desk.voicemail.add_mailbox("8002", tenant_id=uuid4())
    call = desk.dial(mailbox_id=foreign.id if whose == "foreign" else uuid4())
    if whose == "unnamed":
        call._facts = replace(call.facts, mailbox_id=None)
    call.expect_to_hear(Prompt.MAILBOX_UNKNOWN)

    ending = await desk.leave()

    call.assert_over()
    assert (Outcome.MAILBOX_UNKNOWN, Stage.DONE, "de", HangupCause.UNALLOCATED) == (
        ending.outcome,
        call.stage,
        call.language,
        call.hangup_cause,
    )


async def test_without_a_database_the_dialplan_takes_the_call(desk: Desk) -> None:
    """Nothing is said and no stage is set, so that the dialplan greets and records."""
    desk.voicemail.unavailable.add("mailbox")

    ending = await desk.leave()

    assert Outcome.UNAVAILABLE is ending.outcome
    assert (None, False, []) == (desk.call.stage, desk.call.gone, desk.call.heard)


async def test_a_failed_deposit_is_thanked_for_and_left_to_the_scanner(desk: Desk) -> None:
    """A database that fails at the hangup costs nothing: the recording is in the spool, unlocked."""
    desk.voicemail.unavailable.add("deposit")
    desk.greeted()
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    ending = await desk.leave()

    desk.call.assert_over()
    desk.voicemail.unavailable.clear()
    await desk.spool.scan(desk.voicemail)
    assert (Outcome.LEFT_IN_SPOOL, True) == (ending.outcome, ending.error is not None)
    assert [5] == desk.voicemail.durations()


async def test_a_full_disk_at_the_deposit_leaves_it_to_the_scanner(desk: Desk) -> None:
    """A full recording store is no reason to lose what is in the spool."""
    desk.voicemail.full_disk = True
    desk.greeted()
    desk.call.say_for(5)
    desk.call.hang_up()

    ending = await desk.leave()

    desk.voicemail.full_disk = False
    await desk.spool.scan(desk.voicemail)
    assert Outcome.LEFT_IN_SPOOL is ending.outcome
    assert [5] == desk.voicemail.durations()


async def test_a_deposit_that_cannot_be_done_at_all_is_left_in_the_spool(desk: Desk) -> None:
    """Whatever of ours refuses the deposit, the caller is thanked and the take stays for the scanner."""

    def refuse() -> None:
        raise ControlPlaneError("There is no such mailbox any more.")

    desk.points.only = "voicemail.deposit"
    desk.points.at, desk.points.trouble = 0, refuse
    desk.greeted()
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.LEFT_IN_SPOOL, set()) == (ending.outcome, desk.spool.locked)


async def test_a_spool_without_space_is_told_to_the_caller(desk: Desk) -> None:
    """Who cannot be recorded is told so before speaking, not after."""
    desk.spool.full_from = 0
    desk.call.expect_to_hear(Greeting(display_name="Sales"), Prompt.TECHNICAL_PROBLEM)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.SPOOL_UNAVAILABLE, Stage.DONE, HangupCause.FAILURE) == (
        ending.outcome,
        desk.call.stage,
        desk.call.hangup_cause,
    )
    assert isinstance(ending.error, OSError)


async def test_a_switch_that_cannot_write_is_told_to_the_caller(desk: Desk) -> None:
    """A recording that the switch cannot write ends in words, and leaves nothing behind."""

    def fail() -> None:
        raise OSError(28, "No space left on device")

    desk.greeted()
    desk.points.only = "call.record"
    desk.points.at, desk.points.trouble = 0, fail
    desk.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.SPOOL_UNAVAILABLE, []) == (ending.outcome, desk.spool.entries())


async def test_a_mailbox_that_became_stricter_drops_the_message(desk: Desk) -> None:
    """The deposit has the last word on the minimum, and the caller hears it."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.meanwhile(lambda: desk.voicemail.add_mailbox("8001", id=desk.mailbox.id, min_message_seconds=9))
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_DROPPED)

    ending = await desk.leave()

    desk.call.assert_over()
    assert Outcome.TOO_SHORT is ending.outcome


async def test_the_review_menu_sends_by_1(review: Desk) -> None:
    """1 sends."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()
    assert [5] == review.voicemail.durations()


async def test_the_review_menu_can_be_answered_ahead(review: Desk) -> None:
    """A key typed right after # needs no menu."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()


async def test_the_review_menu_plays_the_message_by_2(review: Desk) -> None:
    """2 plays it, and the menu comes again."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("2")
    review.call.expect_to_hear(AudioFile(path=review.take(0)), Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()
    assert [5] == review.voicemail.durations()


async def test_a_key_while_the_message_plays_answers_the_review_menu(review: Desk) -> None:
    """Listening can be cut short by the next choice."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#2")

    review.call.expect_to_hear(AudioFile(path=review.take(0)))
    review.call.listen_for(2)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()


async def test_a_recording_that_vanished_is_said_in_the_review_menu(review: Desk) -> None:
    """Listening to a file that is not there is answered in words, and the menu goes on."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.meanwhile(lambda: review.take(0).unlink())
    review.call.press("2")
    review.call.expect_to_hear(Prompt.RECORDING_UNAVAILABLE, Prompt.REVIEW_MENU)
    review.call.hang_up()

    await review.leave()

    review.call.assert_over()


async def test_no_answer_to_the_review_menu_sends(review: Desk) -> None:
    """Who says nothing for three rounds has sent the message."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(*[Prompt.REVIEW_MENU] * 3, Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()
    assert [5] == review.voicemail.durations()


async def test_a_wrong_key_in_the_review_menu_is_said(review: Desk) -> None:
    """A key without a function is answered, and the menu comes again."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("9")
    review.call.expect_to_hear(Prompt.INVALID_KEY, Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()


async def test_hanging_up_in_the_review_menu_delivers(review: Desk) -> None:
    """The caller need not say that the message is to be sent."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.hang_up()

    ending = await review.leave()

    assert Outcome.DEPOSITED is ending.outcome
    assert [5] == review.voicemail.durations()


async def test_silence_and_length_skip_the_review_menu(review: Desk) -> None:
    """Only who ends by a key is asked; anybody else is probably not there any more."""
    review.greeted()
    review.call.say_for(5)
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()


async def test_recording_again_by_3_replaces_the_message(review: Desk) -> None:
    """After 3 only the new recording is delivered."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    review.call.say_for(8)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    ending = await review.leave()

    review.call.assert_over()
    assert review.ids[1] == ending.recording_id
    assert ([], [8]) == (review.spool.entries(), review.voicemail.durations())


@pytest.mark.parametrize(("presses", "urgent"), [(1, True), (2, False), (3, True)])
async def test_4_marks_the_message_as_urgent_and_takes_it_back(
    review: Desk, presses: int, *, urgent: bool
) -> None:
    """Each press is told, and the last one counts."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    for nth in range(presses):
        review.call.press("4")
        review.call.expect_to_hear(Prompt.NOT_URGENT if nth % 2 else Prompt.MARKED_URGENT, Prompt.REVIEW_MENU)
    review.call.hang_up()

    await review.leave()

    review.call.assert_over()
    assert urgent == review.voicemail.rows[review.ids[0]].heard.urgent


async def test_what_is_recorded_again_is_as_urgent_as_before(review: Desk) -> None:
    """The caller said so of the message, and not of the recording."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.press("4")
    review.call.expect_to_hear(Prompt.MARKED_URGENT, Prompt.REVIEW_MENU)
    review.call.press("3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    review.call.say_for(8)
    review.call.hang_up()

    await review.leave()

    review.call.assert_over()
    assert review.voicemail.rows[review.ids[1]].heard.urgent


async def test_a_mark_that_cannot_be_written_is_delivered_all_the_same(review: Desk) -> None:
    """Only the scanner would not know of it."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.meanwhile(lambda: setattr(review.spool, "read_only", True))
    review.call.press("4")
    review.call.expect_to_hear(Prompt.MARKED_URGENT, Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await review.leave()

    review.call.assert_over()
    assert review.voicemail.rows[review.ids[0]].heard.urgent


async def test_hanging_up_while_recording_again_keeps_the_longer_enough_one(review: Desk) -> None:
    """A new recording of the minimum length replaces the old one, although the caller left."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    review.call.say_for(3)
    review.call.hang_up()

    await review.leave()

    assert ([], [3]) == (review.spool.entries(), review.voicemail.durations())


@pytest.mark.parametrize("at", ["announcement", "tone", "recording"])
async def test_hanging_up_early_while_recording_again_keeps_the_first(review: Desk, at: str) -> None:
    """Who leaves before the new recording is long enough has left the old one."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
    if at != "announcement":
        review.call.expect_to_hear(Tone.BEEP)
    if at == "recording":
        review.call.say_for(1)
    review.call.hang_up()

    await review.leave()

    assert ([], [5]) == (review.spool.entries(), review.voicemail.durations())


async def test_a_short_recording_again_keeps_the_first_and_says_so(review: Desk) -> None:
    """The earlier recording is kept, the caller hears it, and the menu is about it."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    review.call.say_for(1)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.EARLIER_KEPT, Prompt.REVIEW_MENU)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)

    ending = await review.leave()

    review.call.assert_over()
    assert (review.ids[0], review.ids[0]) == (ending.recording_id, review.call.recording_id)
    assert ([], [5]) == (review.spool.entries(), review.voicemail.durations())


async def test_recording_again_without_space_sends_the_first_and_says_both(review: Desk) -> None:
    """A disk that is full now does not cost what was recorded before."""
    review.spool.full_from = 1
    review.greeted()
    review.call.say_for(5)
    review.call.press("#3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Prompt.TECHNICAL_PROBLEM, Prompt.MESSAGE_SENT)

    ending = await review.leave()

    review.call.assert_over()
    assert (Outcome.DEPOSITED, True) == (ending.outcome, isinstance(ending.error, OSError))
    assert [5] == review.voicemail.durations()


async def test_a_take_that_cannot_be_dropped_is_settled_by_the_scanner(review: Desk) -> None:
    """If the replaced recording cannot be removed, neither is delivered twice nor lost."""
    review.greeted()
    review.call.say_for(5)
    review.call.press("#3")
    review.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
    review.call.meanwhile(lambda: setattr(review.spool, "read_only", True))
    review.call.say_for(8)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.MESSAGE_SENT)

    ending = await review.leave()

    review.call.assert_over()
    await review.spool.scan(review.voicemail)
    assert Outcome.LEFT_IN_SPOOL is ending.outcome
    assert [8] == review.voicemail.durations()


async def test_a_short_take_that_cannot_be_dropped_is_no_message(desk: Desk) -> None:
    """The caller hears that nothing was recorded, and the scanner drops what is left."""
    desk.greeted()
    desk.call.say_for(1)
    desk.call.meanwhile(lambda: setattr(desk.spool, "read_only", True))
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.MESSAGE_DROPPED)

    ending = await desk.leave()

    desk.call.assert_over()
    await desk.spool.scan(desk.voicemail)
    assert (Outcome.TOO_SHORT, [], []) == (
        ending.outcome,
        desk.spool.entries(),
        desk.voicemail.durations(),
    )


async def test_a_take_that_cannot_be_measured_is_left_to_the_scanner(desk: Desk) -> None:
    """A disk that cannot be read now does not cost the message."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.meanwhile(lambda: setattr(desk.spool, "unreadable", True))
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.MESSAGE_SENT)

    ending = await desk.leave()

    desk.call.assert_over()
    await desk.spool.scan(desk.voicemail)
    assert (Outcome.LEFT_IN_SPOOL, [5]) == (ending.outcome, desk.voicemail.durations())


async def test_a_lost_link_leaves_the_take_to_dialplan_and_scanner(desk: Desk) -> None:
    """When the link breaks while recording, the take is let go and nothing is deposited here."""
    desk.greeted()
    desk.call.say_for(5)
    desk.call.lose_link()

    ending = await desk.leave()

    assert (Outcome.CALL_LOST, set(), []) == (
        ending.outcome,
        desk.spool.locked,
        desk.voicemail.durations(),
    )


async def test_a_cancelled_flow_lets_go_of_its_take(desk: Desk) -> None:
    """A drain that cancels the flow leaves the take to the scanner."""
    desk.greeted()

    def cancel() -> None:
        raise asyncio.CancelledError

    desk.call.say_for(5)
    desk.call.meanwhile(cancel)

    with pytest.raises(asyncio.CancelledError):
        await desk.leave()

    assert set() == desk.spool.locked


async def test_the_stages_follow_the_call(review: Desk) -> None:
    """Greeting, recording, review, done: each is set before what it stands for."""
    stages: list[Stage | None] = []

    def note() -> None:
        stages.append(review.call.stage)

    review.call.meanwhile(note)
    review.call.expect_to_hear(Greeting(display_name="Sales"))
    review.call.meanwhile(note)
    review.call.expect_to_hear(Tone.BEEP)
    review.call.say_for(5)
    review.call.meanwhile(note)
    review.call.press("#")
    review.call.expect_to_hear(Prompt.REVIEW_MENU)
    review.call.meanwhile(note)
    review.call.press("1")
    review.call.expect_to_hear(Prompt.MESSAGE_SENT)
    review.call.meanwhile(note)

    await review.leave()

    assert [Stage.GREETING, Stage.GREETING, Stage.RECORDING, Stage.REVIEW, Stage.DONE] == stages
