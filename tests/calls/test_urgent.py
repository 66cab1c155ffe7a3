"""A message that its caller marked as urgent, by real calls: heard first, told so, and counted by lamps."""

from __future__ import annotations

from pathlib import Path

from controlplane.callflows.prompts import FromNumber, MessageCounts, Prompt
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import RawPhone

SAYS_URGENT = {"asterisk": "0/0", "freeswitch": "1/0"}
"""What each switch tells of urgent messages: Asterisk never tells a number."""


async def test_urgent_message_is_heard_first(product: Product, message_wav: Path) -> None:
    """Two callers, the second presses 4: a member hears that one first, and its lamp counts it."""
    box = await product.mailbox(review=True)
    for number, keys in (("101", "1"), ("102", "41")):
        async with product.phone(number) as phone:
            call = await phone.dial(box)
            await call.expect_beep()
            await call.say(message_wav)
            await call.press("#")
            await call.expect_to_hear(Prompt.REVIEW_MENU)
            for key in keys:
                await call.press(key)
                if key == "4":
                    await call.expect_to_hear(Prompt.MARKED_URGENT, Prompt.REVIEW_MENU)
            await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await product.wait_for_messages(box, 1 if number == "101" else 2)
    password = product.passwords["102"]
    async with RawPhone(product.sip).opened() as lamp, product.phone("101") as phone:
        assert await lamp.subscribe(box, user="102", password=password) in {200, 202}
        shown = f"2/0 ({SAYS_URGENT[product.ready['switch']]})"
        await until(lambda: shown in lamp.summaries, f"the lamp {shown}", seconds=20)
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE)
        await call.expect_to_hear(Prompt.URGENT_MESSAGE, FromNumber(number="102"))
        await call.expect_sound(message_wav, "the urgent message")
        await call.expect_to_hear(Prompt.MESSAGE_MENU)
        await call.press("6")
        await call.expect_to_hear(Prompt.NEXT_MESSAGE, FromNumber(number="101"))
        await call.hang_up()

    assert [(m["caller_number"], m["urgent"]) for m in await product.messages(box)] == [
        ("102", True),
        ("101", False),
    ]
