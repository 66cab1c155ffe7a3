"""What a caller writes into an INVITE becomes lines of AGI: none of them is the caller's."""

from __future__ import annotations

from urllib.parse import quote

from tests.support.agi_peer import AgiRequest, agi_peer
from tests.support.call_peers import end
from tests.support.dialplan_rig import DialplanRig
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.raw_sip import RawPhone
from tests.support.rig import MAILBOX

NUMBERS = [text for text in HOSTILE_TEXTS if text and len(text) < 300 and text.encode(errors="ignore")]


async def requests_of(rig: DialplanRig, phone: RawPhone, calls: list[dict[str, bytes]]) -> list[AgiRequest]:
    """Place the calls one after another; return what the server got."""
    async with agi_peer(rig.calls_port, end) as peer:
        for call in calls:
            await phone.call(b"8001", **call).wait_ended(5)  # type: ignore[arg-type]  # passed on
    return peer.requests


async def test_a_hostile_number_forges_no_line(rig: DialplanRig, phone: RawPhone) -> None:
    """Whatever is escaped in the user part of From: each AGI line is one that Asterisk made."""
    users = [quote(number.encode(errors="surrogatepass"), safe="").encode() for number in NUMBERS]
    requests = await requests_of(rig, phone, [{"user": user} for user in users])

    assert len(NUMBERS) == len(requests)
    for request in requests:
        keys = [line.split(b":")[0] for line in request.lines]
        assert len(set(keys)) == len(keys)
        assert all(key.startswith(b"agi_") for key in keys)
        assert "agi_x" not in request.values
        assert str(MAILBOX) == request.values["agi_arg_3"]


async def test_a_hostile_diversion_forges_no_line(rig: DialplanRig, phone: RawPhone) -> None:
    """The number in Diversion and the one dialled are lines of the request, and are filtered too."""
    diversion = b"Diversion: <sip:x%0Aagi_arg_1%3A%20victim@127.0.0.1>;reason=user-busy"
    requests = await requests_of(rig, phone, [{"extra": diversion}])

    (request,) = requests
    keys = [line.split(b":")[0] for line in request.lines]
    assert (len(set(keys)), "agi-secret") == (len(keys), request.values["agi_arg_1"])
