"""What a caller may do during the greeting but to listen: go to the operator, or log in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.call import HangupCause, Onward, Stage
from controlplane.callflows.ending import Outcome
from controlplane.callflows.prompts import Greeting, MessageCounts, Prompt, Tone
from controlplane.callflows.voicemail import PinSource
from controlplane.domain.message import MessageState, ReachedReason
from controlplane.domain.rights import ALL_RIGHTS, Admission
from tests.support.fake_desk import Desk
from tests.support.fake_voicemail import TENANT

GREETING = Greeting(display_name="Sales")


def caller(folder: Path, extension: str | None = None, **mailbox: Any) -> Desk:
    """Return a caller who hears the greeting, by default one from outside."""
    desk = Desk(folder, min_message_seconds=2, **mailbox)
    desk.dial(extension=extension)
    desk.call.expect_to_hear(GREETING)
    return desk


async def test_0_leads_to_the_operator(tmp_path: Path) -> None:
    """The dialplan sends the call on, and the way says by which key; nothing is recorded."""
    desk = caller(tmp_path, operator_number="6100")
    desk.call.press("0")

    ending = await desk.leave()

    desk.call.assert_over()
    assert Onward(number="6100", reason=ReachedReason.EXIT_KEY, key="0") == desk.call.routed
    assert (Outcome.ROUTED, "8001", []) == (ending.outcome, ending.mailbox_number, desk.spool.entries())


async def test_0_leads_to_the_operator_after_a_short_message_too(tmp_path: Path) -> None:
    """While the caller is asked to speak again; the short message is dropped."""
    desk = caller(tmp_path, operator_number="6100")
    desk.call.expect_to_hear(Tone.BEEP)
    desk.call.say_for(1)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT)
    desk.call.press("0")

    await desk.leave()

    desk.call.assert_over()
    assert desk.call.routed is not None
    assert ([], []) == (desk.spool.entries(), desk.voicemail.durations())


@pytest.mark.parametrize("key", ["0", "*"])
async def test_a_key_that_the_mailbox_does_not_have_does_nothing(tmp_path: Path, key: str) -> None:
    """Without an operator, and where nobody may log in, the greeting goes on."""
    desk = caller(tmp_path)
    desk.call.press(key)
    desk.call.expect_to_hear(Tone.BEEP)
    desk.call.say_for(5)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)

    await desk.leave()

    desk.call.assert_over()
    assert ([5], []) == (desk.voicemail.durations(), desk.voicemail.tries)


async def test_star_lets_a_caller_from_outside_log_in(tmp_path: Path) -> None:
    """After the PIN, for which all callers from outside are one source; the dialplan must not record then."""
    desk = caller(tmp_path, log_in_from_greeting=True)
    message = desk.voicemail.add_message(desk.mailbox, "201", seconds=12)
    opened = []
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.meanwhile(lambda: opened.append(desk.call.stage))
    desk.call.press("4071#")
    desk.call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
    desk.call.press("7")
    desk.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    desk.call.hang_up()

    ending = await desk.leave()

    desk.call.assert_over()
    assert [(desk.mailbox.id, PinSource(tenant_id=TENANT, extension=None))] == desk.voicemail.tries
    assert [Stage.DONE] == opened
    assert (Outcome.HUNG_UP, "8001") == (ending.outcome, ending.mailbox_number)
    assert MessageState.DELETED is desk.voicemail.state_of(message)
    assert ["caller 102"] == [change.by for change in desk.voicemail.changes]


async def test_star_asks_from_outside_for_a_pin_that_nobody_asks_for_inside(tmp_path: Path) -> None:
    """A mailbox without `pin_required` is not open to the world."""
    desk = caller(tmp_path, log_in_from_greeting=True, pin_required=False)
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.hang_up()

    await desk.leave()

    desk.call.assert_over()


async def test_wrong_pins_end_the_call(tmp_path: Path) -> None:
    """Three tries a call, as everywhere; nothing is recorded afterwards."""
    desk = caller(tmp_path, log_in_from_greeting=True)
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("9999#")
    for _ in range(2):
        desk.call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
        desk.call.press("9999#")
    desk.call.expect_to_hear(Prompt.TOO_MANY_TRIES)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.TOO_MANY_TRIES, Stage.DONE) == (ending.outcome, desk.call.stage)
    assert [] == desk.spool.entries()


async def test_a_mailbox_with_members_lets_nobody_in_from_outside(tmp_path: Path) -> None:
    """People are known by their extensions: who calls from elsewhere is told so before the PIN."""
    desk = caller(tmp_path, log_in_from_greeting=True)
    desk.voicemail.members[desk.mailbox.id] = {"101": Admission(rights=ALL_RIGHTS)}
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.NO_MEMBER, []) == (ending.outcome, desk.voicemail.tries)


async def test_an_extension_logs_in_as_by_its_code(tmp_path: Path) -> None:
    """It is the source of its tries, and its name is noted."""
    desk = caller(tmp_path, "101", log_in_from_greeting=True)
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.ENTER_PIN)
    desk.call.press("4071#")
    desk.call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU, Prompt.GOODBYE)

    ending = await desk.leave()

    desk.call.assert_over()
    assert Outcome.FINISHED is ending.outcome
    assert [(desk.mailbox.id, PinSource(tenant_id=TENANT, extension="101"))] == desk.voicemail.tries


async def test_a_database_that_fails_at_the_log_in_is_said(tmp_path: Path) -> None:
    """The dialplan, which must not record, would say nothing."""
    desk = caller(tmp_path, log_in_from_greeting=True)
    desk.voicemail.unavailable.add("admission")
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE)

    ending = await desk.leave()

    desk.call.assert_over()
    assert (Outcome.BROKEN_OFF, HangupCause.FAILURE) == (ending.outcome, desk.call.hangup_cause)
