"""Leaving a message by a real call, in all ways it can end."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.phone.reader import Reader, alike
from controlplane.phone.sound import Heard
from tests.support.live import SENTENCE
from tests.support.product import Product, until


async def test_message_ended_by_key_is_stored_with_its_caller(
    product: Product, message_wav: Path, reader: Reader, tmp_path: Path
) -> None:
    """A caller hears the greeting and the beep, speaks, presses # and is thanked; the words are stored."""
    box = await product.mailbox(display_name="Sales")
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_to_hear(Greeting(display_name="Sales"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1)

    assert (message["caller_number"], message["state"]) == ("101", "new")
    assert abs(message["duration_ms"] - Heard.of(message_wav).seconds * 1000) < 1500
    stored = await product.audio(message["id"], tmp_path / "stored.wav")
    assert alike(SENTENCE, reader.text(Heard.of(stored))) > 0.7


async def test_message_ended_by_hangup_is_stored(product: Product, message_wav: Path) -> None:
    """Most callers just hang up; the message is stored once."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(box, 1)

    assert message["duration_ms"] > 3000


async def test_caller_who_says_nothing_leaves_nothing(product: Product) -> None:
    """Silence alone is too short, twice, and is neither a message nor a mail."""
    box = await product.mailbox(
        min_message_seconds=0, email_notification=True, email_recipients=["silent@example.org"]
    )
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT)
        await call.expect_beep()
        await call.expect_to_hear(Prompt.MESSAGE_DROPPED)
        await call.expect_the_end()

    assert await product.messages(box) == []


async def test_message_ended_by_silence_is_stored(product: Product, message_wav: Path) -> None:
    """A caller who stops speaking is thanked after the silence."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
    (message,) = await product.wait_for_messages(box, 1)

    assert message["duration_ms"] > 3000


async def test_message_ended_by_its_maximum_length_is_stored(product: Product, message_wav: Path) -> None:
    """A caller who speaks on is cut at the mailbox's maximum, within a second."""
    box = await product.mailbox(max_message_seconds=2)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.call.say(message_wav, wait=False)
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
    (message,) = await product.wait_for_messages(box, 1)

    assert 1000 <= message["duration_ms"] <= 3000


async def test_greeting_can_be_skipped(product: Product, message_wav: Path) -> None:
    """The pound key during the greeting leads to the beep at once."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.press("#")
        await call.expect_beep(seconds=5)
        skipped = not call.has_heard(Greeting(display_name=f"Team {box}"))
        await call.say(message_wav)
        await call.hang_up()
    await product.wait_for_messages(box, 1)

    assert skipped


async def test_too_short_message_is_asked_for_once_more_and_dropped(product: Product) -> None:
    """Twice nothing: the caller is told, asked once more, then told that nothing was recorded."""
    box = await product.mailbox(min_message_seconds=2)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_TOO_SHORT)
        await call.expect_beep()
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_DROPPED)
        await call.expect_the_end()

    assert await product.messages(box) == []


async def test_review_listen_again_and_send(product: Product, message_wav: Path, second_wav: Path) -> None:
    """In the review menu the caller listens, records again and sends: only the second take is stored."""
    box = await product.mailbox(review=True)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.REVIEW_MENU)
        await call.press("2")
        await call.expect_to_hear(Prompt.REVIEW_MENU)
        await call.press("3")
        await call.expect_beep()
        await call.say(second_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.REVIEW_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1)

    assert abs(message["duration_ms"] - Heard.of(second_wav).seconds * 1000) < 1500


async def test_hangup_in_the_review_menu_delivers(product: Product, message_wav: Path) -> None:
    """A hangup inside the review menu sends the message."""
    box = await product.mailbox(review=True)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.REVIEW_MENU)
        await call.hang_up()

    assert len(await product.wait_for_messages(box, 1)) == 1


async def test_unknown_number_is_said_so(product: Product) -> None:
    """A number that nobody owns is answered in words."""
    async with product.phone("101") as phone:
        call = await phone.dial("899999")
        await call.expect_to_hear(Prompt.NUMBER_UNKNOWN)
        code = await call.expect_the_end()

    assert code in {200, 404}


async def test_disabled_mailbox_is_said_so(product: Product) -> None:
    """A disabled mailbox takes no message and says so."""
    box = await product.mailbox(enabled=False)
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_to_hear(Prompt.MAILBOX_DISABLED)
        await call.expect_the_end()

    assert await product.messages(box) == []


async def test_full_mailbox_says_so_before_the_beep(product: Product, message_wav: Path) -> None:
    """The message that fills it is taken; the next caller is told, and once one is deleted there is room."""
    box = await product.mailbox(max_messages=1)
    async with product.phone("101") as phone:
        first = await phone.dial(box)
        await first.expect_beep()
        await first.say(message_wav)
        await first.hang_up()
        (message,) = await product.wait_for_messages(box, 1)
        refused = await phone.dial(box)
        await refused.expect_to_hear(Prompt.MAILBOX_FULL)
        await refused.expect_the_end()
        kept = await product.messages(box)
        async with product.api() as api:
            await api.delete(f"/messages/{message['id']}")
        again = await phone.dial(box)
        await again.expect_beep()
        await again.hang_up()

    assert [message["id"]] == [each["id"] for each in kept]


async def test_two_callers_at_once(product: Product, message_wav: Path, second_wav: Path) -> None:
    """Two callers leave messages in one mailbox at the same time; both are there."""
    box = await product.mailbox()
    async with product.phone("101") as first, product.phone("102") as second:
        one, two = await first.dial(box), await second.dial(box)
        await one.expect_beep()
        await two.expect_beep()
        await one.call.say(message_wav, wait=False)
        await two.say(second_wav)
        await one.press("#")
        await two.press("#")
        await one.expect_to_hear(Prompt.MESSAGE_SENT)
        await two.expect_to_hear(Prompt.MESSAGE_SENT)
    messages = await product.wait_for_messages(box, 2)

    assert {message["caller_number"] for message in messages} == {"101", "102"}


async def test_caller_who_thinks_with_a_silence_suppressing_phone(
    product: Product, message_wav: Path, switch: str
) -> None:
    """A time without any audio after the beep loses nothing: what is said then is stored.

    Asterisk notices no silence where no audio comes, so the caller may think for long. FreeSWITCH
    fills the gap, and ends the recording as it does with every other phone.
    """
    thinking = {"asterisk": 10.0, "freeswitch": 1.0}[switch]
    box = await product.mailbox()
    async with product.phone("101", silence_suppression=True) as phone:
        call = await phone.dial(box)
        beep = await call.expect_beep()
        await until(lambda: call.heard.seconds > beep + thinking, "the end of thinking")
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
    (message,) = await product.wait_for_messages(box, 1)

    assert message["duration_ms"] > 3000


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_codecs_and_transports(product: Product, message_wav: Path, codec: str, transport: str) -> None:
    """G.711 (both laws) and G.722, over UDP and TCP, leave a message."""
    box = await product.mailbox()
    async with product.phone("101", codec=codec, transport=transport) as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        codec_used = call.call.codec
    (message,) = await product.wait_for_messages(box, 1)

    assert (codec, True) == (codec_used, message["duration_ms"] > 3000)
