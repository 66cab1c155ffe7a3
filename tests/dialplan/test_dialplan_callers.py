"""What callers write into their INVITE: it stays text, and it stays theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from controlplane.callflows.call import CallFacts
from controlplane.domain.caller import Caller
from controlplane.storage.spool import FileSpool
from tests.support.call_peers import end
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.raw_sip import RawPhone
from tests.support.rig import DEFAULT, MAILBOX, TONES, Rig

# What a quoted-string of SIP and a UDP packet can carry; the others never reach a switch.
NAMES = [
    text
    for text in HOSTILE_TEXTS
    if len(text) < 2000 and text.isprintable() and text.strip() and '"' not in text and "\\" not in text
]
NUMBERS = [text for text in HOSTILE_TEXTS if text and len(text) < 300 and text.encode(errors="ignore")]

COMMANDS = [
    "%2524%257Bsystem(touch WITNESS)%257D",
    "%24%7Bsystem(touch WITNESS)%7D",
    "${system(touch WITNESS)}",
    "${SHELL(touch WITNESS)}",
    "Bob%0AUnique-ID%3A%20victim",
    "v=1;mailbox=00000000-0000-0000-0000-000000000000",
    "mailbox=00000000-0000-0000-0000-000000000000%0Amailbox=0",
    "$(touch WITNESS)`touch WITNESS`",
]


def escaped(text: str) -> bytes:
    """Escape all of a text for the user part of a SIP URI."""
    return quote(text.encode(errors="surrogatepass"), safe="").encode()


async def facts_of(rig: Rig, phone: RawPhone, calls: list[dict[str, bytes]]) -> list[CallFacts]:
    """Place the calls one after another; return what the product reads of them."""
    async with rig.peer(end) as peer:
        for call in calls:
            await phone.call(b"8001", **call).wait_ended(5)  # type: ignore[arg-type]  # passed on
    return peer.facts


def as_it_arrives(name: str, switch: str) -> str | None:
    """Return the name as the product has to have it; None where the switch makes another text of it.

    FreeSWITCH decodes what looks encoded and takes `${` apart; what it makes of it is text like any other.
    """
    return None if switch == "freeswitch" and set(name) & set("%$") else Caller.of("1", name).name


async def test_a_hostile_number_forges_nothing(rig: Rig, phone: RawPhone) -> None:
    """Whatever is escaped in the user part of From: each call is an outsider's for the mailbox dialled."""
    facts = await facts_of(rig, phone, [{"user": escaped(number)} for number in NUMBERS])

    assert len(NUMBERS) == len(facts)
    assert {(DEFAULT, MAILBOX, None)} == {(each.tenant_id, each.mailbox_id, each.extension) for each in facts}


async def test_a_hostile_name_stays_text(rig: Rig, phone: RawPhone) -> None:
    """A display name arrives as text: nothing is expanded or executed, and it is no line of its own."""
    facts = await facts_of(rig, phone, [{"name": name.encode()} for name in NAMES])
    expected = [as_it_arrives(name, rig.switch) for name in NAMES]

    assert [name for name in expected if name is not None] == [
        each.caller.name for name, each in zip(expected, facts, strict=True) if name is not None
    ]
    assert {(DEFAULT, MAILBOX, None)} == {(each.tenant_id, each.mailbox_id, each.extension) for each in facts}


async def test_a_hostile_diversion_forges_nothing(rig: Rig, phone: RawPhone) -> None:
    """What a caller says of who sent the call on changes neither the mailbox nor the caller."""
    diversion = b"Diversion: <sip:x%0Aagi_arg_1%3A%20victim@127.0.0.1>;reason=user-busy"
    (facts,) = await facts_of(rig, phone, [{"extra": diversion, "user": b"4930123"}])

    assert (DEFAULT, MAILBOX, "4930123", None) == (
        facts.tenant_id,
        facts.mailbox_id,
        facts.caller.number,
        facts.extension,
    )


