"""Checking messages while something fails, at each step in turn."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import FromNumber, MessageCounts, Prompt
from controlplane.domain.errors import Unavailable
from controlplane.domain.message import MessageState
from tests.support.fake_desk import Desk
from tests.support.fault_points import FaultPoints

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED


def script(desk: Desk) -> tuple[UUID, UUID]:
    """Let the listener in, who deletes one message, keeps another one, undoes, and leaves by the menu."""
    first = desk.voicemail.add_message(desk.mailbox, "201")
    second = desk.voicemail.add_message(desk.mailbox, "202")
    desk.dial(entry=Entry.CHECK)
    desk.let_in()
    desk.call.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE, FromNumber(number="201"))
    desk.call.expect_to_hear(desk.sound(first))
    desk.call.press("7")
    desk.call.expect_to_hear(Prompt.MESSAGE_DELETED)
    desk.call.press("6")
    desk.call.expect_to_hear(Prompt.NEXT_MESSAGE, FromNumber(number="202"), desk.sound(second))
    desk.call.press("4")
    desk.call.expect_to_hear(Prompt.PREVIOUS_MESSAGE, FromNumber(number="201"), Prompt.MESSAGE_DELETED)
    desk.call.press("7")
    desk.call.expect_to_hear(Prompt.MESSAGE_RESTORED, Prompt.MESSAGE_MENU)
    desk.call.press("2")
    desk.call.expect_to_hear(Prompt.MESSAGE_SAVED)
    desk.call.expect_to_hear(Prompt.NEXT_MESSAGE, FromNumber(number="202"), desk.sound(second))
    desk.call.press("*")
    desk.call.expect_to_hear(Prompt.MAIN_MENU)
    desk.call.press("#")
    desk.call.expect_to_hear(Prompt.GOODBYE)
    return first, second


async def at_each_step(
    folder: Path, trouble: Callable[[Desk], None], *, only: str
) -> AsyncIterator[tuple[Desk, Ending, tuple[MessageState | None, MessageState | None]]]:
    """Run the call with the trouble at its first step, its second, until there is none."""
    for at in itertools.count():
        points = FaultPoints(at=at, only=only)
        desk = Desk(folder / str(at), points=points)
        points.trouble = partial(trouble, desk)
        first, second = script(desk)
        ending = await desk.check()
        if len(points.seen) <= at:
            return
        yield desk, ending, (desk.voicemail.state_of(first), desk.voicemail.state_of(second))


async def test_the_whole_call_ends_well(tmp_path: Path) -> None:
    """Without trouble the script is played to its end."""
    desk = Desk(tmp_path)
    first, second = script(desk)

    ending = await desk.check()

    desk.call.assert_over()
    assert (Outcome.FINISHED, SAVED, NEW) == (
        ending.outcome,
        desk.voicemail.state_of(first),
        desk.voicemail.state_of(second),
    )


async def test_a_hangup_at_any_step_is_an_ordinary_end(tmp_path: Path) -> None:
    """Whenever the listener leaves, nothing is raised; hanging up ourselves comes too late for it."""
    outcomes = {
        ending.outcome
        async for _, ending, _ in at_each_step(tmp_path, lambda desk: desk.call.leave_now(), only="call.")
    }

    assert {Outcome.HUNG_UP, Outcome.FINISHED} == outcomes


async def test_a_hangup_changes_no_state(tmp_path: Path) -> None:
    """Each message has one of the states that keys gave it; the message in progress keeps its own."""
    states = {
        found
        async for _, _, found in at_each_step(tmp_path, lambda desk: desk.call.leave_now(), only="call.")
    }

    assert {(NEW, NEW), (DELETED, NEW), (SAVED, NEW)} == states


async def test_a_lost_link_at_any_step_leaves_the_call_to_the_dialplan(tmp_path: Path) -> None:
    """The flow ends without a stage, and without raising."""
    found = {
        (ending.outcome, desk.call.stage)
        async for desk, ending, _ in at_each_step(tmp_path, lambda desk: desk.call.lose_now(), only="call.")
    }

    assert {(Outcome.CALL_LOST, None)} == found


async def test_a_database_that_fails_at_any_step_is_said_by_us_or_the_dialplan(tmp_path: Path) -> None:
    """Until the PIN was accepted the dialplan speaks, afterwards we do; nobody is left in silence."""

    def fail(desk: Desk) -> None:
        desk.call.expect_instead(Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE)
        raise Unavailable("The database does not answer.")

    found = [
        (ending.outcome, desk.call.gone, Prompt.TECHNICAL_PROBLEM in desk.call.heard)
        async for desk, ending, _ in at_each_step(tmp_path, fail, only="voicemail.")
    ]

    assert [(Outcome.UNAVAILABLE, False, False)] * 4 == found[:4]
    assert {(Outcome.BROKEN_OFF, True, True)} == set(found[4:])
