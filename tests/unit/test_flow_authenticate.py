"""Who is let into a mailbox, as the listener meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.callflows.call import Entry, HangupCause
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import Prompt
from controlplane.callflows.voicemail import PinSource
from tests.support.fake_call import FakeCall
from tests.support.fake_desk import Desk
from tests.support.fake_voicemail import TENANT

EMPTY = (Prompt.NO_MESSAGES, Prompt.MAIN_MENU)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return an empty mailbox with the PIN 4071 in French, called by extension 101."""
    desk = Desk(tmp_path, language="fr")
    desk.dial(entry=Entry.CHECK)
    return desk


def let_in(call: FakeCall) -> None:
    """Script: the listener is in, hears of the empty mailbox, and leaves."""
    call.expect_to_hear(*EMPTY)
    call.press("#")
    call.expect_to_hear(Prompt.GOODBYE)


async def test_the_right_pin_opens(desk: Desk) -> None:
    """Who enters the PIN is let in."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("4071#")
    let_in(desk.call)

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.FINISHED, "8001") == (ending.outcome, ending.mailbox_number)
    assert [("logged in", "8001", "", "extension 101")] == desk.voicemail.noted


async def test_the_pin_needs_no_pound_key(desk: Desk) -> None:
    """A pause ends the PIN too."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("4071")
    let_in(desk.call)

    await desk.check()

    desk.call.assert_over()


async def test_the_source_is_the_authenticated_extension(desk: Desk) -> None:
    """Tries are counted for the extension as the switch knows it, not for the caller's number."""
    desk.let_in()
    let_in(desk.call)

    await desk.check()

    assert [(desk.mailbox.id, PinSource(tenant_id=TENANT, extension="101"))] == desk.voicemail.tries


async def test_a_wrong_pin_may_be_corrected(desk: Desk) -> None:
    """After a wrong PIN it is asked for again."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("1111#")
    desk.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    desk.call.press("4071#")
    let_in(desk.call)

    await desk.check()

    desk.call.assert_over()


async def test_three_wrong_pins_end_the_call(desk: Desk) -> None:
    """Three tries, then goodbye."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("1111#")
    desk.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    desk.call.press("2222#")
    desk.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    desk.call.press("3333#")
    desk.call.expect_to_hear(Prompt.TOO_MANY_TRIES)

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.TOO_MANY_TRIES, 3, True) == (ending.outcome, len(desk.voicemail.tries), desk.call.gone)
    assert [("refused", "8001", "", "extension 101")] * 3 == desk.voicemail.noted


async def test_digits_typed_ahead_are_no_second_guess(desk: Desk) -> None:
    """One question reads one PIN; what was typed behind it is dropped, even if it is right."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("1111#4071#")
    desk.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    desk.call.hang_up()

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.HUNG_UP, 1) == (ending.outcome, len(desk.voicemail.tries))


async def test_no_digits_are_no_guess(desk: Desk) -> None:
    """Entering nothing costs no try, is asked for three times, and ends the call."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.ENTER_PIN, Prompt.ENTER_PIN, Prompt.GOODBYE)

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.NO_PIN, [], True) == (ending.outcome, desk.voicemail.tries, desk.call.gone)


async def test_a_pin_has_at_most_32_digits(desk: Desk) -> None:
    """The 32nd digit ends the PIN."""
    desk.voicemail.add_mailbox("8001", id=desk.mailbox.id, pin="12" * 16)
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("12" * 16)
    let_in(desk.call)

    await desk.check()

    desk.call.assert_over()


async def test_the_own_mailbox_is_opened_without_its_number(desk: Desk) -> None:
    """`*57` asks for the PIN of the mailbox that the extension owns, whatever was dialled behind it."""
    desk.voicemail.owned["101"] = desk.mailbox.id
    desk.dial("8999", entry=Entry.CHECK_OWN)
    desk.let_in()
    let_in(desk.call)

    await desk.check()

    desk.call.assert_over()
    assert [(desk.mailbox.id, PinSource(tenant_id=TENANT, extension="101"))] == desk.voicemail.tries


async def test_without_a_mailbox_of_its_own_an_extension_is_told(desk: Desk) -> None:
    """`*57` of an extension that owns no mailbox says so, asks for nothing, and ends."""
    desk.dial("8001", entry=Entry.CHECK_OWN)
    desk.call.expect_to_hear(Prompt.NO_OWN_MAILBOX)

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.NO_OWN_MAILBOX, [], True) == (ending.outcome, desk.voicemail.tries, desk.call.gone)


async def test_an_own_mailbox_is_for_extensions(desk: Desk) -> None:
    """A caller from outside is refused, should the dialplan ever send one."""
    desk.dial(extension=None, entry=Entry.CHECK_OWN)
    desk.call.expect_to_hear(Prompt.FEATURE_UNKNOWN)

    ending = await desk.check()

    assert Outcome.OUTSIDE_REFUSED == ending.outcome


async def test_without_pin_required_nothing_is_asked(tmp_path: Path) -> None:
    """A mailbox that asks for no PIN is open to every extension."""
    desk = Desk(tmp_path, pin_required=False)
    desk.dial(entry=Entry.CHECK)
    let_in(desk.call)

    await desk.check()

    desk.call.assert_over()
    assert [] == desk.voicemail.tries


