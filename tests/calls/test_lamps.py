"""Lamps (MWI) and BLF keys of real phones, by real messages in mailboxes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.prompts import MessageCounts, Prompt
from tests.support.deposits import rows
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import RawPhone, leave_as

PHONES = ("101", "102")
EVERYTHING = ("postgres", "web", "calls", "events", "jobs", "switch")
BULK = (("mark_read", "no 0/2"), ("mark_unread", "yes 2/0"), ("delete", "no 0/0"), ("restore", "yes 2/0"))
"""What is done with both messages at once, and what lamps show of it."""


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
    """Two phones, two mailboxes: many changes at once are told; of twenty fast ones the last one stays.

    A phone that comes later shows the same.
    """
    async with _phone(product) as first, _phone(product) as second, _phone(product) as late:
        await _register(product, first, "101")
        await _register(product, second, "102")
        both = (message, other) = await _left(product, *boxes)
        for phone in (first, second):
            await _shows(phone, "yes 2/0")
        async with product.api() as api:
            for action, shown in BULK:
                answer = await api.post("/messages/bulk", json={"ids": both, "action": action})
                assert 200 == answer.status_code, answer.text
                for phone in (first, second):
                    await _shows(phone, shown)
            for turn in range(20):
                for one, state in ((message, "saved"), (other, "new")):
                    wanted = state if turn % 2 == 0 else {"saved": "new", "new": "saved"}[state]
                    answer = await api.patch(f"/messages/{one}", json={"state": wanted})
                    assert 200 == answer.status_code, answer.text
            await api.post("/messages/bulk", json={"ids": both, "action": "delete"})
            before = [len(phone.lamps) for phone in (first, second)]
            await api.patch(f"/messages/{message}", json={"state": "restored"})
            # No state before has one message in all.
            for phone in (first, second):
                await _shows(phone, "yes 1/0")
            await until(lambda: not _waiting(product), "the end of what is to be told")
            # What is told now is told after all of that: nothing else came between.
            await api.patch(f"/messages/{message}", json={"state": "saved"})
            for phone, count in zip((first, second), before, strict=True):
                await _shows(phone, "no 0/1")
                told = phone.lamps[phone.lamps.index("yes 1/0", count) :]
                assert ["yes 1/0", "no 0/1"] == list(dict.fromkeys(told)), phone.lamps
                assert ["no 0/1"] == list(dict.fromkeys(told[told.index("no 0/1") :])), phone.lamps
        await _register(product, late, "101")
        await _shows(late, "no 0/1")
        async with product.api() as api:
            await api.delete(f"/messages/{message}")
        for phone in (first, second, late):
            await _shows(phone, "no 0/0")


def _waiting(product: Product) -> list[tuple[int]]:
    """Return the jobs that still tell lamps."""
    return rows(product.ready["database_url"], "SELECT id FROM procrastinate_jobs WHERE queue_name = 'lamps'")


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
    """A phone that stays is right after `events`, the switch and everything were started anew.

    So is one that registers and watches while `events` is away, and one that comes after everything.
    """
    box = boxes[0]
    (message,) = await _left(product, box)
    async with _phone(product) as staying, _phone(product) as late:
        await _comes(product, staying, "101", box)
        await _both(staying, "yes 1/0", "lit")
        old = product.kill("events")
        await _comes(product, late, "102", box)
        await _set(product, message, "saved")
        await _both(staying, "no 0/1", "dark")
        await product.wait_for_restart("events", old)
        await _both(late, "no 0/1", "dark")
        # Stopped in order: a kill takes what Asterisk was told within its last second, subscriptions too.
        old = product.kill("switch", signal.SIGTERM)
        await _set(product, message, "new")
        await product.wait_for_restart("switch", old)
        for phone in (staying, late):
            await _both(phone, "yes 1/0", "lit", seconds=60)
        killed = {name: product.kill(name) for name in EVERYTHING}
        for name, old in killed.items():
            await product.wait_for_restart(name, old)
        await _set(product, message, "saved")
        for phone in (staying, late):
            await _both(phone, "no 0/1", "dark", seconds=60)
        async with _phone(product) as new:
            await _comes(product, new, "102", box)
            await _set(product, message, "new")
            # A job that was killed is run again after some seconds, and holds its mailbox up until then.
            await _both(new, "yes 1/0", "lit", seconds=60)
            async with product.api() as api:
                await api.delete(f"/messages/{message}")
            for phone in (staying, late, new):
                await _both(phone, "no 0/0", "dark", seconds=60)


async def _comes(product: Product, phone: RawPhone, number: str, box: str) -> None:
    """Register a phone, and have it watch the lamp of a mailbox, and a BLF key of it."""
    await _register(product, phone, number)
    assert await phone.watch(f"*56{box}", user=number, password=product.passwords[number]) in {200, 202}


async def _both(phone: RawPhone, lamp: str, light: str, *, seconds: float = 20) -> None:
    await _shows(phone, lamp, seconds=seconds)
    await _is(phone, light, seconds=seconds)


async def _set(product: Product, message: str, state: str) -> None:
    async with product.api() as api:
        answer = await api.patch(f"/messages/{message}", json={"state": state})
    assert 200 == answer.status_code, answer.text
