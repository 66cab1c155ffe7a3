"""What callers write into their INVITE: it stays text, and it stays theirs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.agi_peer import AgiRequest, agi_peer
from tests.support.dialplan_rig import DEFAULT, MAILBOX, TONES, DialplanRig, run_dialplan
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.raw_sip import RawPhone

BEEP = TONES["beep"]
# What a quoted-string of SIP and a UDP packet can carry; the others never reach an Asterisk.
NAMES = [
    text
    for text in HOSTILE_TEXTS
    if len(text) < 2000 and text.isprintable() and '"' not in text and "\\" not in text
]
NUMBERS = [text for text in HOSTILE_TEXTS if text and len(text) < 300 and text.encode(errors="ignore")]


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


async def end(request: AgiRequest) -> None:
    """Finish at once."""
    await request.command("SET VARIABLE CP_STAGE done")


def escaped(text: str) -> bytes:
    """Escape all of a text for the user part of a SIP URI."""
    return quote(text.encode(errors="surrogatepass"), safe="").encode()


async def requests_of(rig: DialplanRig, phone: RawPhone, calls: list[dict[str, bytes]]) -> list[AgiRequest]:
    """Place the calls one after another; return what the server got."""
    async with agi_peer(rig.agi_port, end) as peer:
        for call in calls:
            await phone.call(call.pop("number", b"8001"), **call).wait_ended(5)  # type: ignore[arg-type]  # passed on
    return peer.requests


async def test_a_hostile_number_forges_no_line(rig: DialplanRig, phone: RawPhone) -> None:
    """Whatever is escaped in the user part of From: each AGI line is one that Asterisk made."""
    requests = await requests_of(rig, phone, [{"user": escaped(number)} for number in NUMBERS])

    assert len(NUMBERS) == len(requests)
    for request in requests:
        keys = [line.split(b":")[0] for line in request.lines]
        assert len(set(keys)) == len(keys)
        assert all(key.startswith(b"agi_") for key in keys)
        assert "agi_x" not in request.values
        assert str(MAILBOX) == request.values["agi_arg_3"]


async def test_a_hostile_name_stays_text(rig: DialplanRig, phone: RawPhone) -> None:
    """A display name arrives as it was written: nothing is decoded, expanded or executed."""
    requests = await requests_of(rig, phone, [{"name": name.encode()} for name in NAMES if name.strip()])

    assert [name.strip() for name in NAMES if name.strip()] == [
        request.values["agi_calleridname"] for request in requests
    ]


async def test_a_hostile_diversion_forges_no_line(rig: DialplanRig, phone: RawPhone) -> None:
    """The number in Diversion and the one dialled are lines of the request, and are filtered too."""
    diversion = b"Diversion: <sip:x%0Aagi_arg_1%3A%20victim@127.0.0.1>;reason=user-busy"
    requests = await requests_of(rig, phone, [{"extra": diversion}])

    (request,) = requests
    keys = [line.split(b":")[0] for line in request.lines]
    assert (len(set(keys)), "agi-secret") == (len(keys), request.values["agi_arg_1"])


@pytest.mark.parametrize("number", [b"8001%0Aagi_x%3A1", b"8001%2Cs%2C1", b"8001%29%7D", b"8001x", b"8" * 65])
async def test_a_hostile_dialled_number_is_unknown(rig: DialplanRig, phone: RawPhone, number: bytes) -> None:
    """What is dialled is a number of 3 to 64 digits or nothing of ours."""
    async with agi_peer(rig.agi_port, end) as peer:
        call = phone.call(number)
        await call.wait_ended()

    assert [] == peer.requests
    assert [TONES["number-unknown"]] == [round(tone, -2) for tone in phone.tones()]


async def test_hostile_text_in_the_fall_back_stays_text(rig: DialplanRig, phone: RawPhone) -> None:
    """The sidecar holds the name as it was written, and a number without what could be a line."""
    name = "${SHELL(touch x)} %0Atenant=1, (a) ü 中"
    call = phone.call(b"8001", user=escaped("x\ntenant=evil\n\nmailbox=evil"), name=name.encode())
    await call.wait_tone(BEEP)
    call.hang_up()
    await call.wait_ended()

    facts = rig.facts()
    assert (str(DEFAULT), str(MAILBOX), name, "xtenantevilmailboxevil") == tuple(
        facts[key] for key in ("tenant", "mailbox", "name", "number")
    )


async def test_an_extension_cannot_forge_its_caller_id(rig: DialplanRig, phone: RawPhone) -> None:
    """Name and number are those that were provisioned, whatever From, PAI and RPID say."""
    async with agi_peer(rig.agi_port, end) as peer:
        await phone.call(
            b"8001",
            user="102",
            password="password-102",
            name=b"The Boss",
            extra=b'P-Asserted-Identity: "Boss" <sip:999@127.0.0.1>\r\n'
            b'Remote-Party-ID: "Boss" <sip:999@127.0.0.1>',
        ).wait_ended()

    values = peer.requests[0].values
    assert ("102", "Bob", "102") == (values["agi_callerid"], values["agi_calleridname"], values["agi_arg_4"])


async def test_an_outsider_cannot_assert_an_identity(rig: DialplanRig, phone: RawPhone) -> None:
    """P-Asserted-Identity of nobody we trust is not believed."""
    async with agi_peer(rig.agi_port, end) as peer:
        await phone.call(
            b"8001", user="4930123", extra=b'P-Asserted-Identity: "Alice" <sip:101@127.0.0.1>'
        ).wait_ended()

    values = peer.requests[0].values
    assert ("4930123", "") == (values["agi_callerid"], values["agi_arg_4"])