async def test_the_mailbox_decides_the_language(desk: Desk) -> None:
    """As soon as the mailbox is known its language is spoken."""
    languages: list[str | None] = []
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.meanwhile(lambda: languages.append(desk.call.language))
    desk.call.hang_up()

    await desk.check()

    assert ["fr"] == languages


async def test_an_unknown_mailbox_is_asked_for_its_pin(desk: Desk) -> None:
    """A mailbox that does not exist hears the same words, tries included, in the tenant's language."""
    call = desk.dial("8999", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("4071#")
    call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    call.press("4072#")
    call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    call.press("4073#")
    call.expect_to_hear(Prompt.TOO_MANY_TRIES)

    ending = await desk.check()

    call.assert_over()
    assert (Outcome.TOO_MANY_TRIES, "de") == (ending.outcome, call.language)
    assert [None] * 3 == [mailbox_id for mailbox_id, _ in desk.voicemail.tries]


async def test_another_tenants_mailbox_is_unknown(desk: Desk) -> None:
    """A number of another tenant leads nowhere, even with its PIN."""
    other = PinSource(tenant_id=TENANT, extension="101").tenant_id.int + 1
    desk.voicemail.add_mailbox("9001", tenant_id=type(TENANT)(int=other))
    call = desk.dial("9001", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("4071#")
    call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    call.hang_up()

    await desk.check()

    call.assert_over()
    assert [None] == [mailbox_id for mailbox_id, _ in desk.voicemail.tries]


async def test_the_bare_code_asks_for_the_mailbox(desk: Desk) -> None:
    """Without digits behind the code the mailbox is asked for, in the tenant's language."""
    languages: list[str | None] = []
    call = desk.dial("", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_MAILBOX)
    call.meanwhile(lambda: languages.append(call.language))
    call.press("8001#")
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("4071#")
    let_in(call)

    await desk.check()

    call.assert_over()
    assert (["de"], "fr") == (languages, call.language)


async def test_no_mailbox_entered_ends_the_call(desk: Desk) -> None:
    """Who enters no mailbox hears goodbye after three rounds."""
    call = desk.dial("", entry=Entry.CHECK)
    call.expect_to_hear(*[Prompt.ENTER_MAILBOX] * 3, Prompt.GOODBYE)

    ending = await desk.check()

    call.assert_over()
    assert Outcome.MAILBOX_UNKNOWN is ending.outcome


async def test_after_a_wrong_pin_the_mailbox_is_asked_again(desk: Desk) -> None:
    """Where the mailbox was entered by hand, it may have been mistyped."""
    call = desk.dial("", entry=Entry.CHECK)
    call.expect_to_hear(Prompt.ENTER_MAILBOX)
    call.press("8010#")
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("4071#")
    call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_MAILBOX)
    call.press("8001#")
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("4071#")
    let_in(call)

    await desk.check()

    call.assert_over()


async def test_three_tries_hold_over_all_mailboxes_of_a_call(desk: Desk) -> None:
    """Another mailbox does not bring new tries."""
    desk.voicemail.add_mailbox("8002", pin="5082")
    call = desk.dial("", entry=Entry.CHECK)
    for number in ("8001", "8002", "8999"):
        if number != "8001":
            call.expect_to_hear(Prompt.PIN_INCORRECT)
        call.expect_to_hear(Prompt.ENTER_MAILBOX)
        call.press(f"{number}#")
        call.expect_to_hear(Prompt.ENTER_PIN)
        call.press("1111#")
    call.expect_to_hear(Prompt.TOO_MANY_TRIES)

    ending = await desk.check()

    call.assert_over()
    assert (Outcome.TOO_MANY_TRIES, 3) == (ending.outcome, len(desk.voicemail.tries))


async def test_a_caller_from_outside_is_refused(desk: Desk) -> None:
    """Feature codes are for authenticated extensions; no mailbox is looked up for anybody else."""
    call = desk.dial(extension=None, entry=Entry.CHECK)
    call.expect_to_hear(Prompt.FEATURE_UNKNOWN)

    ending = await desk.check()

    call.assert_over()
    assert (Outcome.OUTSIDE_REFUSED, HangupCause.NORMAL) == (ending.outcome, call.hangup_cause)
    assert ["voicemail.language"] == [step for step in desk.points.seen if step.startswith("voicemail.")]
    assert "de" == call.language


@pytest.mark.parametrize("method", ["language", "mailbox_by_number", "try_pin"])
async def test_without_a_database_the_dialplan_says_so(desk: Desk, method: str) -> None:
    """Before the PIN is accepted the call goes back to the dialplan, not hung up, without a stage."""
    desk.voicemail.unavailable.add(method)
    if method == "try_pin":
        desk.let_in()

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.UNAVAILABLE, False, None) == (ending.outcome, desk.call.gone, desk.call.stage)


async def test_a_disabled_mailbox_can_be_checked(tmp_path: Path) -> None:
    """Disabled means that nobody leaves messages; those that are there stay the team's."""
    desk = Desk(tmp_path, enabled=False)
    desk.dial(entry=Entry.CHECK)
    desk.let_in()
    let_in(desk.call)

    ending = await desk.check()

    assert Outcome.FINISHED is ending.outcome


async def test_no_verb_sends_the_pin_anywhere(desk: Desk) -> None:
    """The ending of a call that was refused holds no digit that was typed."""
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("918273#")
    desk.call.hang_up()

    ending = await desk.check()

    assert "918273" not in repr(ending)
