"""Forwarding with a note, calling back, and leaving a message elsewhere, by real calls."""

from __future__ import annotations

from pathlib import Path

from controlplane.callflows.prompts import Greeting, MessageCounts, Prompt
from tests.support.product import Product


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