@pytest.mark.parametrize("number", [b"8001%0Aagi_x%3A1", b"8001%2Cs%2C1", b"8001%29%7D", b"8001x", b"8" * 65])
async def test_a_hostile_dialled_number_is_unknown(rig: Rig, phone: RawPhone, number: bytes) -> None:
    """What is dialled is a number of 3 to 64 digits or nothing of ours."""
    async with rig.peer(end) as peer:
        call = phone.call(number)
        await call.wait_ended()

    assert [] == peer.calls
    assert [TONES["number-unknown"]] == [round(tone, -2) for tone in phone.tones()]


async def test_an_unknown_number_is_said(rig: Rig, phone: RawPhone) -> None:
    """A number that nobody made is said to be none, and the server hears nothing of it."""
    async with rig.peer(end) as peer:
        await phone.call("8765").wait_ended()

    assert [] == peer.calls
    assert [TONES["number-unknown"]] == [round(tone, -2) for tone in phone.tones()]


@pytest.mark.parametrize(
    ("number", "name"),
    [("x1", "tenant=1;mailbox=2, (a) ü 中"), ("x\ntenant=evil\n\nmailbox=evil", "Alice (a) ü 中")],
)
async def test_hostile_text_in_the_fall_back_stays_text(
    rig: Rig, phone: RawPhone, number: str, name: str
) -> None:
    """The take belongs to the mailbox dialled, whatever the caller's name and number look like."""
    call = phone.call(b"8001", user=escaped(number), name=name.encode())
    await call.wait_tone(TONES["beep"])
    for _ in range(40):
        await phone.media_sent()
    call.hang_up()
    await call.wait_ended()

    facts = rig.facts()
    assert (DEFAULT, MAILBOX, name) == (facts.tenant_id, facts.mailbox_id, facts.caller.name)
    assert facts.caller.number.startswith("x")
    assert "\n" not in facts.caller.number


async def test_a_command_for_a_name_runs_nothing(rig: Rig, phone: RawPhone, tmp_path: Path) -> None:
    """Whatever callers are called: the fall-back runs no command, and each take is for its mailbox."""
    witness = tmp_path / "ran"

    async def leave(name: str) -> None:
        async with RawPhone(rig.server).opened() as opened:
            call = opened.call("8001", user="5551234", name=name.replace("WITNESS", str(witness)).encode())
            await call.wait_tone(TONES["beep"])
            for _ in range(60):
                await opened.media_sent()
            call.hang_up()
            await call.wait_ended()

    await asyncio.gather(*map(leave, COMMANDS))
    spool = FileSpool(rig.spool)
    facts = [spool.read_facts(entry, switch=rig.switch) for entry in spool.entries()]

    assert [MAILBOX] * len(COMMANDS) == [each.mailbox_id if each else None for each in facts]
    assert not witness.exists()


async def test_an_extension_cannot_forge_its_caller_id(rig: Rig, phone: RawPhone) -> None:
    """Name and number are those that were provisioned, whatever From, PAI and RPID say."""
    async with rig.peer(end) as peer:
        await phone.call(
            b"8001",
            user="102",
            password="password-102",
            name=b"The Boss",
            extra=b'P-Asserted-Identity: "Boss" <sip:999@127.0.0.1>\r\n'
            b'Remote-Party-ID: "Boss" <sip:999@127.0.0.1>',
        ).wait_ended()

    (facts,) = peer.facts
    assert (Caller(number="102", name="Bob"), "102") == (facts.caller, facts.extension)


@pytest.mark.parametrize("header", ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"])
async def test_an_outsider_cannot_assert_an_identity(rig: Rig, phone: RawPhone, header: str) -> None:
    """An identity that nobody we trust asserted is not believed."""
    asserted = f'{header}: "Alice" <sip:101@127.0.0.1>;screen=yes'.encode()
    (facts,) = await facts_of(rig, phone, [{"user": b"4930123", "extra": asserted}])

    assert ("4930123", "", None) == (facts.caller.number, facts.caller.name, facts.extension)
