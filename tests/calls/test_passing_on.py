"""Forwarding, calling back, and leaving a message elsewhere, by real calls; and what is refused."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from controlplane.callflows.prompts import (
    ByColleague,
    Deed,
    FromNumber,
    Greeting,
    MessageCounts,
    MessageLength,
    Prompt,
    ReceivedAt,
    Utterance,
)
from controlplane.domain.colleague import Colleague
from controlplane.domain.mailbox import SayDatetime
from controlplane.domain.message import whole_seconds
from controlplane.phone.conversation import Conversation
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import leave_as


async def test_message_is_forwarded_and_its_caller_called_back(
    product: Product, message_wav: Path, second_wav: Path
) -> None:
    """101 leaves a message; 102 forwards it with a note, calls 101 back, and leaves one elsewhere."""
    box = await product.mailbox(pin_required=False)
    other = await product.mailbox(display_name="Service", pin_required=False)
    async with product.phone("101") as caller, product.phone("102") as phone:
        call = await caller.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
        await product.wait_for_messages(box, 1)
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.press("8")
        await call.expect_to_hear(Prompt.FORWARD_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.ENTER_MAILBOX)
        await call.press(f"{other}#")
        await call.expect_to_hear(Prompt.NOTE_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
        await call.expect_beep()
        await call.say(second_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
        await call.press("9")
        ringing, _ = await caller.phone.incoming()
        await caller.phone.answer(ringing)
        await call.hang_up()
        (copy,) = await product.wait_for_messages(other, 1)
        call = await caller.dial(f"*56{other}")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.expect_sound(second_wav, "the note")
        await call.expect_sound(message_wav, "the message")
        await call.press("*")
        await call.expect_to_hear(Prompt.MAIN_MENU)
        await call.press("3")
        await call.expect_to_hear(Prompt.ENTER_MAILBOX)
        await call.press(f"{box}#")
        await call.expect_to_hear(Greeting(display_name=f"Team {box}"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
        left = await product.wait_for_messages(box, 2)

    assert ("101", box) == (copy["caller_number"], copy["reached_by"]["path"][-1]["number"])
    assert {"101"} == {message["caller_number"] for message in left}


async def _leave(call: Conversation, words: Path) -> None:
    """Leave a message where the call is, without hearing the greeting."""
    await call.press("#")
    await call.expect_beep()
    await call.say(words)
    await call.hang_up()


async def _envelope(product: Product, box: str) -> list[Utterance]:
    """Return what 5 says of the oldest message of a mailbox, once all of it is spoken."""
    message = (await product.messages(box))[-1]
    said: list[Utterance] = [
        FromNumber(number=message["caller_number"]),
        ReceivedAt(at=datetime.fromisoformat(message["received_at"]), clock=SayDatetime.H12),
        MessageLength(seconds=whole_seconds(message["duration_ms"])),
    ]

    def spoken() -> bool:
        texts = [text for one in said for text in product.prompts.texts(one, "en")]
        return product.prompts.spoken(texts, "en") is not None

    await until(spoken, "the envelope")
    return said


async def test_what_cannot_be_passed_on_is_told(product: Product, message_wav: Path) -> None:
    """Somebody from outside listens, calls nobody back, and leaves a message elsewhere.

    102, who is told of them, hears the envelope, forwards to no mailbox that is full, disabled or not
    there, but to another one without a note and by mail, and calls back no number of the outside.
    """
    other = await product.mailbox(display_name="Service")
    full = await product.mailbox(max_messages=1)
    off = await product.mailbox(enabled=False)
    box = await product.mailbox(log_in_from_greeting=True)
    async with product.api() as api:
        await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
    filling = asyncio.create_task(leave_as(product.sip, full, "Filler"))
    async with product.phone("101") as caller:
        call = await caller.dial(box)
        await _leave(call, message_wav)
    await product.wait_for_messages(box, 1)
    await leave_as(product.sip, box, "Bob")
    await filling
    await product.wait_for_messages(box, 2)
    await product.wait_for_messages(full, 1)
    envelope = await _envelope(product, box)
    async with product.phone() as stranger, product.phone("102") as phone:
        outside = await stranger.dial(box)
        await outside.press("*")
        await outside.expect_to_hear(Prompt.ENTER_PIN)
        await outside.press(f"{PIN}#")
        await outside.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE)
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        listening = ByColleague(deed=Deed.LISTENING, who=Colleague(outside=True))
        await call.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE, listening)
        await outside.press("9")
        await outside.expect_to_hear(Prompt.CALL_BACK_IMPOSSIBLE)
        await outside.press("*3")
        await outside.expect_to_hear(Prompt.ENTER_MAILBOX)
        await outside.press(f"{other}#")
        elsewhere = asyncio.create_task(_leave(outside, message_wav))
        await call.press("5")
        await call.expect_to_hear(*envelope)
        await call.press("81")
        for number, refusal in (
            (full, Prompt.OTHER_FULL),
            (off, Prompt.OTHER_DISABLED),
            ("7999", Prompt.NO_SUCH_MAILBOX),
        ):
            await call.press(f"{number}#")
            await call.expect_to_hear(refusal)
        await call.press(f"81{other}#2")
        await call.expect_to_hear(Prompt.MESSAGE_FORWARDED)
        await elsewhere
        await call.press("82")
        await call.expect_to_hear(Prompt.MESSAGE_MAILED)
        await call.press("6")
        await call.expect_to_hear(Prompt.NEXT_MESSAGE)
        await call.press("9")
        await call.expect_to_hear(Prompt.CALL_BACK_IMPOSSIBLE)
        await call.hang_up()
        there = await product.wait_for_messages(other, 2)
        mail = await product.wait_for_mail(box)

    assert {("101", "mailbox"), ("5551234", "mailbox")} >= {
        (message["caller_number"], step["kind"])
        for message in there
        for step in message["reached_by"]["path"]
    }
    assert {"101", "5551234"} == {message["caller_number"] for message in there}
    assert f"Team {box}" in mail["Subject"]
    assert 2 == len(await product.messages(box))
    assert 1 == len(await product.messages(full))
