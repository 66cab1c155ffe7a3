"""Feature codes: who may dial them, what the server is asked, and that a member is never recorded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.agi_peer import AgiRequest, agi_peer, hang
from tests.support.dialplan_rig import ACME, DEFAULT, PORTUGUESE, TONES, DialplanRig, run_dialplan
from tests.support.raw_sip import RawCall, RawPhone

UNAVAILABLE = TONES["check-unavailable"]


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


def dial(phone: RawPhone, number: str, **call: object) -> RawCall:
    """Call as extension 101, authenticated."""
    return phone.call(number, user="101", password="password-101", **call)  # type: ignore[arg-type]  # passed on


async def end(request: AgiRequest) -> None:
    """Finish at once."""
    await request.command("SET VARIABLE CP_STAGE done")


@pytest.mark.parametrize(("dialled", "digits"), [("*568001", "8001"), ("*56", "")])
async def test_the_server_is_asked_to_check(
    rig: DialplanRig, phone: RawPhone, dialled: str, digits: str
) -> None:
    """`*56` sends tenant, the digits behind it and the authenticated extension."""
    async with agi_peer(rig.agi_port, end) as peer:
        await dial(phone, dialled).wait_ended()

    values = peer.requests[0].values
    assert ["check", "agi-secret", str(DEFAULT), digits, "101"] == [
        values["agi_network_script"], *(values[f"agi_arg_{n}"] for n in range(1, 5))
    ]  # fmt: skip


async def test_an_extension_of_another_tenant_checks_there(rig: DialplanRig, phone: RawPhone) -> None:
    """The extension 101 of acme.example logs in with its domain and is that tenant's."""
    async with agi_peer(rig.agi_port, end) as peer:
        await dial(phone, "*568001", domain="acme.example").wait_ended()

    values = peer.requests[0].values
    assert (str(ACME), "Carla") == (values["agi_arg_2"], values["agi_calleridname"])


async def test_refused_says_unavailable_and_records_nothing(rig: DialplanRig, phone: RawPhone) -> None:
    """With no control plane a member hears that messages cannot be played now."""
    await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == [round(tone, -2) for tone in phone.tones()]
    assert [] == list(rig.spool.iterdir())


async def test_hanging_says_unavailable_and_records_nothing(rig: DialplanRig, phone: RawPhone) -> None:
    """A server that says nothing ends in the same words."""
    async with agi_peer(rig.agi_port, hang):
        await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == [round(tone, -2) for tone in phone.tones()]
    assert [] == list(rig.spool.iterdir())


@pytest.mark.parametrize("stage", ["", "greeting", "recording", "review"])
async def test_a_death_in_any_stage_records_nothing(rig: DialplanRig, phone: RawPhone, stage: str) -> None:
    """The context decides before the stage: a member is never recorded."""

    async def script(request: AgiRequest) -> None:
        await request.command("ANSWER")
        await request.command('SET VARIABLE CP_RECORDING "55555555-5555-4555-8555-555555555555"')
        await request.command(f'SET VARIABLE CP_STAGE "{stage}"')

    async with agi_peer(rig.agi_port, script):
        await dial(phone, "*568001").wait_ended()

    assert [UNAVAILABLE] == [round(tone, -2) for tone in phone.tones()]
    assert [] == list(rig.spool.iterdir())


async def test_an_unknown_code_is_said(rig: DialplanRig, phone: RawPhone) -> None:
    """An extension that dials a code nobody made hears that it is not in use."""
    await dial(phone, "*99").wait_ended()

    assert [TONES["feature-unknown"]] == [round(tone, -2) for tone in phone.tones()]


async def test_the_unavailable_prompt_is_in_the_language_of_the_tenant(
    rig: DialplanRig, phone: RawPhone
) -> None:
    """The prompts of the dialplan follow the tenant's language."""
    await dial(phone, "*56", domain="acme.example").wait_ended()

    assert [UNAVAILABLE + PORTUGUESE] == [round(tone, -2) for tone in phone.tones()]


async def test_a_caller_from_outside_is_refused(rig: DialplanRig, phone: RawPhone) -> None:
    """Without a log-in a feature code does not exist, and the server hears nothing of it."""
    async with agi_peer(rig.agi_port, end) as peer:
        call = phone.call("*568001")
        await call.wait_ended()

    assert (404, []) == (call.statuses[-1], peer.requests)


@pytest.mark.parametrize("domain", ["127.0.0.1", "localhost", "acme.example"])
async def test_an_extension_in_from_is_challenged(rig: DialplanRig, phone: RawPhone, domain: str) -> None:
    """Who writes an extension's number into From is asked for its password, not let through as outside."""
    async with agi_peer(rig.agi_port, end) as peer:
        call = phone.call("*568001", user="101", domain=domain)
        await call.wait_ended()

    assert ([401], []) == ([status for status in call.statuses if status >= 200], peer.requests)


async def test_a_wrong_password_is_refused(rig: DialplanRig, phone: RawPhone) -> None:
    """A wrong password ends in a refusal."""
    call = phone.call("*568001", user="101", password="wrong")
    await call.wait_ended()

    assert 401 == call.statuses[-1]


async def test_the_password_of_another_extension_is_refused(rig: DialplanRig, phone: RawPhone) -> None:
    """102's log-in does not let anybody in as 101."""
    call = phone.call("*568001", user="101", login="102", password="password-102")
    await call.wait_ended()

    assert 401 == call.statuses[-1]
