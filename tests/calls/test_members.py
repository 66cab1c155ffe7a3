"""Members of a mailbox at `*56`, by real calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controlplane.callflows.prompts import MessageCounts, Prompt
from tests.support.product import PIN, Product


async def _member(product: Product, box: str, extension: str, right: str, **fields: Any) -> str:
    """Make a user of an extension a member of a mailbox; return the user's name."""
    user_name = f"of-{extension}-at-{box}"
    async with product.api() as api:
        user = {"user_name": user_name, "display_name": "Member", "extension": extension, **fields}
        made = await api.post("/users", json=user)
        assert made.status_code == 201, made.text
        given = await api.post(f"/mailboxes/{box}/members", json={"user_name": user_name, "rights": [right]})
        assert given.status_code == 201, given.text
    return user_name


async def _gone(product: Product, user_name: str) -> None:
    async with product.api() as api:
        answer = await api.delete(f"/users/{user_name}")
    assert answer.status_code == 204, answer.text


async def test_listener_hears_and_may_not_delete(product: Product, message_wav: Path) -> None:
    """After the PIN; 7 is told to be none of theirs, and the message stays."""
    box = await product.mailbox()
    user = await _member(product, box, "101", "listen")
    async with product.phone("102") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    await product.wait_for_messages(box, 1)
    async with product.phone("101") as phone:
        call = await phone.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.press("7")
        await call.expect_to_hear(Prompt.DELETE_NOT_ALLOWED)
        await call.expect_sound(message_wav, "the message")
        await call.expect_to_hear(Prompt.MESSAGE_MENU_LISTEN)
        await call.hang_up()
    await _gone(product, user)

    assert ["saved"] == [message["state"] for message in await product.messages(box)]


async def test_others_are_told_and_a_member_may_be_spared_the_pin(product: Product) -> None:
    """One mailbox, its member's phone, and another phone that knows the PIN."""
    box = await product.mailbox()
    user = await _member(product, box, "101", "listen", pin_spared=True)
    async with product.phone("102") as other:
        call = await other.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)
        await call.expect_the_end()
    async with product.phone("101") as own:
        call = await own.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
        await call.press("#")
        await call.expect_to_hear(Prompt.GOODBYE)
        await call.expect_the_end()
    async with product.api() as api:
        noted = (await api.get("/audit", params={"way": "phone", "subject": box})).json()["items"]
    await _gone(product, user)

    assert [(f"extension 101 (user {user})", "logged_in"), ("extension 102", "refused")] == [
        (entry["author"], entry["action"]) for entry in noted
    ]
