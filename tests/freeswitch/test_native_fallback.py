"""With `fallback = native` mod_voicemail takes messages while `calls` is away, and they come home once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.entrypoints.private_settings import ENVIRONMENT_FILE, read_environment
from controlplane.switches.freeswitch.inbound import InboundClient
from tests.support.processes import open_folder
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import RawPhone

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A mailbox, and the domain in which mod_voicemail knows it."""

    number: str
    id: str
    domain: str
    name: str


@pytest.fixture(scope="module")
def native() -> Iterator[Product]:
    """Run a product whose fall-back is mod_voicemail."""
    with open_folder() as folder:
        running = Product.start(folder / "state", switch="freeswitch", CONTROLPLANE_FALLBACK="native")
        log = folder / "state" / "log" / "events.log"
        asyncio.run(until(lambda: "events.connected" in log.read_text(), "who listens", seconds=60))
        yield running

        assert running.instance.stop() == 0, running.instance.last_words()


@asynccontextmanager
async def asking(product: Product) -> AsyncIterator[InboundClient]:
    """Connect to the switch of a product, to see what it has."""
    environment = read_environment((product.instance.state_dir / ENVIRONMENT_FILE).read_text())
    port = int(environment["CONTROLPLANE_EVENT_SOCKET__PORT"])
    password = environment["CONTROLPLANE_EVENT_SOCKET__PASSWORD"]
    async with InboundClient.connected("127.0.0.1", port, password=password, seconds=10) as client:
        yield client


@asynccontextmanager
async def stopped(product: Product, *names: str) -> AsyncIterator[None]:
    """Kill parts, and hold the supervisor still so that they stay dead until the block ends."""
    os.kill(product.instance.pid, signal.SIGSTOP)
    try:
        for name in names:
            product.kill(name)
        yield
    finally:
        os.kill(product.instance.pid, signal.SIGCONT)
    await product.wait_until_ready(seconds=60)


async def mailbox(product: Product, name: str, **fields: object) -> Box:
    """Make a mailbox that mod_voicemail knows."""
    number = await product.mailbox(display_name=name, email_notification=True, **fields)
    async with product.api() as api:
        answer = await api.patch(f"/mailboxes/{number}", json={"email_recipients": [f"{number}@example.org"]})
    assert answer.status_code == 200, answer.text
    routes = Path(product.ready["configuration_dir"]) / "routes"
    (route,) = routes.glob(f"*/{number[-2:]}/{number}")
    box = Box(
        number=number, id=answer.json()["id"], name=name, domain=f"cp-voicemail-{route.parents[1].name}"
    )
    async with asking(product) as client:
        for _ in range(300):
            if await client.api(f"user_exists id {box.id} {box.domain}") == "true":
                return box
            await asyncio.sleep(0.1)
    raise AssertionError(f"mod_voicemail does not know {number}")


async def held(product: Product, box: Box) -> int:
    """Return how many messages mod_voicemail has for a mailbox."""
    async with asking(product) as client:
        answer = await client.api(f"vm_list {box.id}@{box.domain}/shared-voicemail")
    # FreeSWITCH says so when a command has nothing to say.
    return len([line for line in answer.splitlines() if line.strip() and line != "-ERR no reply"])


async def empty(product: Product, *boxes: Box) -> None:
    """Wait until mod_voicemail has nothing left."""
    for _ in range(150):
        if not any([await held(product, box) for box in boxes]):
            return
        await asyncio.sleep(0.2)
    raise AssertionError("mod_voicemail still has messages")


async def leave(product: Product, box: Box, wavs: list[Path]) -> None:
    """Hear the mailbox's own greeting, speak on and on, and be thanked when it is too long."""
    async with product.phone("101") as phone:
        call = await phone.dial(box.number)
        await call.expect_to_hear(Greeting(display_name=box.name))
        await call.expect_beep()
        for wav in wavs:
            await call.call.say(wav, wait=wav is not wavs[-1])
        await call.expect_to_hear(Prompt.THANK_YOU, seconds=20)
        await call.expect_the_end()


async def test_messages_left_while_calls_is_away_come_home_once(
    native: Product, message_wav: Path, second_wav: Path
) -> None:
    """Two mailboxes with their own greeting and length: both messages are stored, mailed, and gone there."""
    short = await mailbox(native, "Short Team", max_message_seconds=2)
    long = await mailbox(native, "Long Team", max_message_seconds=7)
    async with RawPhone((native.server.address, native.server.port)).opened() as lamp:
        assert 202 == await lamp.subscribe(long.number, user="101", password=native.passwords["101"])
        await until(lambda: lamp.lamps[-1:] == ["no 0/0"], "the first word about the lamp")
        async with stopped(native, "calls", "jobs"):
            await leave(native, short, [message_wav])
            await leave(native, long, [message_wav, second_wav])
            assert (1, 1) == (await held(native, short), await held(native, long))
        (brief,) = await native.wait_for_messages(short.number, 1, seconds=120)
        (full,) = await native.wait_for_messages(long.number, 1, seconds=120)
        await native.wait_for_mail(short.number, seconds=60)
        await native.wait_for_mail(long.number, seconds=60)
        await empty(native, short, long)
        await until(lambda: lamp.lamps[-1] == "yes 1/0", "the lamp")
        async with RawPhone((native.server.address, native.server.port)).opened() as later:
            await later.subscribe(long.number, user="101", password=native.passwords["101"])
            # The first word is mod_voicemail's, which knows nothing; the last one is ours.
            await until(lambda: later.lamps[-1:] == ["yes 1/0"], "the lamp of a phone that came later")
        async with native.api() as api:
            await api.patch(f"/messages/{full['id']}", json={"state": "saved"})
            await until(lambda: lamp.lamps[-1] == "no 0/1", "the lamp of what was heard")
            await api.delete(f"/messages/{full['id']}")
            await until(lambda: lamp.lamps[-1] == "no 0/0", "the lamp of an empty mailbox")

    assert ("101", "101") == (brief["caller_number"], full["caller_number"])
    assert 1500 < brief["duration_ms"] < 3500
    assert 6500 < full["duration_ms"] < 8500
    assert [] == [path.name for path in Path(native.ready["spool_dir"]).glob(".native-*")]


async def test_no_key_gets_in(native: Product, message_wav: Path) -> None:
    """Keys in the greeting of mod_voicemail lead to the beep and to no log-in; the message comes home."""
    box = await mailbox(native, "Key Team", max_message_seconds=3)
    async with stopped(native, "calls", "jobs"), native.phone("101") as phone:
        call = await phone.dial(box.number)
        await until(lambda: call.heard.first_sound() is not None, "the greeting")
        for key in "0*":
            await call.press(key)
        await call.expect_beep()
        await call.call.say(message_wav, wait=False)
        await call.expect_to_hear(Prompt.THANK_YOU, seconds=20)
        await call.expect_the_end()
    await native.wait_for_messages(box.number, 1, seconds=120)
    await empty(native, box)
    log = (native.instance.state_dir / "freeswitch" / "log" / "freeswitch.log").read_text(errors="replace")

    # The first thing that it would say there, and for which we render nothing.
    assert "voicemail_hello" not in log


def test_no_pin_is_in_any_rendered_file(native: Product) -> None:
    """mod_voicemail knows no PIN of any mailbox, nor its hash."""
    live = Path(native.ready["configuration_dir"]) / "live" / "freeswitch"
    text = "".join(path.read_text() for path in live.rglob("*") if path.is_file())

    assert "vm-password" not in text
    assert PIN not in text
    assert native.ready["mailbox"]["pin"] not in text
