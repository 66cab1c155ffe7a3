"""A virtual receptionist, as callers meet it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from controlplane.callflows.call import CallFacts, Entry, HangupCause, Onward
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import AudioFile, Prompt, Utterance
from controlplane.callflows.receptionist import receive_caller
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.routing.limits import MOST_GREETINGS
from tests.support.fake_call import FakeCall
from tests.support.fake_receptionists import RECEPTIONIST, FakeReceptionists
from tests.support.fake_voicemail import TENANT

STARTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class Front:
    """A receptionist, and one call to it."""

    def __init__(self) -> None:
        self.receptionists = FakeReceptionists()
        self.now = STARTED
        self.call = self.dial()

    def dial(self, *, receptionist: UUID = RECEPTIONIST, tenant: UUID = TENANT) -> FakeCall:
        """Begin another call."""
        self.call = FakeCall(
            CallFacts(
                call_id="call-1",
                entry=Entry.RECEPTIONIST,
                tenant_id=tenant,
                mailbox_id=None,
                dialled="",
                extension=None,
                caller=Caller.of("4930123", "Grace"),
                reached_by=ReachedBy(),
                receptionist_id=receptionist,
            )
        )
        return self.call

    def greeted(self, *sorry: Utterance) -> None:
        """Script: the caller hears the greeting."""
        assert self.receptionists.reception_now is not None
        greeting = self.receptionists.reception_now.greeting
        assert greeting is not None
        self.call.expect_to_hear(*sorry, AudioFile(path=greeting))

    def later(self, seconds: float) -> None:
        """Let the clock go on."""
        self.now += timedelta(seconds=seconds)

    async def receive(self) -> Ending:
        """Run the flow to its end; the whole script was heard."""
        ending = await receive_caller(self.call, receptionists=self.receptionists, clock=lambda: self.now)
        self.call.assert_over()
        return ending


@pytest.fixture
def front() -> Front:
    """Return a receptionist with the keys 1 and 5."""
    return Front()


def chosen(number: str, key: str = "", **more: Any) -> Onward:
    """Return what the dialplan is told of a choice."""
    return Onward(number=number, reason=ReachedReason.DIRECT, key=key, **{"failed": "repeat", **more})


async def test_a_key_leads_where_its_rule_says(front: Front) -> None:
    """The greeting is cut short by 5, and the dialplan sends the call on; it hears the key and the time."""
    front.greeted()
    front.call.meanwhile(lambda: front.later(12.6))
    front.call.press("5")

    ending = await front.receive()

    assert (Outcome.ROUTED, chosen("8001", "5", seconds=12)) == (ending.outcome, front.call.routed)
    assert (True, "en") == (front.call.answered, front.call.language)


async def test_a_key_that_begins_nothing_longer_waits_for_nothing(front: Front) -> None:
    """One key, one wait: the caller is sent on at once."""
    front.greeted()
    front.call.press("1")

    await front.receive()

    assert [(30, 30)] == front.call.waits


async def test_a_key_that_begins_another_rule_waits_for_the_gap(front: Front) -> None:
    """With rules 1 and 12, 1 alone is 1 after the gap."""
    front.receptionists.change(keys={"1": "6100", "12": "6200"})
    front.greeted()
    front.call.press("1")

    await front.receive()

    assert ([(30, 30), (2, 2)], chosen("6100", "1")) == (front.call.waits, front.call.routed)


async def test_the_longest_rule_wins(front: Front) -> None:
    """With rules 1 and 12, pressing 12 is 12."""
    front.receptionists.change(keys={"1": "6100", "12": "6200"})
    front.greeted()
    front.call.press("12")

    await front.receive()

    assert chosen("6200", "12") == front.call.routed


@pytest.mark.parametrize("keys", ["*", "#", "#1*"])
async def test_star_and_pound_are_keys_like_others(front: Front, keys: str) -> None:
    """A rule may have them."""
    front.receptionists.change(keys={keys: "6100"})
    front.greeted()
    front.call.press(keys)

    await front.receive()

    assert chosen("6100", keys) == front.call.routed


async def test_a_key_without_a_rule_is_said_and_asked_again(front: Front) -> None:
    """Words of their own, then the greeting; nothing goes to the switch."""
    front.greeted()
    front.call.press("9")
    front.greeted(Prompt.INVALID_CHOICE)
    front.call.press("5")

    await front.receive()

    assert chosen("8001", "5") == front.call.routed


async def test_keys_that_become_no_rule_are_no_choice(front: Front) -> None:
    """With rules 1 and 123, neither 12 and a pause nor 124 is one."""
    front.receptionists.change(keys={"1": "6100", "123": "6200"})
    front.greeted()
    front.call.press("12")
    front.greeted(Prompt.INVALID_CHOICE)
    front.call.press("124")
    front.greeted(Prompt.INVALID_CHOICE)
    front.call.press("123")

    await front.receive()

    assert chosen("6200", "123") == front.call.routed


async def test_a_known_extension_is_dialled(front: Front) -> None:
    """Its number leads to it, and is no key of the way."""
    front.receptionists.extensions = {"201", "202"}
    front.greeted()
    front.call.press("202")

    await front.receive()

    assert chosen("202") == front.call.routed


async def test_a_key_that_begins_an_extension_waits_for_the_gap(front: Front) -> None:
    """5 is a rule and the beginning of 501: after the gap it is the rule, else the extension."""
    front.receptionists.extensions = {"501"}
    front.greeted()
    front.call.press("5")
    await front.receive()
    assert chosen("8001", "5") == front.call.routed

    front.dial()
    front.greeted()
    front.call.press("501")
    await front.receive()

    assert chosen("501") == front.call.routed


async def test_a_pound_ends_the_number_of_an_extension(front: Front) -> None:
    """201# is 201 at once, even where 2011 exists."""
    front.receptionists.extensions = {"201", "2011"}
    front.greeted()
    front.call.press("201#")

    await front.receive()

    assert chosen("201") == front.call.routed


