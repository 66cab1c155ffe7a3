"""0 and * during the greeting, by real calls."""

from __future__ import annotations

from pathlib import Path

from controlplane.callflows.prompts import MessageCounts, Prompt
from tests.support.product import PIN, Product

FIRST = "Please speak after the tone."
"""Also what RECORD_AFTER_TONE says: heard, and the greeting goes on."""
AND_MORE = (
    "Somebody is here all day and all night, so that you need not leave a message if you do not want to."
)


async def test_0_leads_to_the_operator_and_star_lets_in(product: Product, message_wav: Path) -> None:
    """A caller from outside is sent on by 0, leaves a message there, and hears it by * and the PIN."""
    operator = await product.mailbox(greeting=f"{FIRST} {AND_MORE}", log_in_from_greeting=True)
    box = await product.mailbox(greeting=f"{FIRST} {AND_MORE}", operator_number=operator)
    async with product.phone() as phone:
        call = await phone.dial(box)
        await call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
        await call.press("0")
        await call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(operator, 1)
    async with product.phone() as phone:
        call = await phone.dial(operator)
        await call.expect_to_hear(Prompt.RECORD_AFTER_TONE)
        await call.press("*")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press("999111#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.press("7")
        await call.expect_to_hear(Prompt.MESSAGE_DELETED)
        await call.hang_up()

    (step,) = message["reached_by"]["path"]
    assert ("mailbox", box, "0", "exit_key") == (step["kind"], step["number"], step["key"], step["reason"])
    assert ["deleted"] == [one["state"] for one in await product.messages(operator, "deleted")]
