"""The rendered configuration as a real FreeSWITCH reads it, and the fall-back by real calls."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from controlplane.domain.message import TakeFacts
from controlplane.storage.spool import FileSpool
from controlplane.storage.wav import duration_ms
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.dialplan_rig import (
    ACME,
    ALICE,
    DEFAULT,
    MAILBOX,
    OWN_GREETING,
    PORTUGUESE,
    TONES,
    write_tone,
)
from tests.support.freeswitch_rig import FreeswitchRig, run_freeswitch
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.live import without_freeswitch
from tests.support.product import until
from tests.support.raw_sip import RawPhone

pytestmark = pytest.mark.skipif(without_freeswitch() != "", reason=without_freeswitch())

BEEP = TONES["beep"]
UNKNOWN = TONES["number-unknown"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered dialplan; nobody answers its socket."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture
async def phone(rig: FreeswitchRig) -> AsyncIterator[RawPhone]:
    """Open a phone; the spool is empty."""
    for path in rig.spool.iterdir():
        path.unlink()
    async with RawPhone(("127.0.0.1", rig.sip_port)).opened() as opened:
        yield opened


def facts(rig: FreeswitchRig) -> TakeFacts:
    """Return what is known of the only take in the spool."""
    (entry,) = FileSpool(rig.spool).entries()
    found = FileSpool(rig.spool).read_facts(entry, switch="freeswitch")
    assert found is not None
    return found


async def leave(phone: RawPhone, **options: object) -> None:
    """Speak for two seconds behind the beep of 8001, and hang up."""
    call = phone.call("8001", **options)  # type: ignore[arg-type]  # passed on
    await call.wait_answered()
    await call.wait_tone(BEEP)
    for _ in range(100):
        await phone.media_sent()
    call.hang_up()
    await call.wait_ended()


def test_nothing_is_complained_about(rig: FreeswitchRig) -> None:
    """A start with the rendered files leaves no error in the log."""
    assert [] == [line for line in rig.log.splitlines() if "[ERR]" in line or "[CRIT]" in line]


async def test_the_revision_and_the_users_can_be_asked_for(rig: FreeswitchRig) -> None:
    """The digest of the tree is a global variable, and the directory lists the extensions of all tenants."""
    users = await rig.ask("list_users")
    listed = [line.split("|") for line in users.splitlines()[1:] if "|" in line]

    assert rig.digest == await rig.ask("global_getvar cp_revision")
    assert {("101", "shared-voicemail"), ("102", "shared-voicemail"), ("101", str(ACME))} == {
        (user, domain) for user, _, domain, *_ in listed if domain != "cp-event-socket"
    }


async def test_a_display_name_is_one_value(rig: FreeswitchRig) -> None:
    """A name with a semicolon, quotes and an expansion reaches FreeSWITCH as one harmless text."""
    name = await rig.ask("user_data 101@shared-voicemail var cp_extension_name")

    assert ALICE.replace("$", "S") == name.strip()


async def test_the_same_tree_survives_a_reload(rig: FreeswitchRig) -> None:
    """FreeSWITCH takes the files over once more."""
    assert "+OK [Success]" in await rig.ask("reloadxml")


async def test_a_caller_from_outside_is_recorded_with_the_facts(rig: FreeswitchRig, phone: RawPhone) -> None:
    """Nobody answers the socket: greeting, beep, recording; the file itself says whose it is."""
    await leave(phone, user="5551234", name=b"Bob")
    (path,) = rig.spool.glob("*.wav")
    await until(lambda: duration_ms(path) > 1000, "the recording")
    known = facts(rig)

    assert path.name.startswith(f"fb-{known.call_id}-1")
    assert (DEFAULT, MAILBOX, "5551234", "Bob") == (
        known.tenant_id,
        known.mailbox_id,
        known.caller.number,
        known.caller.name,
    )
    assert any(abs(tone - TONES["greeting-standard"]) < 25 for tone in phone.tones())


async def test_the_spoken_greeting_of_the_mailbox_is_played(rig: FreeswitchRig, phone: RawPhone) -> None:
    """Where the mailbox has a greeting of its own, the caller hears that one."""
    greeting = rig.home / f"configuration/greetings/{MAILBOX}.wav"
    write_tone(greeting, OWN_GREETING)
    try:
        await leave(phone)
    finally:
        greeting.unlink()

    tones = phone.tones()
    assert any(abs(tone - OWN_GREETING) < 25 for tone in tones)
    assert not any(abs(tone - TONES["greeting-standard"]) < 25 for tone in tones)


async def test_an_extension_is_known_by_its_log_in(rig: FreeswitchRig, phone: RawPhone) -> None:
    """Number and name of an authenticated caller are the directory's, whatever its From says."""
    await phone.register("101", "password-101")
    await leave(phone, user="101", password="password-101", name=b"The Boss")

    assert ("101", ALICE.replace("$", "S")) == (facts(rig).caller.number, facts(rig).caller.name)


async def test_a_number_of_ours_in_from_needs_its_password(rig: FreeswitchRig, phone: RawPhone) -> None:
    """Without a log-in nobody passes as an extension."""
    call = phone.call("8001", user="101")
    await call.wait_ended()

    assert 407 in call.statuses
    assert 200 not in call.statuses


async def test_a_wrong_password_is_refused(rig: FreeswitchRig, phone: RawPhone) -> None:
    """A phone with a wrong password is not registered."""
    assert 403 == await phone.register("101", "wrong")


@pytest.mark.parametrize("dialled", ["*568001", "*99", "8765", "x%0Ay"])
async def test_callers_from_outside_reach_numbers_only(
    rig: FreeswitchRig, phone: RawPhone, dialled: str
) -> None:
    """A feature code, an unknown number and a strange one lead to the same sentence."""
    call = phone.call(dialled)
    await call.wait_ended()

    assert any(abs(tone - UNKNOWN) < 25 for tone in phone.tones())


async def test_the_domain_names_the_tenant(rig: FreeswitchRig, phone: RawPhone) -> None:
    """A caller who dials a number at another tenant's domain hears that tenant's language."""
    call = phone.call("8001", domain="acme.example")
    await call.wait_tone(BEEP + PORTUGUESE)
    call.hang_up()
    await call.wait_ended()

    assert any(abs(tone - TONES["greeting-standard"] - PORTUGUESE) < 25 for tone in phone.tones())


async def test_a_member_is_never_recorded(rig: FreeswitchRig, phone: RawPhone) -> None:
    """With nobody to answer, *56 says that messages cannot be heard now, and writes nothing."""
    call = phone.call("*568001", user="101", password="password-101")
    await call.wait_ended()

    assert any(abs(tone - TONES["check-unavailable"]) < 25 for tone in phone.tones())
    assert [] == list(rig.spool.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "%2524%257Bsystem(touch WITNESS)%257D",
        "%24%7Bsystem(touch WITNESS)%7D",
        "Bob%0AUnique-ID%3A%20victim",
        "v=1;mailbox=00000000-0000-0000-0000-000000000000",
        *[text for text in HOSTILE_TEXTS if text.startswith("${") and '"' not in text],
    ],
)
async def test_a_hostile_name_is_a_tag_and_nothing_else(
    rig: FreeswitchRig, phone: RawPhone, tmp_path: Path, name: str
) -> None:
    """Whatever a caller is called: no command runs, and the message is for the mailbox that was dialled."""
    witness = tmp_path / "ran"
    await leave(phone, user="5551234", name=name.replace("WITNESS", str(witness)).encode())

    assert MAILBOX == facts(rig).mailbox_id
    assert not witness.exists()
