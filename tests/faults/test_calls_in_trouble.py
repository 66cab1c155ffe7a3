"""Parts of the product die or hang while a caller leaves a message: it is there once, and mailed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.phone.conversation import Conversation
from tests.support.product import Product, until
from tests.support.raw_sip import leave_as

# What docs/operations.md promises: the watchdog's 5 s, and a moment for the dialplan to go on.
LONGEST_SILENCE_SECONDS = 7


@pytest.fixture(autouse=True)
async def whole(product: Product) -> AsyncIterator[None]:
    """Begin and end with every part at work."""
    await product.wait_until_ready(seconds=60)
    yield
    await product.wait_until_ready(seconds=60)


@asynccontextmanager
async def _nobody_restarts(product: Product) -> AsyncIterator[None]:
    """Hold the supervisor still, so that what dies stays dead."""
    os.kill(product.instance.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(product.instance.pid, signal.SIGCONT)


async def _box(product: Product, **fields: object) -> str:
    box = await product.mailbox(email_notification=True, **fields)
    async with product.api() as api:
        answer = await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
    assert answer.status_code == 200, answer.text
    return box


async def _is_there_once(product: Product, box: str, *, seconds: float = 60) -> None:
    """The message is in its mailbox once, with its caller, long enough, and mailed once."""
    await product.wait_until_ready(seconds=seconds)
    (message,) = await product.wait_for_messages(box, 1, seconds=seconds)

    assert message["caller_number"] == "101"
    assert message["duration_ms"] > 3000

    await product.wait_for_mail(box, seconds=seconds)


async def _leave_in_fallback(call: Conversation, wav: Path) -> None:
    """Speak to the dialplan itself, and hang up."""
    await call.expect_beep()
    await call.say(wav)
    await call.hang_up()


async def test_calls_is_away_before_the_call(product: Product, message_wav: Path) -> None:
    """Nobody answers the switch: the dialplan greets with the mailbox's greeting and records by itself."""
    box = await _box(product)
    async with _nobody_restarts(product), product.phone("101") as phone:
        product.kill("calls")
        call = await phone.dial(box)
        await call.expect_to_hear(Greeting(display_name=f"Team {box}"))
        await _leave_in_fallback(call, message_wav)

    await _is_there_once(product, box)


async def test_silent_caller_leaves_nothing_in_the_fallback(product: Product) -> None:
    """Who says nothing to the dialplan leaves no message and no mail, and the spool is empty again."""
    box = await _box(product, min_message_seconds=0)
    spool = Path(product.ready["spool_dir"])
    async with _nobody_restarts(product), product.phone("101") as phone:
        product.kill("calls")
        call = await phone.dial(box)
        await call.expect_beep()
        await call.expect_to_hear(Prompt.THANK_YOU)
        await call.expect_the_end()
    await product.wait_until_ready(seconds=60)
    await until(lambda: not list(spool.glob("fb-*")), "an empty spool", seconds=90)

    assert await product.messages(box) == []
    assert await asyncio.to_thread(product.mails, box) == []


async def test_member_is_never_recorded(product: Product) -> None:
    """With nobody to answer, *56 says that messages cannot be heard now, and records nothing."""
    box = await _box(product)
    async with _nobody_restarts(product), product.phone("101") as phone:
        product.kill("calls")
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.CHECK_UNAVAILABLE)
        await call.expect_the_end()
    await product.wait_until_ready(seconds=60)
    spool = Path(product.ready["spool_dir"])

    assert [path.name for path in spool.glob("fb-*")] == []
    assert await product.messages(box) == []


async def test_calls_is_killed_during_the_greeting(product: Product, message_wav: Path) -> None:
    """Killed while it greets: the dialplan goes on, greets again and records."""
    box = await _box(product)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await until(lambda: call.heard.first_sound() is not None, "the greeting")
        product.kill("calls")
        await _leave_in_fallback(call, message_wav)

    await _is_there_once(product, box)


async def test_calls_is_killed_during_the_recording(product: Product, message_wav: Path) -> None:
    """Killed while it records: the recording goes on, the caller hangs up, the message is there."""
    box = await _box(product)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.call.say(message_wav, wait=False)
        product.kill("calls")
        await until(lambda: call.call._said > 0, "the end of what is said")
        await call.hang_up()

    await _is_there_once(product, box)


