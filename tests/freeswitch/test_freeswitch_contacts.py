"""A registered contact that would be more than an address to `bridge`."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig
from tests.support.rigs import run_rig
from tests.support.ringing_phone import Reply, RingingPhone


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan."""
    with run_rig("freeswitch", tmp_path_factory.mktemp("contacts")) as running:
        yield running


@pytest.mark.parametrize(
    "user",
    [
        b"102,[origination_caller_id_number=666]sofia/shared-voicemail/sip:102",
        b"102,{origination_caller_id_number=666}sofia/shared-voicemail/sip:102",
        b"[origination_caller_id_number=666]102",
    ],
)
@pytest.mark.parametrize("number", ["102", "6100"])
async def test_a_contact_sets_no_variable_of_its_leg(rig: Rig, user: bytes, number: str) -> None:
    """A phone cannot say more of its leg than where it is; a variable could name a program to run."""
    plan = ["", "", "simultaneous", "102", "5", "5", "", "hangup"]
    rig.route("6100", "ring-group", UUID(int=6100), plan=plan)
    async with RingingPhone(rig.server).opened() as phone, RawPhone(rig.server).opened() as caller:
        phone.reply = Reply.BUSY
        contact = b"<sip:%s@127.0.0.1:%d>" % (user, phone.sip_port)
        assert 200 == await phone.register("102", "password-102", contact=contact)
        call = caller.call(number, user="4930123")
        await call.wait_ended()

        (invite,) = phone.invited
        assert b"sip:4930123@" in invite
        assert b"sip:666@" not in invite
