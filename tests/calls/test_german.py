"""German by real calls: flows, dialplan, mail and page; what is expected to be heard are German files."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.callflows.prompts import (
    FromNumber,
    Greeting,
    MessageCounts,
    Prompt,
    ReceivedAt,
    Utterance,
)
from controlplane.domain.mailbox import SayDatetime
from tests.support.product import PIN, Product, until

GERMAN = "de"
NAME = "Vertrieb"


async def _german_mailbox(product: Product, **fields: Any) -> str:
    return await product.mailbox(display_name=NAME, **{"language": "de-DE", **fields})


async def _leave(product: Product, box: str, wav: Path) -> dict[str, Any]:
    """Leave a message by a call of extension 102; return the newest one."""
    before = len(await product.messages(box))
    async with product.phone("102") as phone:
        call = await phone.dial(box, language=GERMAN)
        await call.expect_beep()
        await call.say(wav)
        await call.hang_up()
    return (await product.wait_for_messages(box, before + 1))[0]


def _is_spoken(product: Product, utterance: Utterance) -> bool:
    """Say whether there are files for all of it, in German and not in English."""
    texts = product.prompts.texts(utterance, GERMAN)
    files = product.prompts.files(utterance, GERMAN)
    return len(files) == len(texts) > 0 and all(
        path.is_relative_to(product.prompts.root / GERMAN) for path in files
    )


@asynccontextmanager
async def _without_calls(product: Product) -> AsyncIterator[None]:
    """Kill `calls`, and hold the supervisor still, so that it stays dead."""
    os.kill(product.instance.pid, signal.SIGSTOP)
    product.kill("calls")
    try:
        yield
    finally:
        os.kill(product.instance.pid, signal.SIGCONT)
        await product.wait_until_ready(seconds=60)


async def _set_language(product: Product, language: str) -> None:
    """Change what the tenant speaks, and wait until the switch runs it."""
    async with product.api() as api:
        answer = await api.patch("/tenants/default", json={"language": language})
        assert answer.status_code == 200, answer.text
    await product.wait_until_published(seconds=60)


@pytest.fixture
async def german_tenant(product: Product) -> AsyncIterator[None]:
    """Let the tenant speak German for a test."""
    await _set_language(product, GERMAN)
    yield
    await _set_language(product, "en")


def test_german_is_spoken_before_the_first_call(product: Product) -> None:
    """Every prompt and count has its German file, so that no test here is content with an English one."""
    counts = [MessageCounts(new=n, saved=n) for n in (1, 2, 21, 101)]

    assert [] == [what for what in (*Prompt, *counts) if not _is_spoken(product, what)]


async def test_a_caller_is_greeted_corrected_and_thanked(product: Product, message_wav: Path) -> None:
    """Greeting with the name, beep, too short, once more, sent: all in German."""
    box = await _german_mailbox(product, min_message_seconds=2)
    async with product.phone("101") as phone:
        call = await phone.dial(box, language=GERMAN)
        await call.expect_to_hear(Greeting(display_name=NAME))
        await call.expect_beep()
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1)

    assert (message["caller_number"], message["state"]) == ("101", "new")


@pytest.mark.timeout(300)  # four calls, of which two hear everything
async def test_a_member_hears_keeps_and_deletes(product: Product, message_wav: Path) -> None:
    """A wrong PIN, the right one, counts, caller and time, keep, delete, goodbye: all in German."""
    box = await _german_mailbox(product, say_datetime="24h")
    messages = [await _leave(product, box, message_wav) for _ in range(2)]
    envelopes = [
        ReceivedAt(at=datetime.fromisoformat(message["received_at"]), clock=SayDatetime.H24)
        for message in messages
    ]
    for utterance in (FromNumber(number="102"), *envelopes):
        await until(lambda utterance=utterance: _is_spoken(product, utterance), f"the file of {utterance}")
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}", language=GERMAN)
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press("999111#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE)
        await call.expect_to_hear(FromNumber(number="102"), envelopes[0])
        await call.expect_sound(message_wav, "the first message")
        await call.expect_to_hear(Prompt.MESSAGE_MENU)
        await call.press("2")
        await call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NEXT_MESSAGE)
        await call.expect_to_hear(FromNumber(number="102"), envelopes[1])
        await call.press("7")
        await call.expect_to_hear(Prompt.MESSAGE_DELETED)
        await call.press("#")
        await call.expect_to_hear(Prompt.GOODBYE)
        await call.expect_the_end()
        kept = [message["id"] for message in await product.messages(box, "saved")]
        trashed = [message["id"] for message in await product.messages(box, "deleted")]

        assert (kept, trashed) == ([messages[0]["id"]], [messages[1]["id"]])
        again = await phone.dial(f"*56{box}", language=GERMAN)
        await again.expect_to_hear(Prompt.ENTER_PIN)
        await again.press(f"{PIN}#")
        await again.expect_to_hear(MessageCounts(new=0, saved=1))
        await again.hang_up()


async def test_three_wrong_pins_end_the_call(product: Product) -> None:
    """After the third wrong PIN goodbye is said in German."""
    box = await _german_mailbox(product)
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}", language=GERMAN)
        for _ in range(3):
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press("999111#")
        await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
        await call.expect_the_end()


async def test_mail_and_page_are_german(product: Product, message_wav: Path) -> None:
    """The mail about a German mailbox's message and the page behind its link are in German."""
    box = await _german_mailbox(product, email_notification=True)
    async with product.api() as api:
        answer = await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
        assert answer.status_code == 200, answer.text
    await _leave(product, box, message_wav)
    mail = await product.wait_for_mail(box)
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(r"https?://\S+/m/\S+", body.get_content())
    assert link is not None
    async with httpx.AsyncClient() as browser:
        page = await browser.get(link.group())

    assert mail["Subject"].startswith(f"Neue Nachricht für {NAME} ({box}) von ")
    assert '<html lang="de"' in page.text


async def test_before_a_mailbox_is_known_the_tenant_speaks(product: Product, german_tenant: None) -> None:
    """The bare code, an unknown mailbox, an unknown number and an unknown code are met in German."""
    async with product.phone("101") as phone:
        call = await phone.dial("*56", language=GERMAN)
        await call.expect_to_hear(Prompt.ENTER_MAILBOX)
        await call.press("777888#")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.hang_up()
        for dialled, said in (("899999", Prompt.NUMBER_UNKNOWN), ("*99", Prompt.FEATURE_UNKNOWN)):
            call = await phone.dial(dialled, language=GERMAN)
            await call.expect_to_hear(said)
            await call.expect_the_end()


async def test_the_dialplan_speaks_german_by_itself(
    product: Product, german_tenant: None, message_wav: Path
) -> None:
    """With `calls` dead the dialplan greets, thanks and refuses to play in German; the message comes home."""
    box = await product.mailbox(display_name=NAME)
    async with _without_calls(product), product.phone("101") as phone:
        call = await phone.dial(box, language=GERMAN)
        await call.expect_to_hear(Greeting(display_name=NAME))
        await call.expect_beep()
        await call.say(message_wav)
        await call.expect_to_hear(Prompt.THANK_YOU)
        await call.expect_the_end()
        checking = await phone.dial(f"*56{box}", language=GERMAN)
        await checking.expect_to_hear(Prompt.CHECK_UNAVAILABLE)
        await checking.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1, seconds=60)

    assert message["duration_ms"] > 3000
