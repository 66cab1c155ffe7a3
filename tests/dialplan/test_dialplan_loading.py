"""The rendered configuration as a real switch reads it."""

from __future__ import annotations

import time
from uuid import uuid4

from tests.support.call_peers import PeerCall
from tests.support.raw_sip import RawPhone
from tests.support.rig import ALICE, Rig


def test_nothing_is_complained_about(rig: Rig) -> None:
    """A start with the rendered files leaves nothing in the log that says that something is wrong."""
    assert [] == rig.complaints


async def test_the_revision_can_be_asked_for(rig: Rig) -> None:
    """The switch names the digest of the tree and the extensions that it has."""
    live = await rig.control.live_configuration()

    assert rig.digest == live.digest
    assert {"101", "102"} <= {endpoint.partition("@")[0] for endpoint in live.endpoints}


async def test_a_display_name_is_one_value(rig: Rig) -> None:
    """A name with a semicolon, quotes and an expansion reaches the switch as one harmless text."""
    name = await rig.name_of_101()

    # Double quotes are single ones where a file of the switch has no way to write them.
    assert ALICE.replace("$", "S").replace('"', "'") == name.replace('"', "'")


async def test_the_same_tree_survives_a_reload(rig: Rig) -> None:
    """The switch takes the unchanged files over once more, and is as it was."""
    before = await rig.control.live_configuration()
    await rig.control.reload()

    assert before == await rig.control.live_configuration()


async def test_calls_and_start_are_known(rig: Rig, phone: RawPhone) -> None:
    """The switch knows a call while it lasts, and no other, and says since when it runs."""

    async def script(call: PeerCall) -> None:
        await call.answer()
        await call.hang()

    async with rig.peer(script) as peer:
        call = phone.call("8001")
        await call.wait_answered()
        (facts,) = peer.facts
        during = await rig.control.calls([facts.call_id, str(uuid4())])
        call.hang_up()
        await call.wait_ended()
    started = await rig.control.started_at()

    assert [facts.call_id] == list(during)
    assert 0 < time.time() - started < 3600
