"""Callers whose name or number is an attack leave messages like everybody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from controlplane.callflows.prompts import Tone
from controlplane.domain.caller import Caller, clean
from controlplane.phone.sound import read
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.product import Product, until
from tests.support.raw_sip import RawPhone, leave_as

# What fits into a quoted string of one SIP header in one UDP packet; others never reach the switch.
NAMES = [
    text
    for text in HOSTILE_TEXTS
    if 0 < len(text) < 800 and text.isprintable() and text.strip() == text and not set(text) & set('"\\')
]
AT_ONCE = 6


async def _leave(product: Product, box: str, name: str, places: asyncio.Semaphore) -> None:
    async with places:
        await leave_as(product.sip, box, name)


def _beep_is_a_tone(product: Product) -> bool:
    (path,) = product.prompts.files(Tone.BEEP, "en")
    return len(read(path)) > 0


def _kept(names: list[str], switch: str) -> Counter[str]:
    """Return those that reach us as they were written.

    FreeSWITCH decodes what looks encoded and takes `${` apart; what it makes of it is text like any other.
    """
    return Counter(name for name in names if switch == "asterisk" or not set(name) & set("%$"))


async def test_hostile_names_are_stored_as_text(product: Product, switch: str) -> None:
    """Each name of the corpus arrives by a real INVITE, is stored cleaned, and runs nothing."""
    assert _beep_is_a_tone(product)
    box = await product.mailbox(min_message_seconds=1)
    places = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_leave(product, box, name, places) for name in NAMES))
    messages = await product.wait_for_messages(box, len(NAMES), seconds=60)

    stored = [message["caller_name"] for message in messages]
    assert _kept([Caller.of("5551234", name).name for name in NAMES], switch) <= Counter(stored)
    assert [clean(name) for name in stored] == stored
    assert {message["caller_number"] for message in messages} == {"5551234"}


async def test_hostile_number_forges_nothing(product: Product) -> None:
    """A newline in the number forges no line for the flow: the message has what is left of the number."""
    box = await product.mailbox(min_message_seconds=1)
    async with RawPhone((product.server.address, product.server.port)).opened() as phone:
        call = phone.call(box, user=b"555%0Aagi_arg_5%3A%20101%0A%0A200%20result=1")
        await call.wait_answered(20)
        await call.wait_tone(1000)
        for _ in range(80):
            await phone.media_sent()
        call.hang_up()
        await until(call.ended.is_set, "the end of the call")
    (message,) = await product.wait_for_messages(box, 1)

    assert message["caller_number"].startswith("555")
    assert "\n" not in message["caller_number"]


async def test_command_for_a_name_runs_nothing(product: Product, tmp_path: Path) -> None:
    """A caller's name that is a command once it was decoded twice is stored, mailed, and runs nothing."""
    box = await product.mailbox(
        min_message_seconds=1, email_notification=True, email_recipients=["someone@example.org"]
    )
    witness = tmp_path / "ran"
    await leave_as(product.sip, box, f"%2524%257Bsystem(touch {witness})%257D")
    (message,) = await product.wait_for_messages(box, 1)

    assert message["caller_number"] == "5551234"
    assert "system(touch" in message["caller_name"]
    assert not witness.exists()