async def test_a_rule_comes_before_an_extension(front: Front) -> None:
    """Keys that are both are the rule's."""
    front.receptionists.change(keys={"201": "6100"})
    front.receptionists.extensions = {"201"}
    front.greeted()
    front.call.press("201")

    await front.receive()

    assert chosen("6100", "201") == front.call.routed


async def test_an_unknown_extension_is_no_choice(front: Front) -> None:
    """Digits that no extension has never reach the switch."""
    front.receptionists.extensions = {"201"}
    front.greeted()
    front.call.press("209")
    front.greeted(Prompt.INVALID_CHOICE)
    front.call.hang_up()

    ending = await front.receive()

    assert (Outcome.HUNG_UP, None) == (ending.outcome, front.call.routed)


async def test_extensions_may_be_closed_to_callers(front: Front) -> None:
    """Without `dial_extensions` the number of one is no choice, and is not looked up."""
    front.receptionists.change(dial_extensions=False)
    front.receptionists.extensions = {"201"}
    front.greeted()
    front.call.press("2")
    front.greeted(Prompt.INVALID_CHOICE)
    front.call.press("1")

    await front.receive()

    assert chosen("6100", "1") == front.call.routed


async def test_silence_repeats_the_greeting_and_then_times_out(front: Front) -> None:
    """Three repeats: the greeting is heard four times, then the timeout's destination follows.

    What then fails is no choice of the caller's, and does not come back.
    """
    for _ in range(4):
        front.greeted()

    ending = await front.receive()

    assert Outcome.ROUTED is ending.outcome
    assert Onward(number="8009", reason=ReachedReason.TIMEOUT) == front.call.routed


async def test_without_repeats_the_first_silence_times_out(front: Front) -> None:
    """`timeout_repeats` may be 0."""
    front.receptionists.change(timeout_repeats=0)
    front.greeted()

    await front.receive()

    assert Onward(number="8009", reason=ReachedReason.TIMEOUT) == front.call.routed


async def test_a_key_may_say_it_again(front: Front) -> None:
    """`repeat` is the greeting once more, and takes none of the repeats of the timeout."""
    front.receptionists.change(keys={"0": "repeat", "5": "8001"}, timeout_repeats=0)
    front.greeted()
    front.call.press("0")
    front.greeted()
    front.call.press("5")

    await front.receive()

    assert chosen("8001", "5") == front.call.routed


