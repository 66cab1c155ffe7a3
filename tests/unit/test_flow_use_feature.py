"""Feature codes that switch something, as the person at the phone meets them."""

from __future__ import annotations

import itertools

import pytest
from controlplane.callflows.call import CallFacts, Entry, HangupCause
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import Prompt
from controlplane.callflows.use_feature import use_feature
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from controlplane.domain.numbers import Feature
from tests.support.fake_call import FakeCall
from tests.support.fake_features import FakeFeatures
from tests.support.fake_voicemail import TENANT
from tests.support.fault_points import FaultPoints


class Phone:
    """Extension 101 (or a caller from outside), and what the codes switch."""

    def __init__(self, points: FaultPoints | None = None) -> None:
        self.points = points or FaultPoints()
        self.features = FakeFeatures(points=self.points)
        self.call = self.dial(Feature.CLOSED_NOW)

    def dial(self, feature: Feature | None, *, extension: str | None = "101", dialled: str = "") -> FakeCall:
        """Dial the code of a feature."""
        facts = CallFacts(
            call_id="call-1",
            entry=Entry.FEATURE,
            tenant_id=TENANT,
            mailbox_id=None,
            dialled=dialled,
            extension=extension,
            caller=Caller.of("101", "Alice"),
            reached_by=ReachedBy(),
            feature=feature,
        )
        self.call = FakeCall(facts, points=self.points)
        return self.call

    async def listen(self) -> Ending:
        """Let the flow run to its end."""
        return await use_feature(self.call, features=self.features)


async def test_the_office_is_closed_and_opened_again() -> None:
    """The code closes, and dialled again it takes that back; each time it says how it is now."""
    phone = Phone()
    phone.call.expect_to_hear(Prompt.CLOSED_NOW)
    ending = await phone.listen()

    phone.call.assert_over()
    assert (Outcome.FINISHED, HangupCause.NORMAL, True) == (
        ending.outcome,
        phone.call.hangup_cause,
        phone.features.closed_now,
    )

    phone.dial(Feature.CLOSED_NOW).expect_to_hear(Prompt.OPEN_AS_USUAL)
    await phone.listen()

    phone.call.assert_over()
    assert (False, ["extension 101"] * 2) == (phone.features.closed_now, phone.features.switched_by)


async def test_do_not_disturb_is_switched_for_the_calling_extension() -> None:
    """On and off have codes of their own; each may be dialled twice."""
    phone = Phone()
    for feature, said, on in (
        (Feature.DO_NOT_DISTURB_ON, Prompt.DO_NOT_DISTURB_ON, True),
        (Feature.DO_NOT_DISTURB_ON, Prompt.DO_NOT_DISTURB_ON, True),
        (Feature.DO_NOT_DISTURB_OFF, Prompt.DO_NOT_DISTURB_OFF, False),
    ):
        phone.dial(feature).expect_to_hear(said)
        ending = await phone.listen()

        phone.call.assert_over()
        assert (Outcome.FINISHED, {"101": on}) == (ending.outcome, phone.features.extensions)


async def test_an_agent_logs_out_of_a_queue_and_in_again() -> None:
    """The digits behind the code are the queue's number; each code may be dialled twice."""
    phone = Phone()
    for feature, said, logged_in in (
        (Feature.QUEUE_LOG_OUT, Prompt.QUEUE_LOGGED_OUT, False),
        (Feature.QUEUE_LOG_OUT, Prompt.QUEUE_LOGGED_OUT, False),
        (Feature.QUEUE_LOG_IN, Prompt.QUEUE_LOGGED_IN, True),
    ):
        phone.dial(feature, dialled="6200").expect_to_hear(said)
        ending = await phone.listen()

        phone.call.assert_over()
        assert (Outcome.FINISHED, {("6200", "101"): logged_in}) == (ending.outcome, phone.features.agents)


@pytest.mark.parametrize(("extension", "dialled"), [("102", "6200"), ("101", "6201"), ("101", "")])
async def test_who_is_no_agent_is_told_so(extension: str, dialled: str) -> None:
    """Nobody logs in at a queue that does not have him, or that there is not."""
    phone = Phone()
    phone.dial(Feature.QUEUE_LOG_IN, extension=extension, dialled=dialled).expect_to_hear(
        Prompt.QUEUE_UNKNOWN
    )
    await phone.listen()

    phone.call.assert_over()
    assert {("6200", "101"): True} == phone.features.agents


async def test_the_tenants_language_is_spoken() -> None:
    """There is no mailbox whose language it could be."""
    phone = Phone()
    phone.call.expect_to_hear(Prompt.CLOSED_NOW)
    await phone.listen()

    assert ("de", True) == (phone.call.language, phone.call.answered)


@pytest.mark.parametrize("feature", [None, *Feature])
async def test_a_caller_from_outside_switches_nothing(feature: Feature | None) -> None:
    """Feature codes are for authenticated extensions, also if the dialplan were wrong."""
    phone = Phone()
    phone.dial(feature, extension=None).expect_to_hear(Prompt.FEATURE_UNKNOWN)

    ending = await phone.listen()

    phone.call.assert_over()
    assert (Outcome.OUTSIDE_REFUSED, ["features.language"]) == (
        ending.outcome,
        [step for step in phone.points.seen if step.startswith("features.")],
    )


@pytest.mark.parametrize("feature", [None, Feature.CHECK_MESSAGES])
async def test_a_feature_of_another_flow_is_none_of_this_one(feature: Feature | None) -> None:
    """What this flow cannot switch is said to be unknown."""
    phone = Phone()
    phone.dial(feature).expect_to_hear(Prompt.FEATURE_UNKNOWN)

    await phone.listen()

    phone.call.assert_over()


async def test_an_extension_that_is_gone_switches_nothing() -> None:
    """It was deleted while its phone was still registered."""
    phone = Phone()
    phone.features.extensions.clear()
    phone.dial(Feature.DO_NOT_DISTURB_ON).expect_to_hear(Prompt.FEATURE_UNKNOWN)

    await phone.listen()

    phone.call.assert_over()
    assert {} == phone.features.extensions


@pytest.mark.parametrize("method", ["language", "toggle_closed_now"])
async def test_without_a_database_the_dialplan_says_so(method: str) -> None:
    """The call goes back to the dialplan: not hung up, and without a stage."""
    phone = Phone()
    phone.features.unavailable.add(method)

    ending = await phone.listen()

    phone.call.assert_over()
    assert (Outcome.UNAVAILABLE, False, None, []) == (
        ending.outcome,
        phone.call.gone,
        phone.call.stage,
        phone.call.heard,
    )


@pytest.mark.parametrize(("attribute", "outcome"), [("gone", Outcome.HUNG_UP), ("lost", Outcome.CALL_LOST)])
async def test_an_end_at_any_step_is_an_ending(attribute: str, outcome: Outcome) -> None:
    """Whenever the caller leaves or the link breaks nothing is raised, and it is switched once at most."""
    outcomes = set()
    for at in itertools.count():
        points = FaultPoints(at=at, only="call.")
        phone = Phone(points)
        phone.call.expect_to_hear(Prompt.CLOSED_NOW)

        def trouble(call: FakeCall = phone.call) -> None:
            setattr(call, attribute, True)

        points.trouble = trouble
        ending = await phone.listen()
        if len(points.seen) <= at:
            break
        outcomes.add(ending.outcome)

        assert ["extension 101"] == phone.features.switched_by

    assert outcome in outcomes
