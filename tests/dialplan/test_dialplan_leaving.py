"""Leaving a message while the control plane refuses, is silent or dies: the dialplan takes over."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.call import Call, Entry, HangupCause
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from controlplane.storage.wav import duration_ms
from tests.support.call_contract import ContractPrompts
from tests.support.call_peers import PeerCall, close_at_once, end, say_nothing
from tests.support.product import until
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import (
    ACME,
    ACME_MAILBOX,
    DEFAULT,
    MAILBOX,
    OWN_GREETING,
    PORTUGUESE,
    TONES,
    Rig,
    write_tone,
)

BEEP, GREETING, THANKS = TONES["beep"], TONES["greeting-standard"], TONES["thank-you"]
RECORDING = UUID("55555555-5555-4555-8555-555555555555")
HEADER = 44
# FreeSWITCH waits so long for the first word (mod_event_socket); Asterisk as long as the rig's dialplan says.
FIRST_WORD_SECONDS = {"asterisk": 2, "freeswitch": 25}
# Of an unanswered call, by the cause that the flow set; without one it is a normal clearing.
STATUS = {
    "asterisk": {HangupCause.BUSY: 486, HangupCause.UNALLOCATED: 404, HangupCause.NORMAL: 603},
    "freeswitch": {HangupCause.BUSY: 486, HangupCause.UNALLOCATED: 404, HangupCause.NORMAL: 480},
}


async def test_a_refused_connection_is_recorded_by_the_dialplan(rig: Rig, phone: RawPhone) -> None:
    """With no control plane the caller hears greeting and beep, and is recorded."""
    await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    ((name, audio),) = rig.takes().items()
    assert f"fb-{rig.facts().call_id}-1.wav" == name
    assert len(audio) > HEADER + 8000


async def test_the_take_says_who_called_whom(rig: Rig, phone: RawPhone) -> None:
    """The facts with the recording name tenant, mailbox, caller and call."""
    await leave(phone, user="4930123", name="Grace Müller, Berlin".encode())

    facts = rig.facts()
    assert (DEFAULT, MAILBOX, "4930123", "Grace Müller, Berlin", ReachedBy()) == (
        facts.tenant_id,
        facts.mailbox_id,
        facts.caller.number,
        facts.caller.name,
        facts.reached_by,
    )


async def test_the_take_of_an_extension_names_it(rig: Rig, phone: RawPhone) -> None:
    """Number and name of an authenticated caller are those provisioned, whatever its From says."""
    await leave(phone, user="102", password="password-102", name=b"The Boss")

    assert Caller(number="102", name="Bob") == rig.facts().caller


async def test_a_hangup_keeps_the_recording(rig: Rig, phone: RawPhone) -> None:
    """Who hangs up while the dialplan records has left a message."""
    call = phone.call("8001")
    await call.wait_tone(BEEP)
    for _ in range(60):
        await phone.media_sent()
    call.hang_up()
    await call.wait_ended()
    (path,) = rig.spool.glob("*.wav")
    # The switch answers the BYE before it closes the file.
    await until(lambda: duration_ms(path) > 500, "what was said")

    assert MAILBOX == rig.facts().mailbox_id


async def test_the_greeting_of_the_mailbox_is_said(rig: Rig, phone: RawPhone) -> None:
    """The fall-back plays the mailbox's own greeting where there is one."""
    own = rig.home / f"configuration/greetings/{MAILBOX}.wav"
    write_tone(own, OWN_GREETING)
    try:
        await leave(phone)
    finally:
        own.unlink()

    assert near([OWN_GREETING, BEEP, THANKS], phone.tones()), phone.tones()


async def test_a_silent_server_is_left_after_the_limit(rig: Rig, phone: RawPhone) -> None:
    """A server that accepts the call and says nothing delays the caller, and no more."""
    async with rig.listening(say_nothing):
        await leave(phone, limit=FIRST_WORD_SECONDS[rig.switch] + 5)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    assert 1 == len(rig.takes())


async def test_a_server_that_closes_before_its_first_word_is_replaced(rig: Rig, phone: RawPhone) -> None:
    """A connection that is closed at once is as good as none."""
    async with rig.listening(close_at_once):
        await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    assert 1 == len(rig.takes())