@pytest.mark.parametrize("key", ["0", "9"])
async def test_a_noisy_line_comes_to_an_end(front: Front, key: str) -> None:
    """Who repeats for ever, or presses what is no choice, is sent where the timeout goes."""
    front.receptionists.change(keys={"0": "repeat"})
    front.call.mash([key] * 100)

    await front.receive()

    assert Onward(number="8009", reason=ReachedReason.TIMEOUT) == front.call.routed
    assert MOST_GREETINGS == len(front.call.heard)


@pytest.mark.parametrize("keys", ["7", ""])
async def test_a_destination_may_end_the_call(front: Front, keys: str) -> None:
    """`hangup` of a key or of the timeout says goodbye."""
    front.receptionists.change(keys={"7": "hangup"}, timeout="hangup", timeout_repeats=0)
    front.greeted()
    front.call.press(keys)
    front.call.expect_to_hear(Prompt.GOODBYE)

    ending = await front.receive()

    assert (Outcome.FINISHED, HangupCause.NORMAL, None) == (
        ending.outcome,
        front.call.hangup_cause,
        front.call.routed,
    )


async def test_what_follows_a_failure_goes_along(front: Front) -> None:
    """The dialplan is told where a chosen call goes that nobody takes."""
    front.receptionists.change(call_failed="8002")
    front.greeted()
    front.call.press("1")

    await front.receive()

    assert chosen("6100", "1", failed="8002") == front.call.routed


async def test_without_words_of_its_own_it_says_the_standard_ones(front: Front) -> None:
    """No greeting is a greeting too."""
    front.receptionists.change(greeting=None, language="de")
    front.call.expect_to_hear(Prompt.RECEPTIONIST_STANDARD)
    front.call.press("5")

    await front.receive()

    assert ("de", chosen("8001", "5")) == (front.call.language, front.call.routed)


async def test_keys_pressed_while_sorry_is_said_count(front: Front) -> None:
    """Nobody has to listen twice."""
    front.greeted()
    front.call.press("9")
    front.call.expect_to_hear(Prompt.INVALID_CHOICE)
    front.call.press("5")

    await front.receive()

    assert chosen("8001", "5") == front.call.routed


async def test_destinations_are_those_of_the_clock(front: Front) -> None:
    """The receptionist is asked for as it is now."""
    front.greeted()
    front.call.press("1")

    await front.receive()

    assert [STARTED] == front.receptionists.asked


@pytest.mark.parametrize("facts", [{"receptionist": UUID(int=1)}, {"tenant": UUID(int=2)}])
async def test_an_unknown_receptionist_is_left_to_the_dialplan(front: Front, facts: dict[str, UUID]) -> None:
    """One that was deleted, or is another tenant's: nothing is said and no stage is set."""
    front.dial(**facts)

    ending = await front.receive()

    assert (Outcome.RECEPTIONIST_UNKNOWN, None, False) == (
        ending.outcome,
        front.call.stage,
        front.call.answered,
    )


async def test_a_database_that_is_away_leaves_the_call_to_the_dialplan(front: Front) -> None:
    """At the first look."""
    front.receptionists.broken = True

    ending = await front.receive()

    assert (Outcome.UNAVAILABLE, None) == (ending.outcome, front.call.stage)


async def test_a_database_that_goes_away_leaves_the_call_to_the_dialplan(front: Front) -> None:
    """In the middle of a number that is dialled: the fall-back follows, not a choice that was half heard."""
    front.greeted()
    front.call.meanwhile(lambda: setattr(front.receptionists, "broken", True))
    front.call.press("2")

    ending = await front.receive()

    assert (Outcome.UNAVAILABLE, None, None) == (ending.outcome, front.call.stage, front.call.routed)


async def test_a_lost_link_is_no_fault_of_the_flow(front: Front) -> None:
    """The dialplan has the call."""
    front.greeted()
    front.call.lose_link()

    ending = await front.receive()

    assert (Outcome.CALL_LOST, None) == (ending.outcome, front.call.stage)