async def test_calls_is_killed_in_the_review_menu(product: Product, message_wav: Path) -> None:
    """Killed in the review menu: the dialplan thanks, and what was recorded is delivered."""
    box = await _box(product, review=True)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.REVIEW_MENU)
        product.kill("calls")
        await call.expect_to_hear(Prompt.THANK_YOU)
        await call.expect_the_end()

    await _is_there_once(product, box)


@pytest.mark.parametrize("moment", ["greeting", "recording", "review"])
async def test_calls_hangs(product: Product, message_wav: Path, moment: str) -> None:
    """Stopped by SIGSTOP: the caller is not left in silence, the process is replaced, nothing is lost."""
    box = await _box(product, review=moment == "review")
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        if moment == "greeting":
            await until(lambda: call.heard.first_sound() is not None, "the greeting")
            old = product.kill("calls", signal.SIGSTOP)
            await _leave_in_fallback(call, message_wav)
        else:
            await call.expect_beep()
            await call.say(message_wav)
            if moment == "review":
                await call.press("#")
                await call.expect_to_hear(Prompt.REVIEW_MENU)
            old = product.kill("calls", signal.SIGSTOP)
            await call.hang_up()
    await product.wait_for_restart("calls", old)

    await _is_there_once(product, box)


async def test_calls_hangs_before_the_call(product: Product, message_wav: Path) -> None:
    """A caller who comes while `calls` hangs waits for its watchdog, and is then greeted by the dialplan."""
    box = await _box(product)
    async with product.phone("101") as phone:
        old = product.kill("calls", signal.SIGSTOP)
        call = await phone.dial(box, answered=False)
        await until(
            lambda: call.heard.first_sound() is not None, "the greeting", seconds=LONGEST_SILENCE_SECONDS
        )
        await _leave_in_fallback(call, message_wav)
    await product.wait_for_restart("calls", old)

    await _is_there_once(product, box)


async def test_command_for_a_name_runs_nothing_in_the_fallback(product: Product, tmp_path: Path) -> None:
    """A caller's name that is a command once it was decoded twice: it runs none, and the message is there."""
    box = await _box(product, min_message_seconds=1)
    witness = tmp_path / "ran"
    async with _nobody_restarts(product):
        product.kill("calls")
        await leave_as(product.sip, box, f"%2524%257Bsystem(touch {witness})%257D")
    (message,) = await product.wait_for_messages(box, 1, seconds=60)
    await product.wait_for_mail(box)

    assert message["caller_number"] == "5551234"
    assert not witness.exists()


async def test_postgres_is_away_from_the_beep_on(product: Product, message_wav: Path) -> None:
    """The database stops at the beep: the recording waits in the spool and comes home later."""
    box = await _box(product)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        async with _nobody_restarts(product):
            product.kill("postgres", signal.SIGINT)
            await call.say(message_wav)
            await call.press("#")
            await call.expect_to_hear(Prompt.MESSAGE_SENT, seconds=20)
            await call.expect_the_end()

    await _is_there_once(product, box)


async def test_postgres_is_away_at_the_hangup(product: Product, message_wav: Path) -> None:
    """The database stops just before the caller hangs up."""
    box = await _box(product)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        async with _nobody_restarts(product):
            product.kill("postgres", signal.SIGINT)
            await call.hang_up()

    await _is_there_once(product, box)


async def test_postgres_is_away_before_the_call(product: Product, message_wav: Path) -> None:
    """Without a database the flow gives the call to the dialplan within seconds."""
    box = await _box(product)
    async with _nobody_restarts(product), product.phone("101") as phone:
        product.kill("postgres", signal.SIGINT)
        call = await phone.dial(box)
        await _leave_in_fallback(call, message_wav)

    await _is_there_once(product, box)


async def test_switch_is_killed_while_recording(product: Product, message_wav: Path) -> None:
    """The switch dies in mid-recording: what it wrote is repaired and delivered once."""
    box = await _box(product)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        old = product.kill("switch")
    await product.wait_for_restart("switch", old, seconds=60)
    (message,) = await product.wait_for_messages(box, 1, seconds=90)
    await product.wait_for_mail(box)

    assert message["caller_number"] == "101"
    assert message["duration_ms"] > 1000


async def test_jobs_is_killed_before_the_mail(product: Product, message_wav: Path) -> None:
    """The worker dies with the mail still to send: the next one sends it."""
    box = await _box(product)
    async with _nobody_restarts(product), product.phone("101") as phone:
        product.kill("jobs")
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        assert await asyncio.to_thread(product.mails, box) == []

    await _is_there_once(product, box)