@pytest.mark.parametrize("stage", ["", "greeting"])
async def test_a_server_that_dies_before_the_beep_is_replaced(rig: Rig, phone: RawPhone, stage: str) -> None:
    """Nothing is recorded yet: greeting, beep and recording by the dialplan."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.stage(stage)

    async with rig.peer(script):
        await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    assert ["fb"] == [name[:2] for name in rig.takes()]


@pytest.mark.parametrize("stage", ["recording", "review"])
async def test_a_server_that_dies_after_the_recording_is_replaced(
    rig: Rig, phone: RawPhone, stage: str
) -> None:
    """Audio is there under the recording id: the caller is thanked and nothing is recorded twice."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.recording(RECORDING)
        await call.stage(stage)
        await call.record(rig.spool / f"{RECORDING}.wav", seconds=1)

    async with rig.peer(script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    assert [f"{RECORDING}.wav"] == list(rig.takes())


async def test_a_server_that_dies_between_beep_and_recording_is_replaced(rig: Rig, phone: RawPhone) -> None:
    """No audio under the recording id: the dialplan beeps and records.

    On Asterisk as a take of its own: a server that lives may take the end of a time limit for a hangup.
    """

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.recording(RECORDING)
        await call.stage("recording")
        (rig.spool / f"{RECORDING}.wav").write_bytes(b"\0" * HEADER)

    async with rig.peer(script):
        await leave(phone)

    assert near([BEEP, THANKS], phone.tones()), phone.tones()
    ((name, audio),) = ((name, audio) for name, audio in rig.takes().items() if len(audio) > HEADER)
    assert name.startswith("fb-" if rig.switch == "asterisk" else str(RECORDING))
    assert len(audio) > HEADER + 8000


async def test_a_server_that_dies_when_all_is_done_leaves_an_ended_call(rig: Rig, phone: RawPhone) -> None:
    """Stage done in an answered call: it ends, and nobody is greeted or recorded again."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.recording(RECORDING)
        await call.stage("done")

    async with rig.peer(script):
        call = phone.call("8001")
        await call.wait_ended()

    assert ([], {}) == (phone.tones(), rig.takes())


@pytest.mark.parametrize("cause", [HangupCause.BUSY, HangupCause.UNALLOCATED, None])
async def test_a_finished_flow_ends_the_call_with_its_cause(
    rig: Rig, phone: RawPhone, cause: HangupCause | None
) -> None:
    """Stage done ends an unanswered call with the cause that the flow set, a normal one without."""

    async def script(call: PeerCall) -> None:
        await call.cause(cause)
        await call.stage("done")

    async with rig.peer(script):
        call = phone.call("8001")
        await call.wait_ended()

    assert STATUS[rig.switch][cause or HangupCause.NORMAL] == call.statuses[-1]
    assert {} == rig.takes()


@pytest.mark.parametrize("cause", [HangupCause.NORMAL, HangupCause.BUSY, HangupCause.UNALLOCATED])
async def test_a_cause_reaches_the_phone(
    rig: Rig, phone: RawPhone, tmp_path: Path, cause: HangupCause
) -> None:
    """A call that the product ends before the answer ends at the phone with the status of the cause."""

    async def handler(call: Call) -> Ending:
        await call.hangup(cause)
        return Ending(outcome=Outcome.FINISHED)

    async with rig.handled(handler, prompts=ContractPrompts(tmp_path)):
        call = phone.call("8001")
        await call.wait_ended()

    assert STATUS[rig.switch][cause] == call.statuses[-1]


async def test_the_request_names_the_mailbox(rig: Rig, phone: RawPhone) -> None:
    """The server is asked to take a message, with secret, tenant, mailbox, no extension and no way."""
    async with rig.peer(end) as peer:
        await phone.call("8001").wait_ended()

    (facts,) = peer.facts
    assert (Entry.LEAVE, DEFAULT, MAILBOX, "", None, ReachedBy()) == (
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.dialled,
        facts.extension,
        facts.reached_by,
    )


async def test_the_dialled_domain_names_the_tenant(rig: Rig, phone: RawPhone) -> None:
    """The same number at another tenant's domain is that tenant's mailbox, in its language."""
    await leave(phone, domain="ACME.example", beep=BEEP + PORTUGUESE)

    facts = rig.facts()
    assert (ACME, ACME_MAILBOX) == (facts.tenant_id, facts.mailbox_id)
    assert near([tone + PORTUGUESE for tone in (GREETING, BEEP, THANKS)], phone.tones()), phone.tones()


async def test_a_transferred_call_goes_on_without_us(rig: Rig, phone: RawPhone) -> None:
    """A flow that sends the call on leaves nothing of its own behind, no time limit either."""

    async def script(call: PeerCall) -> None:
        await call.stage("done")
        await call.transfer("999", DEFAULT)

    async with rig.peer(script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([TONES["number-unknown"]], phone.tones()), phone.tones()
    assert {} == rig.takes()
