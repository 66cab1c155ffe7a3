"""Checking messages with *56 by a real call."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from controlplane.callflows.prompts import MessageCounts, Prompt
from controlplane.phone.conversation import Conversation
from tests.support.product import PIN, Handset, Product, until


async def _leave(product: Product, box: str, wav: Path, *, count: int = 1) -> None:
    """Leave `count` messages by calls of extension 102."""
    async with product.phone("102") as phone:
        for n in range(count):
            call = await phone.dial(box)
            await call.expect_beep()
            await call.say(wav)
            await call.hang_up()
            await product.wait_for_messages(box, n + 1)


async def _log_in(phone: Handset, box: str) -> Conversation:
    call = await phone.dial(f"*56{box}")
    await call.expect_to_hear(Prompt.ENTER_PIN)
    await call.press(f"{PIN}#")
    return call


async def test_new_message_is_heard_and_saved(product: Product, message_wav: Path) -> None:
    """After the PIN come the counts and the message itself; played to its end it is saved."""
    box = await product.mailbox()
    await _leave(product, box, message_wav)
    async with product.phone("101") as phone:
        call = await _log_in(phone, box)
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.expect_sound(message_wav, "the message")
        await call.expect_to_hear(Prompt.MESSAGE_MENU)
        await call.press("#")
        await call.expect_to_hear(Prompt.GOODBYE)
        await call.expect_the_end()
    (message,) = await product.messages(box)
    async with product.api() as api:
        noted = (await api.get("/audit", params={"object": message["id"]})).json()["items"]

    assert message["state"] == "saved"
    assert [("extension 101", "marked_read"), ("extension 101", "heard")] == [
        (entry["author"], entry["action"]) for entry in noted
    ]


async def test_delete_and_undo(product: Product, message_wav: Path) -> None:
    """7 deletes, 7 again takes it back; 7 once more leaves it in the trash."""
    box = await product.mailbox()
    await _leave(product, box, message_wav)
    async with product.phone("101") as phone:
        call = await _log_in(phone, box)
        await call.expect_to_hear(Prompt.FIRST_MESSAGE)
        await call.press("7")
        await call.expect_to_hear(Prompt.MESSAGE_DELETED)
        in_trash = [m["state"] for m in await product.messages(box, "deleted")]
        await call.press("7")
        await call.expect_to_hear(Prompt.MESSAGE_RESTORED)
        restored = [m["state"] for m in await product.messages(box)]
        await call.press("7")
        await call.expect_to_hear(Prompt.MESSAGE_DELETED)
        await call.hang_up()

    assert (in_trash, restored) == (["deleted"], ["new"])
    assert [m["state"] for m in await product.messages(box, "deleted")] == ["deleted"]


async def test_wrong_pin_three_times_ends_the_call(product: Product) -> None:
    """Three wrong PINs: told each time, then goodbye."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}")
        for _ in range(2):
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press("999111#")
            await call.expect_to_hear(Prompt.PIN_INCORRECT)
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press("999111#")
        await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
        await call.expect_the_end()


async def test_lock_holds_over_calls(product: Product) -> None:
    """After five wrong PINs over two calls the right one is refused with the same words."""
    box = await product.mailbox()
    async with product.phone("102") as phone:
        for tries in (3, 2):
            call = await phone.dial(f"*56{box}")
            for _ in range(tries):
                await call.expect_to_hear(Prompt.ENTER_PIN)
                await call.press("999111#")
            if tries == 3:
                await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
            else:
                await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
                await call.press(f"{PIN}#")
                await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
            await call.hang_up()
    async with product.phone("101") as phone:
        call = await _log_in(phone, box)
        await call.expect_to_hear(Prompt.NO_MESSAGES)  # another source is not locked
        await call.hang_up()


