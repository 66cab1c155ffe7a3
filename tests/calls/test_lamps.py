"""Lamps (MWI) and BLF keys of real phones, by real messages in mailboxes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.prompts import MessageCounts, Prompt
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import RawPhone, leave_as

PHONES = ("101", "102")


@asynccontextmanager
async def _phone(product: Product) -> AsyncIterator[RawPhone]:
    async with RawPhone(product.sip).opened() as phone:
        yield phone


async def _shows(phone: RawPhone, lamp: str, *, seconds: float = 20) -> None:
    await until(lambda: phone.lamps[-1:] == [lamp], f"the lamp {lamp}", seconds=seconds)


async def _is(phone: RawPhone, light: str, *, seconds: float = 20) -> None:
    await until(lambda: phone.lights[-1:] == [light], f"a key that is {light}", seconds=seconds)


async def _register(product: Product, phone: RawPhone, number: str) -> None:
    assert 200 == await phone.register(number, product.passwords[number])


async def _watching(product: Product, number: str, mailboxes: list[str], **rules: Any) -> None:
    async with product.api() as api:
        answer = await api.put(f"/extensions/{number}/rules", json={"mwi_mailboxes": mailboxes, **rules})
    assert 200 == answer.status_code, answer.text


async def _left(product: Product, *boxes: str) -> list[str]:
    """Leave a message in each of these mailboxes; return their ids."""
    await asyncio.gather(*(leave_as(product.sip, box, "Caller") for box in boxes))
    return [(await product.wait_for_messages(box, 1))[0]["id"] for box in boxes]


@pytest.fixture
async def boxes(product: Product) -> AsyncIterator[tuple[str, str]]:
    """Return two mailboxes of which both extensions show the lamps."""
    made = (await product.mailbox(), await product.mailbox())
    for number in PHONES:
        await _watching(product, number, list(made))
    yield made
    for number in PHONES:
        await _watching(product, number, [])


async def test_last_of_twenty_fast_changes_wins(product: Product, boxes: tuple[str, str]) -> None:
    """Two phones, two mailboxes: both lamps are right in the end, and that of a phone that comes later."""
    async with _phone(product) as first, _phone(product) as second, _phone(product) as late:
        await _register(product, first, "101")
        await _register(product, second, "102")
        (message, other) = await _left(product, *boxes)
        for phone in (first, second):
            await _shows(phone, "yes 2/0")
        async with product.api() as api:
            for turn in range(20):
                for one, state in ((message, "saved"), (other, "new")):
                    wanted = state if turn % 2 == 0 else {"saved": "new", "new": "saved"}[state]
                    answer = await api.patch(f"/messages/{one}", json={"state": wanted})
                    assert 200 == answer.status_code, answer.text
            await api.post("/messages/bulk", json={"ids": [message, other], "action": "delete"})
            await api.patch(f"/messages/{message}", json={"state": "restored"})
        for phone in (first, second):
            await _shows(phone, "yes 1/0")
        await _register(product, late, "101")
        await _shows(late, "yes 1/0")
        async with product.api() as api:
            await api.delete(f"/messages/{message}")
        for phone in (first, second, late):
            await _shows(phone, "no 0/0")


async def test_key_lights_with_new_messages_and_hears_them(product: Product, message_wav: Path) -> None:
    """Who presses the BLF key hears the message; the key, and the lamp of the number, go dark."""
    box = await product.mailbox()
    password = product.passwords["102"]
    async with _phone(product) as phone, product.phone("101") as handset:
        assert await phone.subscribe(box, user="102", password=password) in {200, 202}
        assert await phone.watch(f"*56{box}", user="102", password=password) in {200, 202}
        await _shows(phone, "no 0/0")
        await _is(phone, "dark")
        await _left(product, box)
        await _shows(phone, "yes 1/0")
        await _is(phone, "lit")
        call = await handset.dial(f"*56{box}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.press("2")
        await _shows(phone, "no 0/1")
        await _is(phone, "dark")
        await call.hang_up()


async def test_lamps_are_right_after_restarts(product: Product, boxes: tuple[str, str]) -> None:
    """While `events` is away a phone registers; then the switch, and everything, is started anew."""
    box = boxes[0]
    (message,) = await _left(product, box)
    password = product.passwords["101"]
    async with _phone(product) as phone:
        old = product.kill("events")
        await _register(product, phone, "101")
        await product.wait_for_restart("events", old)
        await _shows(phone, "yes 1/0")
    old = product.kill("switch")
    await product.wait_for_restart("switch", old, seconds=60)
    async with _phone(product) as phone:
        await _register(product, phone, "101")
        await phone.watch(f"*56{box}", user="101", password=password)
        await _shows(phone, "yes 1/0")
        await _is(phone, "lit")
    names = ("web", "calls", "events", "jobs", "switch")
    killed = {name: product.kill(name) for name in names}
    for name, old in killed.items():
        await product.wait_for_restart(name, old, seconds=60)
    async with _phone(product) as phone:
        await _register(product, phone, "102")
        await phone.watch(f"*56{box}", user="102", password=product.passwords["102"])
        # A job that was killed is run again after some seconds, and holds its mailbox up until then.
        await _shows(phone, "yes 1/0", seconds=60)
        await _is(phone, "lit", seconds=60)
        async with product.api() as api:
            await api.delete(f"/messages/{message}")
        await _shows(phone, "no 0/0", seconds=60)
        await _is(phone, "dark", seconds=60)
