"""Mailbox options by real calls: a greeting that callers hear, and a PIN that lets in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from controlplane.callflows.prompts import Prompt
from controlplane.phone.conversation import Conversation
from tests.support.product import PIN, Handset, Product, until

WAV_FOLDER = "recorded"


async def test_a_greeting_recorded_by_phone_is_what_callers_hear(
    product: Product, speech: Callable[[str], Path]
) -> None:
    """Recorded, heard back, kept; the next caller hears it. A temporary one goes before it."""
    box = await product.mailbox(display_name="Sales")
    words = speech("This is the sales team. Please tell us your name.")
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU, Prompt.OPTIONS_KEY)
        await call.press("0")
        await call.expect_to_hear(Prompt.OPTIONS_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.GREETING_MENU)
        await call.press("2")
        await call.expect_to_hear(Prompt.RECORD_GREETING)
        await call.expect_beep()
        await call.say(words)
        await call.press("#")
        await call.expect_to_hear(Prompt.RECORDED_MENU)
        await call.press("2")
        await call.expect_sound(words, "what was recorded")
        await call.expect_to_hear(Prompt.RECORDED_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.GREETING_KEPT)
        await call.hang_up()
        folder = product.prompts.root / WAV_FOLDER
        async with product.api() as api:
            heard = (await api.get(f"/mailboxes/{box}/greeting")).content
            await until(
                lambda: any(path.read_bytes() == heard for path in folder.glob("*.wav")), "the greeting"
            )
        call = await phone.dial(box)
        await call.expect_sound(words, "the greeting")
        await call.expect_beep()
        await call.hang_up()
        fair = speech("Our whole team is at the fair today.")
        async with product.api() as api:
            answer = await api.put(
                f"/mailboxes/{box}/greeting",
                params={"kind": "temporary", "last_day": "2199-12-31"},
                content=fair.read_bytes(),
                headers={"Content-Type": "audio/wav"},
            )
            assert 204 == answer.status_code, answer.text
            query = {"kind": "temporary"}
            heard = (await api.get(f"/mailboxes/{box}/greeting", params=query)).content
            await until(
                lambda: any(path.read_bytes() == heard for path in folder.glob("*.wav")), "the temporary one"
            )
        call = await phone.dial(box)
        await call.expect_sound(fair, "the temporary greeting")
        await call.hang_up()


async def test_a_pin_changed_by_phone_lets_in(product: Product) -> None:
    """A weak one is refused with words; the new one opens the mailbox, and the old one does not."""
    box = await product.mailbox()
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
        await call.press("0")
        await call.expect_to_hear(Prompt.OPTIONS_MENU)
        await call.press("3")
        await call.expect_to_hear(Prompt.ENTER_NEW_PIN)
        await call.press("1234#")
        await call.expect_to_hear(Prompt.PIN_RUN, Prompt.ENTER_NEW_PIN)
        await call.press("508213#")
        await call.expect_to_hear(Prompt.REPEAT_NEW_PIN)
        await call.press("508213#")
        await call.expect_to_hear(Prompt.PIN_CHANGED)
        await call.hang_up()
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
        await call.press("508213#")
        await call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
        await call.hang_up()
    async with product.api() as api:
        entries = (await api.get("/audit", params={"way": "phone", "subject": box})).json()["items"]
    told = [(entry["action"], entry["secrets"]) for entry in reversed(entries)]
    assert [("logged_in", []), ("changed", ["pin"]), ("refused", []), ("logged_in", [])] == told


async def _log_in(phone: Handset, box: str) -> Conversation:
    """Log in during the greeting, as far as the question for the PIN."""
    call = await phone.dial(box)
    await call.press("*")
    await call.expect_to_hear(Prompt.ENTER_PIN)
    return call


async def _guess(phone: Handset, box: str) -> None:
    """Enter five wrong PINs in two calls, and then the right one, which is refused in the same words."""
    call = await _log_in(phone, box)
    for _ in range(2):
        await call.press("999111#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    await call.press("999111#")
    await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
    await call.expect_the_end()
    call = await _log_in(phone, box)
    for _ in range(2):
        await call.press("999111#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    await call.press(f"{PIN}#")
    await call.expect_to_hear(Prompt.TOO_MANY_TRIES)
    await call.expect_the_end()


async def _hear_name(product: Product, box: str, name: Path) -> None:
    """Be a caller who hears the name in the standard sentence."""
    async with product.api() as api:
        kept = (await api.get(f"/mailboxes/{box}/spoken-name")).content
    folder = product.prompts.root / WAV_FOLDER
    await until(lambda: any(path.read_bytes() == kept for path in folder.glob("*.wav")), "the name")
    async with product.phone("102") as phone:
        call = await phone.dial(box)
        await call.expect_to_hear(Prompt.YOU_HAVE_REACHED)
        await call.expect_sound(name, "the name in the greeting")
        await call.expect_to_hear(Prompt.GREETING_STANDARD)
        await call.hang_up()


async def _speak(call: Conversation, words: Path) -> None:
    await call.expect_to_hear(Prompt.RECORD_NAME)
    await call.expect_beep()
    await call.say(words)
    await call.press("#")


async def test_a_name_is_recorded_while_somebody_guesses_from_outside(
    product: Product, speech: Callable[[str], Path]
) -> None:
    """101 logs in by *, says the name twice, callers hear it, takes it back, and enters no PIN that will do.

    Five wrong PINs from outside shut out who calls from there, even with the right one, and no phone.
    """
    box = await product.mailbox(log_in_from_greeting=True)
    slip, name = speech("Sails, no, sorry."), speech("The friendly people of sales.")
    async with product.phone("101") as phone, product.phone() as stranger:
        guessing = asyncio.create_task(_guess(stranger, box))
        call = await _log_in(phone, box)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.press("022")
        await _speak(call, slip)
        await call.press("3")
        await _speak(call, name)
        await call.expect_to_hear(Prompt.RECORDED_MENU)
        await call.press("1")
        await call.expect_to_hear(Prompt.NAME_KEPT)
        await call.press("1")
        await call.expect_sound(name, "the name")
        await _hear_name(product, box, name)
        await call.press("3")
        await call.expect_to_hear(Prompt.NAME_STANDARD_AGAIN)
        await call.press("*3")
        await call.expect_to_hear(Prompt.ENTER_NEW_PIN)
        await call.press("12#")
        await call.expect_to_hear(Prompt.PIN_TOO_SHORT, Prompt.ENTER_NEW_PIN)
        await call.press("508213#")
        await call.expect_to_hear(Prompt.REPEAT_NEW_PIN)
        await call.press("508214#")
        await call.expect_to_hear(Prompt.PIN_NOT_SAME, Prompt.ENTER_NEW_PIN)
        await call.press("#")
        await call.expect_to_hear(Prompt.PIN_UNCHANGED)
        await call.hang_up()
        await guessing
        call = await _log_in(phone, box)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.NO_MESSAGES)
        await call.hang_up()
    async with product.api() as api:
        entries = (await api.get("/audit", params={"way": "phone", "subject": box})).json()["items"]
        named = await api.get(f"/mailboxes/{box}/spoken-name")

    assert [("extension 101", []), ("extension 101", [])] == [
        (entry["author"], entry["secrets"]) for entry in entries if entry["action"] == "changed"
    ]
    assert 404 == named.status_code
