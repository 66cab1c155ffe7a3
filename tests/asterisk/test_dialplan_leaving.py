"""Leaving a message while the control plane refuses, hangs or dies: the dialplan takes over."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.agi_peer import AgiRequest, agi_peer, hang
from tests.support.dialplan_rig import (
    ACME,
    ACME_MAILBOX,
    DEFAULT,
    MAILBOX,
    OWN_GREETING,
    PORTUGUESE,
    TONES,
    DialplanRig,
    run_dialplan,
    write_tone,
)
from tests.support.raw_sip import RawPhone

BEEP, GREETING, THANKS = TONES["beep"], TONES["greeting-standard"], TONES["thank-you"]
RECORDING = "55555555-5555-4555-8555-555555555555"
HEADER = 44


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture
async def phone(rig: DialplanRig) -> AsyncIterator[RawPhone]:
    """Open a phone; the spool is empty."""
    rig.empty_spool()
    async with RawPhone(rig.server).opened() as opened:
        yield opened


def near(expected: list[float], heard: list[float]) -> bool:
    """Tell whether these tones were heard in this order, with nothing else."""
    return len(expected) == len(heard) and all(
        abs(one - other) < 25 for one, other in zip(expected, heard, strict=True)
    )


async def leave(phone: RawPhone, number: str | bytes = "8001", **call: object) -> None:
    """Call, speak a second after the beep, fall silent, and wait until the dialplan ends the call."""
    made = phone.call(number, **call)  # type: ignore[arg-type]  # passed on as they are
    await made.wait_tone(BEEP)
    for _ in range(80):
        await phone.media_sent()
    phone.quiet = True
    await made.wait_ended()


async def test_a_refused_connection_is_recorded_by_the_dialplan(rig: DialplanRig, phone: RawPhone) -> None:
    """With no control plane the caller hears greeting and beep, and is recorded."""
    await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    ((name, audio),) = rig.takes().items()
    assert re.fullmatch(r"fb-\d+\.\d+-1\.wav", name)
    assert len(audio) > HEADER + 8000


async def test_the_sidecar_says_who_called_whom(rig: DialplanRig, phone: RawPhone) -> None:
    """The facts beside the recording name tenant, mailbox, caller and call."""
    await leave(phone, user="4930123", name="Grace Müller, Berlin".encode())

    facts = rig.facts()
    assert ("1", str(DEFAULT), str(MAILBOX), "4930123", "Grace Müller, Berlin", "") == tuple(
        facts[key] for key in ("v", "tenant", "mailbox", "number", "name", "reached_by")
    )
    assert [f"fb-{facts['call']}-1.wav"] == list(rig.takes())
    assert facts["at"].isdigit()


async def test_a_hangup_keeps_the_recording(rig: DialplanRig, phone: RawPhone) -> None:
    """Who hangs up while the dialplan records has left a message."""
    call = phone.call("8001")
    await call.wait_tone(BEEP)
    for _ in range(60):
        await phone.media_sent()
    call.hang_up()
    await call.wait_ended()

    # Asterisk answers the BYE before it closes the file.
    async with asyncio.timeout(10):
        while not any(len(audio) > HEADER for audio in rig.takes().values()):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.02)

    assert 1 == len(rig.takes())


async def test_the_greeting_of_the_mailbox_is_said(rig: DialplanRig, phone: RawPhone) -> None:
    """The fall-back plays the mailbox's own greeting where there is one."""
    own = rig.home / f"configuration/greetings/{MAILBOX}.wav"
    write_tone(own, OWN_GREETING)
    try:
        await leave(phone)
    finally:
        own.unlink()

    assert near([OWN_GREETING, BEEP, THANKS], phone.tones()), phone.tones()


async def test_a_silent_server_is_left_after_the_limit(rig: DialplanRig, phone: RawPhone) -> None:
    """A server that accepts the call and says nothing delays the caller, and no more."""
    async with agi_peer(rig.agi_port, hang) as peer:
        await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    assert 1 == len(rig.takes())
    assert 1 == len(peer.requests)


