"""Live calls that a phone transfers to a number: by REFER, blind and attended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from controlplane.callflows.call import Entry
from tests.support.call_peers import Peer, PeerCall
from tests.support.product import until
from tests.support.raw_sip import RawCall, RawPhone
from tests.support.rig import DEFAULT, MAILBOX, TONES, Rig
from tests.support.transfers import target

# What a raw phone says all the time.
SPEECH = 200
# Asterisk puts the caller in the phone's place in the call that it has; FreeSWITCH asks the server again.
HANDED_OVER = {"asterisk": 1, "freeswitch": 2}


@pytest.fixture
async def callee(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone that registers as 102 and takes calls."""
    async with RawPhone(rig.server).opened() as opened:
        assert 200 == await opened.register("102", "password-102")
        opened.reply = 200
        yield opened


async def answer(call: PeerCall) -> None:
    """Take the call, and stay."""
    await call.answer()
    await call.hang()


async def talking(call: RawCall, callee: RawPhone) -> None:
    """Wait until the two of a call hear each other."""
    await call.wait_answered()
    await callee.taken[0].wait_tone(SPEECH)
    await call.wait_tone(SPEECH)


async def asked(peer: Peer, count: int = 1) -> None:
    """Wait until the dialplan asked so often for a flow."""
    await until(lambda: len(peer.calls) >= count, "a call for the server")


async def test_a_called_phone_sends_the_caller_into_a_mailbox(
    rig: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """A blind transfer: the caller from outside is asked for a message, as one who dialled the number."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="4930123")
        await talking(call, callee)
        callee.taken[0].refer(target(rig, "8001"))
        await asked(peer)
        (facts,) = peer.facts

        assert not call.ended.is_set()
    assert (Entry.LEAVE, DEFAULT, MAILBOX, "4930123", None) == (
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.caller.number,
        facts.extension,
    )


async def test_a_calling_phone_sends_the_other_party_into_a_mailbox(
    rig: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """An extension that called another one transfers that one."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="101", password="password-101")
        await talking(call, callee)
        call.refer(target(rig, "8001"))
        await asked(peer)
        (facts,) = peer.facts

        assert not callee.taken[0].ended.is_set()
    assert (Entry.LEAVE, DEFAULT, MAILBOX, None) == (
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.extension,
    )


async def test_an_extension_that_is_transferred_counts_as_from_outside(
    rig: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """It keeps its number as a caller, but no rights of its own: somebody else chose where it goes."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="101", password="password-101")
        await talking(call, callee)
        callee.taken[0].refer(target(rig, "8001"))
        await asked(peer)
        (facts,) = peer.facts

        assert not call.ended.is_set()
    assert (Entry.LEAVE, MAILBOX, "101", None) == (
        facts.entry,
        facts.mailbox_id,
        facts.caller.number,
        facts.extension,
    )


async def test_a_transfer_to_a_code_is_none(rig: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """Who is transferred reaches numbers: nobody is sent to a feature code."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="4930123")
        await talking(call, callee)
        callee.taken[0].refer(target(rig, "*568001"))
        # Asterisk refuses the transfer, and the two go on; FreeSWITCH says that there is no such number.
        await until(
            lambda: call.ended.is_set() or any(b"SIP/2.0 4" in told for told in callee.notified),
            "the end of the transfer",
        )

    assert [] == peer.calls


async def test_a_caller_from_outside_transfers_nobody(rig: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """What a stranger refers to is not followed: the extension's phone is sent nowhere."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="4930123")
        await talking(call, callee)
        before = len(call.statuses)
        call.refer(target(rig, "8001"))
        await until(lambda: len(call.statuses) > before, "an answer to REFER")
        call.hang_up()
        await callee.taken[0].wait_ended()

    assert [] == peer.calls
    assert [] == [tone for tone in callee.tones() if abs(tone - TONES["greeting-standard"]) < 25]


async def test_a_phone_hands_a_caller_over_to_a_mailbox_that_it_called(
    rig: Rig, phone: RawPhone, callee: RawPhone
) -> None:
    """An attended transfer: the phone calls the mailbox itself, and then puts the caller there."""
    async with rig.peer(answer) as peer:
        call = phone.call("102", user="4930123")
        await talking(call, callee)
        second = callee.call("8001", user="102", password="password-102")
        await second.wait_answered()
        callee.taken[0].refer(target(rig, "8001", second))
        await second.wait_ended()
        await asked(peer, HANDED_OVER[rig.switch])

        assert not call.ended.is_set()
        assert {MAILBOX} == {facts.mailbox_id for facts in peer.facts}


@pytest.mark.parametrize("who", ["stranger", "extension"])
async def test_a_transfer_to_another_switch_dials_nobody(
    rig: Rig, phone: RawPhone, callee: RawPhone, who: str
) -> None:
    """A transfer that names a call nobody has makes the switch call no address that the phone chose."""
    async with RawPhone(rig.server).opened() as elsewhere:
        call = phone.call("102", user="4930123")
        await talking(call, callee)
        referring = call if who == "stranger" else callee.taken[0]
        before = len(referring.statuses)
        named = quote("nobody;to-tag=1;from-tag=2", safe="")
        referring.refer(f"<sip:0900@127.0.0.1:{elsewhere.sip_port}?Replaces={named}>".encode())
        await until(lambda: len(referring.statuses) > before, "an answer to REFER")
        call.hang_up()
        await callee.taken[0].wait_ended()

        assert [] == elsewhere.invited
