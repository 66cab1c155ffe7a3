"""Whatever anybody presses: the flows end in order, and touch only what the person was hearing."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from uuid import UUID

from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import FromNumber, Prompt
from controlplane.domain.colleague import Colleague
from controlplane.domain.message import MessageState
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fake_desk import Desk

KEYS = st.lists(st.sampled_from(["", "", *"0123456789*#"]), max_size=60)
OPENINGS = {
    Prompt.FIRST_MESSAGE,
    Prompt.NEXT_MESSAGE,
    Prompt.PREVIOUS_MESSAGE,
    Prompt.NO_EARLIER_MESSAGE,
    Prompt.SAVED_MESSAGES,
}
CALLERS = ("201", "202", "203")


class Watched(Desk):
    """A mailbox with messages of different callers, beside one that nobody calls."""

    def __init__(self, folder: Path, *, review: bool = False) -> None:
        super().__init__(folder, pin_required=False, review=review)
        self.callers = {
            self.voicemail.add_message(
                self.mailbox, caller, state=MessageState.SAVED if caller == "203" else MessageState.NEW
            ): caller
            for caller in CALLERS
        }
        self.stranger = self.voicemail.add_message(self.voicemail.add_mailbox("8002"), "999")
        self.deaf: list[str] = []
        """Changes of messages other than the one announced last."""
        move = self.voicemail._move

        def watch(message_id: UUID, to: MessageState, by: Colleague) -> None:
            announced = self.announced()
            if announced is not None and self.callers.get(message_id) != announced:
                self.deaf.append(f"{message_id} to {to} while hearing {announced}")
            move(message_id, to, by)

        self.voicemail._move = watch  # type: ignore[method-assign]  # it watches, and does the same

    def announced(self) -> str | None:
        """Return the caller who was announced last; None if that was cut short."""
        for heard in reversed(self.call.heard):
            if isinstance(heard, FromNumber):
                return heard.number
            if heard in OPENINGS:
                return None
        return None


def run_check(keys: list[str]) -> tuple[Watched, Ending]:
    """Check the mailbox with these keys."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Watched(Path(folder))
        desk.dial(entry=Entry.CHECK)
        desk.call.mash(keys)
        return desk, asyncio.run(desk.check())


@settings(max_examples=150, deadline=None)
@given(keys=KEYS)
def test_checking_ends_in_order_with_any_keys(keys: list[str]) -> None:
    """The listener leaves or is said goodbye to; no key breaks the flow."""
    _, ending = run_check(keys)

    assert ending.outcome in {Outcome.FINISHED, Outcome.HUNG_UP}


@settings(max_examples=150, deadline=None)
@given(keys=KEYS)
def test_no_keys_change_a_message_that_is_not_heard(keys: list[str]) -> None:
    """Only the message announced last is kept, deleted or restored."""
    desk, _ = run_check(keys)

    assert [] == desk.deaf


@settings(max_examples=50, deadline=None)
@given(keys=KEYS)
def test_no_keys_reach_another_mailbox(keys: list[str]) -> None:
    """The messages of other mailboxes are out of reach."""
    desk, _ = run_check(keys)

    assert MessageState.NEW is desk.voicemail.state_of(desk.stranger)


@settings(max_examples=50, deadline=None)
@given(keys=st.lists(st.sampled_from(["", "", *"01345689*#"]), max_size=60))
def test_without_2_and_7_nothing_is_deleted(keys: list[str]) -> None:
    """Whatever else is pressed, a message is at most heard to its end."""
    desk, _ = run_check(keys)

    assert MessageState.DELETED not in {desk.voicemail.state_of(one) for one in desk.callers}


@settings(max_examples=100, deadline=None)
@given(keys=KEYS)
def test_leaving_delivers_one_message_with_any_keys(keys: list[str]) -> None:
    """Who got to speak has left exactly one message, whatever was pressed in the menus."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), review=True)
        desk.call.mash(keys)
        ending = asyncio.run(desk.leave())
        expected = 1 if desk.call.recorded else 0

        assert (expected, []) == (len(desk.voicemail.durations()), desk.spool.entries())
        assert ending.outcome is (Outcome.DEPOSITED if expected else Outcome.HUNG_UP)
