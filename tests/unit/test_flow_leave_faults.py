"""Leaving a message while something dies, at each step in turn: there once, or not promised.

The fakes stand for the dialplan (it goes on by stage and take) and for the scanner (it takes over
what is not locked); recordings of 5 and 8 s are the flow's, one of 7 s is the dialplan's.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import AudioFile, Prompt, Tone
from tests.support.fake_desk import Desk
from tests.support.fault_points import FaultPoints, Killed

PLAIN, SHORT_FIRST, REVIEWED, AGAIN, AGAIN_TOO_SHORT, URGENT = CALLS = (
    "a message ended by a key",
    "a short one, then a long one",
    "listened to in the review menu and sent",
    "recorded again",
    "recorded again, too short",
    "marked as urgent",
)


def script(desk: Desk, call: str) -> None:
    """Write down one of the calls."""
    desk.greeted()
    if call == SHORT_FIRST:
        desk.call.say_for(1)
        desk.call.press("#")
        desk.call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT, Tone.BEEP)
    desk.call.say_for(5)
    desk.call.press("#")
    if call in (REVIEWED, AGAIN, AGAIN_TOO_SHORT, URGENT):
        desk.call.expect_to_hear(Prompt.REVIEW_MENU)
    if call == REVIEWED:
        desk.call.press("2")
        desk.call.expect_to_hear(AudioFile(path=desk.take(0)), Prompt.REVIEW_MENU)
    if call == URGENT:
        desk.call.press("4")
        desk.call.expect_to_hear(Prompt.MARKED_URGENT, Prompt.REVIEW_MENU)
    if call in (AGAIN, AGAIN_TOO_SHORT):
        desk.call.press("3")
        desk.call.expect_to_hear(Prompt.RECORD_AFTER_TONE, Tone.BEEP)
        desk.call.say_for(8 if call == AGAIN else 1)
        desk.call.press("#")
        if call == AGAIN_TOO_SHORT:
            desk.call.expect_to_hear(Prompt.EARLIER_KEPT)
        desk.call.expect_to_hear(Prompt.REVIEW_MENU)
    if call not in (PLAIN, SHORT_FIRST):
        desk.call.press("1")
    desk.call.expect_to_hear(Prompt.MESSAGE_SENT)


async def at_each_step(
    folder: Path, call: str, trouble: Callable[[Desk], None], *, only: str = ""
) -> AsyncIterator[tuple[Desk, Ending | None]]:
    """Run a call again and again, with the trouble at its first step, its second, until there is none.

    Yields what is left of each; the ending is None where the process was killed.
    """
    for at in itertools.count():
        points = FaultPoints(at=at, only=only)
        review = call not in (PLAIN, SHORT_FIRST)
        desk = Desk(folder / str(at), points=points, min_message_seconds=2, review=review)
        points.trouble = partial(trouble, desk)
        script(desk, call)
        ending = None
        try:
            ending = await desk.leave()
        except Killed:
            # The kernel lets go of the locks of a process that is gone.
            desk.spool.locked.clear()
        except asyncio.CancelledError:
            pass  # The flow has let go of its locks itself, or the test says that it has not.
        if len(points.seen) <= at:
            return
        points.at, points.killed = None, False
        yield desk, ending


def recorded(desk: Desk) -> list[int]:
    """Return what is to be delivered: the last recording of the minimum length, if there is one."""
    return [round(seconds) for seconds in desk.call.recorded if seconds >= 2][-1:]


@pytest.mark.parametrize("call", CALLS)
async def test_a_hangup_at_any_step_delivers_what_was_long_enough(tmp_path: Path, call: str) -> None:
    """Whenever the caller leaves, what was said for long enough is there once, at once, and nothing else."""
    expected, found = [], []
    async for desk, _ in at_each_step(tmp_path, call, lambda desk: desk.call.leave_now(), only="call."):
        expected.append((recorded(desk), []))
        found.append((desk.voicemail.durations(), desk.spool.entries()))

    assert expected == found


@pytest.mark.parametrize("call", CALLS)
async def test_a_lost_link_at_any_step_loses_and_doubles_nothing(tmp_path: Path, call: str) -> None:
    """Flow, dialplan and scanner together deliver one message, of whoever recorded it last."""
    expected, found = [], []
    async for desk, _ in at_each_step(tmp_path, call, lambda desk: desk.call.lose_now(), only="call."):
        asked = desk.spool.dialplan_goes_on(desk.call, say_for=7)
        await desk.spool.scan(desk.voicemail)
        expected.append([7] if asked else recorded(desk))
        found.append(desk.voicemail.durations())

    assert expected == found


@pytest.mark.parametrize("call", CALLS)
async def test_a_lost_link_at_any_step_lets_go_of_every_take(tmp_path: Path, call: str) -> None:
    """Whatever a lost link interrupts, no lock is left that would keep the scanner away."""
    found = [
        (ending is not None, desk.spool.locked)
        async for desk, ending in at_each_step(
            tmp_path, call, lambda desk: desk.call.lose_now(), only="call."
        )
    ]

    assert [(True, set())] * len(found) == found


@pytest.mark.parametrize("call", CALLS)
async def test_a_kill_at_any_step_loses_and_doubles_nothing(tmp_path: Path, call: str) -> None:
    """`kill -9` between any two steps: dialplan and scanner deliver one message."""
    expected, found = [], []
    async for desk, _ in at_each_step(tmp_path, call, lambda desk: desk.points.kill()):
        asked = desk.spool.dialplan_goes_on(desk.call, say_for=7)
        await desk.spool.scan(desk.voicemail)
        expected.append(([7] if asked else recorded(desk), []))
        found.append((desk.voicemail.durations(), desk.spool.entries()))

    assert expected == found


async def test_what_a_caller_was_told_is_urgent_is_urgent(tmp_path: Path) -> None:
    """A kill after the words that the message is marked: the scanner delivers it as marked."""
    told, found = [], []
    async for desk, _ in at_each_step(tmp_path, URGENT, lambda desk: desk.points.kill()):
        desk.spool.dialplan_goes_on(desk.call, say_for=7)
        await desk.spool.scan(desk.voicemail)
        told.append(Prompt.MARKED_URGENT in desk.call.heard)
        found.append(any(row.heard.urgent for row in desk.voicemail.rows.values()))

    assert True in told
    assert [] == [at for at, (said, is_so) in enumerate(zip(told, found, strict=True)) if said and not is_so]


async def test_a_kill_is_tried_at_every_kind_of_step(tmp_path: Path) -> None:
    """The loop over the steps reaches all three ports, so that the tests above test something."""
    desk = Desk(tmp_path, min_message_seconds=2, review=True)
    script(desk, AGAIN)
    await desk.leave()

    assert {
        "voicemail.mailbox",
        "voicemail.deposit",
        "spool.begin",
        "spool.discard",
        "spool.release",
        "call.answer",
        "call.play",
        "call.read_digits",
        "call.set_stage",
        "call.set_recording",
        "call.beep",
        "call.record",
        "call.record's end",
        "call.hangup",
    } == set(desk.points.seen)


@pytest.mark.parametrize("call", CALLS)
async def test_a_cancellation_at_any_step_leaves_all_to_the_scanner(tmp_path: Path, call: str) -> None:
    """A drain that cancels the flow anywhere is like a kill, with the locks let go by us."""

    def cancel(_: Desk) -> None:
        raise asyncio.CancelledError

    expected, found = [], []
    async for desk, _ in at_each_step(tmp_path, call, cancel, only="call."):
        asked = desk.spool.dialplan_goes_on(desk.call, say_for=7)
        await desk.spool.scan(desk.voicemail)
        expected.append(([7] if asked else recorded(desk), set()))
        found.append((desk.voicemail.durations(), desk.spool.locked))

    assert expected == found


@pytest.mark.parametrize("call", CALLS)
async def test_a_deposit_that_fails_is_made_up_for_by_the_scanner(tmp_path: Path, call: str) -> None:
    """The caller is thanked, the take is unlocked, and the scanner delivers it once."""
    desk = Desk(tmp_path, min_message_seconds=2, review=call not in (PLAIN, SHORT_FIRST))
    desk.voicemail.unavailable.add("deposit")
    script(desk, call)
    ending = await desk.leave()
    desk.call.assert_over()
    desk.voicemail.unavailable.clear()
    await desk.spool.scan(desk.voicemail)

    assert (Outcome.LEFT_IN_SPOOL, recorded(desk)) == (ending.outcome, desk.voicemail.durations())
