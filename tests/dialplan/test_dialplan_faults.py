"""The dialplan where the disk refuses, and where two tenants have nearly the same domain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from controlplane.callflows.call import Call
from controlplane.callflows.ending import Ending, Outcome
from controlplane.domain.errors import CallEnded, CallLost
from tests.support.call_contract import LONG, ContractPrompts
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import ACME, ACME_MAILBOX, PORTUGUESE, TONES, Rig
from tests.support.rigs import run_rig

# One switch of its own for all of them.
pytestmark = pytest.mark.xdist_group("dialplan-faults")

# Asterisk goes on behind a recording that failed and says so; FreeSWITCH hangs up in it.
LAST_WORDS = {"asterisk": [TONES["technical-problem"]], "freeswitch": []}
LONG_HERTZ = 500


@pytest.fixture(scope="module")
def rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan for `localhost` and `local-host`."""
    with run_rig(switch, tmp_path_factory.mktemp("dialplan"), acme_domain="local-host") as running:
        yield running


async def test_caller_is_not_thanked_for_what_was_not_recorded(rig: Rig, phone: RawPhone) -> None:
    """When the spool cannot be written the caller does not hear that all went well."""
    away = rig.spool.with_name("away")
    rig.spool.rename(away)
    rig.spool.write_text("in the way")
    try:
        call = phone.call("8001")
        await call.wait_ended()
    finally:
        rig.spool.unlink()
        away.rename(rig.spool)

    expected = [TONES["greeting-standard"], TONES["beep"], *LAST_WORDS[rig.switch]]
    assert near(expected, phone.tones()), phone.tones()


async def test_domains_that_differ_in_a_hyphen_are_two_tenants(rig: Rig, phone: RawPhone) -> None:
    """A switch may take names that differ in hyphens for one; a message still reaches its own tenant."""
    await leave(phone, domain="local-host", beep=TONES["beep"] + PORTUGUESE)

    facts = rig.facts()
    assert (ACME, ACME_MAILBOX) == (facts.tenant_id, facts.mailbox_id)


@pytest.fixture
def doomed(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run a switch that may be killed."""
    with run_rig(switch, tmp_path_factory.mktemp("doomed")) as running:
        yield running


async def test_killed_switch_is_a_lost_call(doomed: Rig, tmp_path: Path) -> None:
    """A flow that plays sees no hangup: nobody knows what became of the caller."""
    ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def handler(call: Call) -> Ending:
        await call.answer()
        try:
            await call.play(LONG)
        except CallEnded as error:
            ended.set_result(error)
        return Ending(outcome=Outcome.FINISHED)

    async with (
        doomed.handled(handler, prompts=ContractPrompts(tmp_path)),
        RawPhone(doomed.server).opened() as phone,
    ):
        await phone.call("8001").wait_tone(LONG_HERTZ)
        doomed.process.kill()
        error = await asyncio.wait_for(ended, 10)

    assert isinstance(error, CallLost)
