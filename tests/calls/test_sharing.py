"""Two people in one mailbox by real calls: on two phones, over REST, in the portal; what each is told."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
from controlplane.callflows.prompts import ByColleague, Deed, MessageCounts, Prompt
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.phone.conversation import Conversation
from tests.support.product import PIN, Handset, Product, until, until_told
from tests.support.raw_sip import RawPhone, leave_as


async def _log_in(phone: Handset, box: str) -> Conversation:
    call = await phone.dial(f"*56{box}")
    await call.expect_to_hear(Prompt.ENTER_PIN)
    await call.press(f"{PIN}#")
    return call


async def _first_message(phone: Handset, box: str, *, new: int) -> Conversation:
    """Log in, and hear the first new message to its end."""
    call = await _log_in(phone, box)
    await call.expect_to_hear(MessageCounts(new=new, saved=0), Prompt.FIRST_MESSAGE)
    await call.expect_to_hear(Prompt.MESSAGE_MENU, seconds=40)
    return call


async def _main_menu(phone: Handset, box: str) -> Conversation:
    """Log in, and go to the main menu before any message is played."""
    call = await _log_in(phone, box)
    await call.press("*")
    await call.expect_to_hear(Prompt.MAIN_MENU)
    return call


async def _heard_by(product: Product, box: str) -> dict[str, str]:
    """Return which message each extension, or person, listens to."""
    async with product.api() as api:
        items = (await api.get(f"/mailboxes/{box}/listeners")).json()["items"]
    return {one["extension"] or one["name"]: one["message_id"] for one in items}


async def _done(product: Product, message: str) -> list[tuple[str, str, str]]:
    """Return who did what with a message by which way, the first first."""
    async with product.api() as api:
        found = (await api.get("/audit", params={"object": message})).json()["items"]
    return [(one["author"], one["way"], one["action"]) for one in reversed(found)]


def _by(deed: Deed, extension: str) -> ByColleague:
    return ByColleague(deed=deed, who=Colleague(extension=extension))


async def test_two_phones_and_a_program(product: Product) -> None:
    """One deletes what the other hears, who undoes it; it is purged while it plays, and five more arrive.

    Each is told who did what; no key hits another message; counts, lamp and audit log agree in the end.
    """
    box = await product.mailbox()
    password = product.passwords["101"]
    async with (
        RawPhone(product.sip).opened() as lamp,
        product.phone("101") as first,
        product.phone("102") as second,
    ):
        assert await lamp.subscribe(box, user="101", password=password) in {200, 202}
        for number in range(2):
            await leave_as(product.sip, box, f"Caller {number}")
            await product.wait_for_messages(box, number + 1)
        (other, one) = [message["id"] for message in await product.messages(box)]
        a, b = await asyncio.gather(_first_message(first, box, new=2), _main_menu(second, box))
        at_first = await _heard_by(product, box)
        await b.press("2")
        await b.expect_to_hear(Prompt.FIRST_MESSAGE, _by(Deed.LISTENING, "101"))
        await b.press("7")
        await b.expect_to_hear(Prompt.MESSAGE_DELETED)
        await a.press("2")
        await a.expect_to_hear(_by(Deed.DELETED, "102"), Prompt.MESSAGE_DELETED)
        await a.press("7")
        await a.expect_to_hear(Prompt.MESSAGE_RESTORED)
        await a.press("1")
        async with product.api() as api:
            for _ in range(2):
                assert (await api.delete(f"/messages/{one}")).status_code in {200, 204}
        await asyncio.gather(*(leave_as(product.sip, box, f"Late {number}") for number in range(5)))
        # It was played to its end, or is not there any more for who goes back in it.
        await a.press("1")
        await a.expect_to_hear(ByColleague(deed=Deed.PURGED, who=SOMEBODY), Prompt.NEXT_MESSAGE)
        await a.press("2")
        await a.expect_to_hear(Prompt.MESSAGE_SAVED, Prompt.NO_MORE_MESSAGES, Prompt.MAIN_MENU)
        await product.wait_for_messages(box, 6)
        await a.press("1")
        await a.expect_to_hear(Prompt.FIRST_MESSAGE)
        await a.press("7")
        await a.expect_to_hear(Prompt.MESSAGE_DELETED)
        await a.press("#")
        await a.expect_to_hear(Prompt.GOODBYE)
        await asyncio.gather(a.expect_the_end(), b.hang_up())
        await until(lambda: lamp.lamps[-1:] == ["yes 4/1"], "the lamp of four new messages and one saved")
    async with product.api() as api:
        counts = (await api.get(f"/mailboxes/{box}")).json()["counts"]
    log = await _done(product, one)

    assert {"101": one} == at_first
    assert {"new": 4, "saved": 1, "deleted": 1} == counts
    assert "saved" == next(
        message["state"] for message in await product.messages(box) if message["id"] == other
    )
    assert [
        ("extension 101", "phone", "heard"),
        ("extension 101", "phone", "marked_read"),
        ("extension 102", "phone", "deleted"),
        ("extension 101", "phone", "restored"),
    ] == [entry for entry in log if entry != ("extension 102", "phone", "heard")][:4]
    assert ["api", "api"] == [way for _, way, _ in log[-2:]]
    assert {} == await _heard_by(product, box)


async def _name_of(product: Product, browser: httpx.AsyncClient) -> str:
    page = await browser.get(product.ready["portal_url"] + "portal/account")
    return re.findall(r'<span class="name"><bdi>([^<]+)</bdi>', page.text)[-1]


async def test_one_on_the_phone_and_one_in_the_portal(product: Product) -> None:
    """Who plays it in a browser is named on the phone, and so is who deletes it; the page shows the phone.

    Of a process that was killed nobody is said to listen.
    """
    box = await product.mailbox()
    await leave_as(product.sip, box, "Caller")
    (message,) = await product.wait_for_messages(box, 1)
    portal, player = product.ready["portal_url"] + "portal", {"player": "0" * 32}
    async with httpx.AsyncClient(timeout=30) as browser, product.phone("101") as phone:
        await product.sign_in(browser, f"carol-{box}", "Carol")
        name = await _name_of(product, browser)
        listening = ByColleague(deed=Deed.LISTENING, who=Colleague(name=name))
        played = await browser.post(f"{portal}/messages/{message['id']}/playing", data=player)
        assert 204 == played.status_code, played.text

        def spoken() -> bool:
            return product.prompts.holds(f"{name}.", "en")

        await until(spoken, "the name")
        call = await _log_in(phone, box)
        await browser.post(f"{portal}/messages/{message['id']}/playing", data=player)
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE, listening)
        address = f"{portal}/mailboxes/{box}/voicemail"

        async def shown() -> bool:
            return "(101) listens by phone" in (await browser.get(address)).text

        await until_told(shown, "the phone on the page")
        deleted: dict[str, Any] = {"do": f"delete:{message['id']}"}
        await browser.post(address, data=deleted)
        await call.press("2")
        await call.expect_to_hear(ByColleague(deed=Deed.DELETED, who=Colleague(name=name)))
        there = await _heard_by(product, box)
        old = product.kill("calls")
        await product.wait_for_restart("calls", old)

        async def nobody() -> bool:
            return await _heard_by(product, box) == {}

        await until_told(nobody, "that nobody listens")
        await call.hang_up()

    assert message["id"] == there["101"]