async def test_an_extension_opens_its_own_mailbox(product: Product) -> None:
    """`*57` asks for the PIN of the mailbox that the extension owns; one that owns none is told so."""
    box = await product.mailbox()
    async with product.api() as api:
        given = await api.put("/extensions/101/rules", json={"mailbox": box})
    assert 200 == given.status_code, given.text
    async with product.phone("101") as owner, product.phone("102") as other:
        call = await owner.dial("*57")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.hang_up()
        refused = await other.dial("*57")
        await refused.expect_to_hear(Prompt.NO_OWN_MAILBOX)
        await refused.expect_the_end()
    async with product.api() as api:
        await api.put("/extensions/101/rules", json={})


async def test_no_pin_required(product: Product) -> None:
    """A mailbox that asks for no PIN opens at once."""
    box = await product.mailbox(pin_required=False)
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.hang_up()

        assert not call.has_heard(Prompt.ENTER_PIN)


async def test_bare_code_asks_for_the_mailbox(product: Product) -> None:
    """*56 alone asks for the mailbox, then for the PIN."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial("*56")
        await call.expect_to_hear(Prompt.ENTER_MAILBOX)
        await call.press(f"{box}#")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.hang_up()


async def test_unknown_mailbox_sounds_like_a_wrong_pin(product: Product) -> None:
    """A mailbox that does not exist asks for a PIN and refuses it in the same words."""
    async with product.phone("101") as phone:
        call = await phone.dial("*56777888")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT)
        await call.hang_up()


async def test_outside_caller_is_refused_the_code(product: Product) -> None:
    """A caller who is no registered extension reaches numbers and no feature code."""
    box = await product.mailbox(pin_required=False)
    async with product.phone() as phone:
        call = await phone.dial(f"*56{box}", answered=False)
        code = await call.expect_the_end()

        assert (code in {404, 200}, call.has_heard(Prompt.NO_MESSAGES)) == (True, False)


async def test_outside_caller_leaves_a_message(product: Product, message_wav: Path) -> None:
    """A caller from outside reaches the mailbox's number and leaves a message."""
    box = await product.mailbox()
    async with product.phone() as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(box, 1)

    assert message["caller_number"] == "5551234"


@pytest.mark.parametrize("how", ["rfc4733", "info", "in-band"])
async def test_ways_to_send_digits(product: Product, how: str) -> None:
    """Digits by RFC 4733, SIP INFO and in-band tones open a mailbox."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}", digits=how)
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#", how=how)
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.hang_up()


async def test_messages_are_played_oldest_first(
    product: Product, message_wav: Path, second_wav: Path
) -> None:
    """Two new messages are played in the order of their arrival, the next one after key 2."""
    box = await product.mailbox()
    await _leave(product, box, message_wav)
    async with product.phone("102") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(second_wav)
        await call.hang_up()
    await product.wait_for_messages(box, 2)
    async with product.phone("101") as phone:
        call = await _log_in(phone, box)
        await call.expect_to_hear(MessageCounts(new=2, saved=0))
        await call.expect_sound(message_wav, "the first message")
        await call.press("2")
        await call.expect_to_hear(Prompt.MESSAGE_SAVED)
        await call.expect_sound(second_wav, "the second message")
        await call.hang_up()

        async def states() -> list[str]:
            return [message["state"] for message in await product.messages(box)]

        assert sorted(await states()) in (["new", "saved"], ["saved", "saved"])


async def test_five_devices_of_one_extension(product: Product) -> None:
    """One extension is registered on five devices, and each of them rings."""
    async with AsyncExitStack() as stack:
        devices = [
            await stack.enter_async_context(product.phone("101", device=f"d{number}")) for number in range(5)
        ]
        caller = await stack.enter_async_context(product.phone("102"))
        call = await caller.dial("101", answered=False)
        rung = [await device.phone.incoming() for device in devices]
        await devices[0].phone.answer(rung[0][0])
        await call.call.answered()
        await call.hang_up()
        await until(lambda: all(incoming.is_over for incoming, _ in rung), "the end of all")

    assert len(rung) == 5
