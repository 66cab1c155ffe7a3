"""Russian by real calls: a language that inflects more than others, in what a caller and a member hear."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

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

RUSSIAN = "ru"
NAME = "Отдел продаж"


def _is_spoken(product: Product, utterance: Utterance) -> bool:
    """Say whether there are files for all of it, in Russian and not in English."""
    texts = product.prompts.texts(utterance, RUSSIAN)
    files = product.prompts.files(utterance, RUSSIAN)
    return len(files) == len(texts) > 0 and all(
        path.is_relative_to(product.prompts.root / RUSSIAN) for path in files
    )


@pytest.mark.timeout(300)  # two calls that hear everything
async def test_a_caller_and_a_member_hear_russian(product: Product, message_wav: Path) -> None:
    """Greeting, thanks, PIN, count, caller, date and time, menu and goodbye: all are Russian files."""
    box = await product.mailbox(display_name=NAME, language="ru-RU", say_datetime="24h")
    async with product.phone("102") as phone:
        call = await phone.dial(box, language=RUSSIAN)
        await call.expect_to_hear(Greeting(display_name=NAME))
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1)
    received = ReceivedAt(at=datetime.fromisoformat(message["received_at"]), clock=SayDatetime.H24)
    one = MessageCounts(new=1, saved=0)
    for utterance in (Greeting(display_name=NAME), *Prompt, one, FromNumber(number="102"), received):
        await until(lambda utterance=utterance: _is_spoken(product, utterance), f"the file of {utterance}")
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}", language=RUSSIAN)
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(one, Prompt.FIRST_MESSAGE)
        await call.expect_to_hear(FromNumber(number="102"), received)
        await call.expect_sound(message_wav, "the message")
        # Said to its end it lasts some 15 s: each key has a sentence of its own.
        await call.expect_to_hear(Prompt.MESSAGE_MENU, seconds=30)
        await call.press("2")
        await call.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES)
        await call.press("#")
        await call.expect_to_hear(Prompt.GOODBYE)
        await call.expect_the_end()

    assert ["saved"] == [each["state"] for each in await product.messages(box, "saved")]
