"""Feature codes that switch something: who may dial them, what the server is asked, what is said else."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry
from controlplane.domain.numbers import Feature
from tests.support.call_peers import PeerCall, close_at_once, end, say_nothing
from tests.support.raw_sip import RawCall, RawPhone
from tests.support.redirecting import redirect
from tests.support.rig import DEFAULT, TONES, Rig

PROBLEM = TONES["technical-problem"]
UNKNOWN = TONES["feature-unknown"]
CODES = {
    "*16": Feature.CLOSED_NOW,
    "*78": Feature.DO_NOT_DISTURB_ON,
    "*79": Feature.DO_NOT_DISTURB_OFF,
}
# What a caller from outside who dials a code himself hears.
NO_SUCH_CODE = {"asterisk": (404, []), "freeswitch": (200, [TONES["number-unknown"]])}


def dial(phone: RawPhone, number: str) -> RawCall:
    """Call as extension 101, authenticated."""
    return phone.call(number, user="101", password="password-101")


def heard(phone: RawPhone) -> list[float]:
    """Return the tones heard, rounded."""
    return [round(tone, -2) for tone in phone.tones()]


@pytest.mark.parametrize("code", CODES)
async def test_the_server_is_asked_to_switch(rig: Rig, phone: RawPhone, code: str) -> None:
    """It is told the tenant, what the code stands for, and the authenticated extension."""
    async with rig.peer(end) as peer:
        await dial(phone, code).wait_ended()

    (facts,) = peer.facts
    assert (Entry.FEATURE, DEFAULT, CODES[code], "101", None, "") == (
        facts.entry,
        facts.tenant_id,
        facts.feature,
        facts.extension,
        facts.mailbox_id,
        facts.dialled,
    )


@pytest.mark.parametrize(("code", "feature"), [("*38", Feature.QUEUE_LOG_IN), ("*39", Feature.QUEUE_LOG_OUT)])
async def test_the_queue_is_told_too(rig: Rig, phone: RawPhone, code: str, feature: Feature) -> None:
    """The number behind the code of a log-in is what the flow is asked for."""
    async with rig.peer(end) as peer:
        await dial(phone, f"{code}6200").wait_ended()

    (facts,) = peer.facts
    assert (Entry.FEATURE, feature, "6200", "101") == (
        facts.entry,
        facts.feature,
        facts.dialled,
        facts.extension,
    )


async def test_digits_behind_such_a_code_are_another_code(rig: Rig, phone: RawPhone) -> None:
    """Only a code that wants a number takes one."""
    async with rig.peer(end) as peer:
        await dial(phone, "*168001").wait_ended()

    assert ([UNKNOWN], []) == (heard(phone), peer.calls)


async def test_without_the_control_plane_it_says_so(rig: Rig, phone: RawPhone) -> None:
    """Nobody believes that it was switched, and nothing is recorded."""
    await dial(phone, "*16").wait_ended()

    assert ([PROBLEM], []) == (heard(phone), list(rig.spool.iterdir()))


@pytest.mark.parametrize("serve", [close_at_once, say_nothing], ids=["closed at once", "silent"])
async def test_a_server_that_fails_ends_in_the_same_words(rig: Rig, phone: RawPhone, serve: object) -> None:
    """Before its first word."""
    async with rig.listening(serve):  # type: ignore[arg-type]  # one of two
        await dial(phone, "*78").wait_ended(limit=40)

    assert ([PROBLEM], []) == (heard(phone), list(rig.spool.iterdir()))


@pytest.mark.parametrize("stage", ["", "greeting", "recording", "review"])
async def test_a_death_records_nothing(rig: Rig, phone: RawPhone, stage: str) -> None:
    """Whatever stage it left behind."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.recording(UUID("55555555-5555-4555-8555-555555555555"))
        await call.stage(stage)

    async with rig.peer(script):
        await dial(phone, "*16").wait_ended()

    assert ([PROBLEM], []) == (heard(phone), list(rig.spool.iterdir()))


@pytest.mark.parametrize("code", CODES)
async def test_a_caller_from_outside_is_refused(rig: Rig, phone: RawPhone, code: str) -> None:
    """Without a log-in a feature code does not exist, and the server hears nothing of it."""
    async with rig.peer(end) as peer:
        call = phone.call(code)
        await call.wait_ended()

    assert NO_SUCH_CODE[rig.switch] == (call.statuses[-1], heard(phone))
    assert [] == peer.calls


@pytest.mark.parametrize("code", ["*568001", "*56", *CODES])
async def test_a_caller_from_outside_who_is_transferred_to_a_code(
    rig: Rig, phone: RawPhone, code: str
) -> None:
    """A member sent him into the context of members: he hears that the code is not in use."""
    redirected = asyncio.Event()

    async def until_redirected(call: PeerCall) -> None:
        await call.answer()
        await redirected.wait()

    async with rig.peer(until_redirected) as peer:
        call = phone.call("8001")
        await call.wait_answered()
        (facts,) = peer.facts
        await redirect(rig, facts.call_id, code, f"cp-extension-{DEFAULT}")
        redirected.set()
        await call.wait_ended()

    assert (1, UNKNOWN) == (len(peer.calls), heard(phone)[-1])
