"""Feature codes: who may dial them, what the server is asked, and that a member is never recorded."""

from __future__ import annotations

from contextlib import nullcontext
from uuid import UUID

import pytest
from controlplane.callflows.call import Entry
from tests.support.call_peers import PeerCall, Serve, close_at_once, end, say_nothing
from tests.support.raw_sip import RawCall, RawPhone
from tests.support.rig import DEFAULT, TONES, Rig

UNAVAILABLE = TONES["check-unavailable"]
RECORDING = UUID("55555555-5555-4555-8555-555555555555")
# How each switch wants a password, refuses one, and what a caller from outside hears of a code.
ASKED = {"asterisk": 401, "freeswitch": 407}
REFUSED = {"asterisk": {401}, "freeswitch": {403, 407}}
NO_SUCH_CODE = {"asterisk": (404, []), "freeswitch": (200, [TONES["number-unknown"]])}


def dial(phone: RawPhone, number: str, **call: object) -> RawCall:
    """Call as extension 101, authenticated."""
    return phone.call(number, user="101", password="password-101", **call)  # type: ignore[arg-type]  # passed on


def heard(phone: RawPhone) -> list[float]:
    """Return the tones heard, rounded."""
    return [round(tone, -2) for tone in phone.tones()]


@pytest.mark.parametrize(("dialled", "digits"), [("*568001", "8001"), ("*56", "")])
async def test_the_server_is_asked_to_check(rig: Rig, phone: RawPhone, dialled: str, digits: str) -> None:
    """`*56` sends tenant, the digits behind it and the authenticated extension."""
    async with rig.peer(end) as peer:
        await dial(phone, dialled).wait_ended()

    (facts,) = peer.facts
    assert (Entry.CHECK, DEFAULT, None, digits, "101") == (
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.dialled,
        facts.extension,
    )


async def test_the_server_is_asked_for_the_own_mailbox(rig: Rig, phone: RawPhone) -> None:
    """`*57` sends tenant and extension, and takes no number."""
    async with rig.peer(end) as peer:
        await dial(phone, "*57").wait_ended()

    (facts,) = peer.facts
    assert (Entry.CHECK_OWN, DEFAULT, None, "", "101") == (
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.dialled,
        facts.extension,
    )


@pytest.mark.parametrize("serve", [None, close_at_once, say_nothing])
async def test_the_own_mailbox_is_unavailable_without_the_server(
    rig: Rig, phone: RawPhone, serve: Serve | None
) -> None:
    """Refused, closed or silent: a member hears that messages cannot be played now, and is not recorded."""
    async with nullcontext() if serve is None else rig.listening(serve):
        await dial(phone, "*57").wait_ended(limit=40)

    assert [UNAVAILABLE] == heard(phone)
    assert [] == list(rig.spool.iterdir())


async def test_refused_says_unavailable_and_records_nothing(rig: Rig, phone: RawPhone) -> None:
    """With no control plane a member hears that messages cannot be played now."""
    await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == heard(phone)
    assert [] == list(rig.spool.iterdir())


async def test_closed_at_once_says_unavailable_and_records_nothing(rig: Rig, phone: RawPhone) -> None:
    """A server that closes before its first word ends in the same words."""
    async with rig.listening(close_at_once):
        await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == heard(phone)
    assert [] == list(rig.spool.iterdir())


async def test_silent_says_unavailable_and_records_nothing(rig: Rig, phone: RawPhone) -> None:
    """A server that says nothing ends in the same words."""
    async with rig.listening(say_nothing):
        await dial(phone, "*568001").wait_ended(limit=40)

    assert [UNAVAILABLE] == heard(phone)
    assert [] == list(rig.spool.iterdir())


@pytest.mark.parametrize("stage", ["", "greeting", "recording", "review"])
async def test_a_death_in_any_stage_records_nothing(rig: Rig, phone: RawPhone, stage: str) -> None:
    """The context decides before the stage: a member is never recorded."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.recording(RECORDING)
        await call.stage(stage)

    async with rig.peer(script):
        await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == heard(phone)
    assert [] == list(rig.spool.iterdir())


async def test_an_unknown_code_is_said(rig: Rig, phone: RawPhone) -> None:
    """An extension that dials a code nobody made hears that it is not in use."""
    await dial(phone, "*99").wait_ended()

    assert [TONES["feature-unknown"]] == heard(phone)


async def test_a_caller_from_outside_is_refused(rig: Rig, phone: RawPhone) -> None:
    """Without a log-in a feature code does not exist, and the server hears nothing of it."""
    async with rig.peer(end) as peer:
        call = phone.call("*568001")
        await call.wait_ended()

    assert NO_SUCH_CODE[rig.switch] == (call.statuses[-1], heard(phone))
    assert [] == peer.calls


@pytest.mark.parametrize("domain", ["127.0.0.1", "localhost", "acme.example"])
async def test_an_extension_in_from_is_challenged(rig: Rig, phone: RawPhone, domain: str) -> None:
    """Who writes an extension's number into From is asked for its password, not let through as outside."""
    async with rig.peer(end) as peer:
        call = phone.call("*568001", user="101", domain=domain)
        await call.wait_ended()

    assert [ASKED[rig.switch]] == [status for status in call.statuses if status >= 200]
    assert [] == peer.calls


@pytest.mark.parametrize("user", ["%31%30%31", "10%31"])
@pytest.mark.parametrize("number", ["8001", "*568001"])
async def test_an_extension_in_disguise_is_no_extension(
    rig: Rig, phone: RawPhone, user: str, number: str
) -> None:
    """Digits that are percent-encoded in From are those digits: nobody passes as 101 by writing it so."""
    async with rig.peer(end) as peer:
        call = phone.call(number, user=user)
        await call.wait_ended()

    assert [ASKED[rig.switch]] == [status for status in call.statuses if status >= 200]
    assert [] == peer.calls


async def test_a_wrong_password_is_refused(rig: Rig, phone: RawPhone) -> None:
    """A wrong password ends in a refusal."""
    async with rig.peer(end) as peer:
        call = phone.call("*568001", user="101", password="wrong")
        await call.wait_ended()

    assert call.statuses[-1] in REFUSED[rig.switch]
    assert [] == peer.calls


async def test_the_password_of_another_extension_is_refused(rig: Rig, phone: RawPhone) -> None:
    """102's log-in does not let anybody in as 101."""
    async with rig.peer(end) as peer:
        call = phone.call("*568001", user="101", login="102", password="password-102")
        await call.wait_ended()

    # FreeSWITCH asks who logged in and takes no notice of From: the caller is 102, and called so.
    assert {"asterisk": [], "freeswitch": ["102"]}[rig.switch] == [facts.extension for facts in peer.facts]
    assert call.statuses[-1] in REFUSED[rig.switch] | {480}