async def test_a_server_that_hangs_in_the_review_menu_keeps_the_take(
    rig: DialplanRig, phone: RawPhone
) -> None:
    """At the limit in stage review the recording is there: the caller is thanked, not recorded again."""

    async def script(request: AgiRequest) -> None:
        (rig.spool / f"{RECORDING}.wav").write_bytes(b"\0" * 16044)
        await request.command("ANSWER")
        await request.command(f'SET VARIABLE CP_RECORDING "{RECORDING}"')
        await request.command("SET VARIABLE CP_STAGE review")
        await hang(request)

    async with agi_peer(rig.agi_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    assert {f"{RECORDING}.wav": b"\0" * 16044} == rig.takes()


async def test_a_server_that_hangs_while_recording_keeps_the_take(rig: DialplanRig, phone: RawPhone) -> None:
    """The limit ends the recording of a server that stopped meanwhile: the caller is thanked."""

    async def script(request: AgiRequest) -> None:
        await request.command("ANSWER")
        await request.command(f'SET VARIABLE CP_RECORDING "{RECORDING}"')
        await request.command("SET VARIABLE CP_STAGE recording")
        await request.command('SET VARIABLE "TIMEOUT(absolute)" 3')
        request.writer.write(f'RECORD FILE "{rig.spool}/{RECORDING}" wav "#" 60000 0 s=30\n'.encode())
        await hang(request)

    async with agi_peer(rig.agi_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    ((name, audio),) = rig.takes().items()
    assert f"{RECORDING}.wav" == name
    assert len(audio) > HEADER + 16000


@pytest.mark.parametrize("stage", ["", "greeting"])
async def test_a_server_that_dies_before_the_beep_is_replaced(
    rig: DialplanRig, phone: RawPhone, stage: str
) -> None:
    """Nothing is recorded yet: greeting, beep and recording by the dialplan."""

    async def script(request: AgiRequest) -> None:
        await request.command("ANSWER")
        await request.command(f'SET VARIABLE CP_STAGE "{stage}"')

    async with agi_peer(rig.agi_port, script):
        await leave(phone)

    assert near([GREETING, BEEP, THANKS], phone.tones()), phone.tones()
    assert ["fb"] == [name[:2] for name in rig.takes()]


@pytest.mark.parametrize("stage", ["recording", "review"])
async def test_a_server_that_dies_after_the_recording_is_replaced(
    rig: DialplanRig, phone: RawPhone, stage: str
) -> None:
    """Audio is there under the recording id: the caller is thanked and nothing is recorded twice."""

    async def script(request: AgiRequest) -> None:
        await request.command("ANSWER")
        await request.command(f'SET VARIABLE CP_RECORDING "{RECORDING}"')
        await request.command(f'SET VARIABLE CP_STAGE "{stage}"')
        answer = await request.command(f'RECORD FILE "{rig.spool}/{RECORDING}" wav "#" 1500 0 s=2')
        assert answer.startswith("200 result=0")

    async with agi_peer(rig.agi_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([THANKS], phone.tones()), phone.tones()
    assert [f"{RECORDING}.wav"] == list(rig.takes())


async def test_a_server_that_dies_between_beep_and_recording_is_replaced(
    rig: DialplanRig, phone: RawPhone
) -> None:
    """No audio under the recording id: the dialplan beeps and records under that id."""

    async def script(request: AgiRequest) -> None:
        await request.command("ANSWER")
        await request.command(f'SET VARIABLE CP_RECORDING "{RECORDING}"')
        await request.command("SET VARIABLE CP_STAGE recording")
        (rig.spool / f"{RECORDING}.wav").write_bytes(b"\0" * HEADER)

    async with agi_peer(rig.agi_port, script):
        await leave(phone)

    assert near([BEEP, THANKS], phone.tones()), phone.tones()
    ((name, audio),) = rig.takes().items()
    assert f"{RECORDING}.wav" == name
    assert len(audio) > HEADER + 8000


@pytest.mark.parametrize(("cause", "status"), [("17", 486), ("1", 404), ("", 603)])
async def test_a_finished_flow_ends_the_call_with_its_cause(
    rig: DialplanRig, phone: RawPhone, cause: str, status: int
) -> None:
    """Stage done ends an unanswered call with the cause that the flow set, 16 without one."""

    async def script(request: AgiRequest) -> None:
        await request.command(f'SET VARIABLE CP_CAUSE "{cause}"')
        await request.command("SET VARIABLE CP_STAGE done")

    async with agi_peer(rig.agi_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert status == call.statuses[-1]
    assert {} == rig.takes()


async def test_the_request_names_the_mailbox(rig: DialplanRig, phone: RawPhone) -> None:
    """The server is asked to take a message, with secret, tenant, mailbox, no extension and no way."""

    async def script(request: AgiRequest) -> None:
        await request.command("SET VARIABLE CP_STAGE done")

    async with agi_peer(rig.agi_port, script) as peer:
        await phone.call("8001").wait_ended()

    values = peer.requests[0].values
    assert ["leave", "agi-secret", str(DEFAULT), str(MAILBOX), "", ""] == [
        values["agi_network_script"], *(values[f"agi_arg_{n}"] for n in range(1, 6))
    ]  # fmt: skip


async def test_the_dialled_domain_names_the_tenant(rig: DialplanRig, phone: RawPhone) -> None:
    """The same number at another tenant's domain is that tenant's mailbox, in its language."""
    await leave_in_portuguese(phone)

    facts = rig.facts()
    assert (str(ACME), str(ACME_MAILBOX)) == (facts["tenant"], facts["mailbox"])


async def leave_in_portuguese(phone: RawPhone) -> None:
    """Leave a message at acme.example."""
    call = phone.call("8001", domain="ACME.example")
    await call.wait_tone(BEEP + PORTUGUESE)
    for _ in range(60):
        await phone.media_sent()
    phone.quiet = True
    await call.wait_ended()


async def test_a_transferred_call_has_no_time_limit(rig: DialplanRig, phone: RawPhone) -> None:
    """A flow that sends the call on leaves no limit of its own behind: the recording is not cut."""

    async def script(request: AgiRequest) -> None:
        await request.command("SET VARIABLE CP_STAGE done")
        await request.command("EXEC Set TIMEOUT(absolute)=1")
        await request.command(f"SET CONTEXT cp-outside-{DEFAULT}")
        await request.command("SET EXTENSION 999")
        await request.command("SET PRIORITY 1")

    async with agi_peer(rig.agi_port, script):
        call = phone.call("8001")
        await call.wait_ended()

    assert near([TONES["number-unknown"]], phone.tones()), phone.tones()
