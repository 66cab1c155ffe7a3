"""mod_voicemail as the rendered files run it: it takes messages of known mailboxes, and does nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.rendering.context_freeswitch import MailboxContext
from controlplane.storage.wav import duration_ms
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import FreeswitchRig, run_freeswitch
from tests.support.product import until, until_told
from tests.support.raw_sip import RawCall, RawPhone
from tests.support.rig import DEFAULT, MAILBOX, OWN_GREETING, TONES, write_tone

SHORT, UNKNOWN = UUID(int=8002), UUID(int=8003)
DOMAIN = f"cp-voicemail-{DEFAULT}"
BEEP = 1000.0


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered dialplan with mod_voicemail; nobody answers its socket."""
    tree = find_freeswitch(os.environ, progress=lambda _: None, also_needed=("mod_voicemail",))
    boxes = (
        MailboxContext(id=MAILBOX, language="en", max_message_seconds=300),
        MailboxContext(id=SHORT, language="en", max_message_seconds=2),
    )
    with run_freeswitch(tree, tmp_path_factory.mktemp("native"), mailboxes=boxes) as running:
        running.route("8002", "mailbox", SHORT)
        running.route("8003", "mailbox", UNKNOWN)
        write_tone(running.home / f"configuration/greetings/{SHORT}.wav", OWN_GREETING)
        yield running


@pytest.fixture
async def phone(rig: FreeswitchRig) -> AsyncIterator[RawPhone]:
    """Open a phone."""
    async with RawPhone(("127.0.0.1", rig.sip_port)).opened() as opened:
        yield opened


async def speak(phone: RawPhone, frames: int) -> None:
    """Send so many frames of 20 ms."""
    for _ in range(frames):
        await phone.media_sent()


async def heard_the_beep(phone: RawPhone, number: str, **options: object) -> RawCall:
    """Dial, and wait for the beep."""
    call = phone.call(number, **options)  # type: ignore[arg-type]  # passed on
    await call.wait_answered()
    await call.wait_tone(BEEP)
    return call


async def listed(rig: FreeswitchRig, mailbox: UUID) -> list[dict[str, str]]:
    """Return what mod_voicemail says of the messages of a mailbox."""
    ours = f"json shared-voicemail {DOMAIN} {mailbox}"
    said = await rig.ask(f"vm_fsdb_msg_list {ours} inbox not-read")
    if not said:  # It says nothing at all where it has none.
        return []
    found = json.loads(said)
    ids = [found[f"VM-List-Message-{count + 1}-UUID"] for count in range(int(found["VM-List-Count"]))]
    return [json.loads(await rig.ask(f"vm_fsdb_msg_get {ours} {each}")) for each in ids]


async def new_ones(rig: FreeswitchRig, before: set[str]) -> list[dict[str, str]]:
    """Wait until there are messages besides those of before: rows are written some time after the audio."""
    found: list[dict[str, str]] = []

    async def there_are() -> bool:
        found[:] = [each for each in await listed(rig, MAILBOX) if each["VM-Message-UUID"] not in before]
        return bool(found)

    await until_told(there_are, "a row of mod_voicemail")
    return found


async def test_a_message_is_with_mod_voicemail(rig: FreeswitchRig, phone: RawPhone) -> None:
    """It has the caller, its audio below the spool, and what mod_voicemail does not keep beside the spool."""
    call = await heard_the_beep(phone, "8001", user="5551234", name=b"Bob")
    await speak(phone, 150)
    call.hang_up()
    await call.wait_ended()
    folder = rig.spool / "native" / DOMAIN / str(MAILBOX)
    await until(lambda: any(duration_ms(each) > 1000 for each in folder.glob("msg_*.wav")), "a message")
    (message,) = await new_ones(rig, set())
    (facts,) = rig.spool.glob(".native-*.facts")

    assert ("Bob", "5551234") == (message["VM-Message-Caller-Name"], message["VM-Message-Caller-Number"])
    assert f".native-{message['VM-Message-UUID']}.facts" == facts.name
    assert f"tenant={DEFAULT};mailbox={MAILBOX}" in facts.read_text()
    assert [] == list(rig.spool.glob("fb-*"))
    assert any(abs(tone - TONES["greeting-standard"]) < 25 for tone in phone.tones())


async def test_mailbox_that_it_does_not_know_is_recorded_by_the_dialplan(
    rig: FreeswitchRig, phone: RawPhone
) -> None:
    """A mailbox made a moment ago may not be in its directory: the caller is recorded all the same."""
    call = phone.call("8003")
    await call.wait_answered()
    await call.wait_tone(TONES["beep"])
    await speak(phone, 100)
    call.hang_up()
    await call.wait_ended()
    await until(lambda: any(duration_ms(each) > 1000 for each in rig.spool.glob("fb-*-1.wav")), "a take")
    for path in rig.spool.glob("fb-*"):
        path.unlink()

    assert not (rig.spool / "native" / DOMAIN / str(UNKNOWN)).exists()


async def test_longest_message_is_the_mailboxs(rig: FreeswitchRig, phone: RawPhone) -> None:
    """The switch ends it, and thanks; the greeting is the mailbox's own."""
    await heard_the_beep(phone, "8002")
    (call,) = phone.calls.values()
    await call.wait_tone(TONES["thank-you"])
    await call.wait_ended()
    (path,) = (rig.spool / "native" / DOMAIN / str(SHORT)).glob("msg_*.wav")

    assert 1500 < duration_ms(path) < 3500
    assert any(abs(tone - OWN_GREETING) < 25 for tone in phone.tones())


@pytest.mark.parametrize(
    "name", [b"O'Brien", b"a:b</cid-name><x>", b"%2524%257Bsystem(touch x)%257D", b"Bob%0AVM-UUID%3A x"]
)
async def test_hostile_name_is_one_value_of_one_row(rig: FreeswitchRig, phone: RawPhone, name: bytes) -> None:
    """Quotes, markup, an expansion and a line's end in a caller's name make no row and no field."""
    before = {each["VM-Message-UUID"] for each in await listed(rig, MAILBOX)}
    call = await heard_the_beep(phone, "8001", user="777", name=name)
    await speak(phone, 100)
    call.hang_up()
    await call.wait_ended()
    (message,) = await new_ones(rig, before)

    assert "777" == message["VM-Message-Caller-Number"]
    assert message["VM-Message-Caller-Name"][:1] in {"O", "a", "%", "B"}
    assert not (Path.cwd() / "x").exists()
