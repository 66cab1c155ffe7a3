"""How long a change of a mailbox takes to be at the phones that show it."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
from tests.bench.calls import BEEP, SPEECH_PACKETS
from tests.bench.figures import Figures, table
from tests.bench.usage import Moment
from tests.support.product import Product
from tests.support.raw_sip import RawPhone

NUMBER = "101"
_LIMIT_SECONDS = 30
_STAYS_SECONDS = 3600
_LOOK_SECONDS = 0.001
_LAMP = {True: b"Messages-Waiting: yes", False: b"Messages-Waiting: no"}
_KEY = {True: b"<state>confirmed</state>", False: b"<state>terminated</state>"}


async def time_lamps(product: Product, count: int) -> None:
    """Time a change by REST, and a message that is left, until each kind of phone was told."""
    box = await product.mailbox()
    async with AsyncExitStack() as stack:
        registered, subscribed, key, caller = [
            await stack.enter_async_context(RawPhone(product.sip).opened()) for _ in range(4)
        ]
        api = await stack.enter_async_context(product.api())
        log_in = {"user": NUMBER, "password": product.passwords[NUMBER]}
        (await api.put(f"/extensions/{NUMBER}/rules", json={"mwi_mailboxes": [box]})).raise_for_status()
        await registered.register(NUMBER, log_in["password"], expires=_STAYS_SECONDS)
        await subscribed.subscribe(box, **log_in, expires=_STAYS_SECONDS)
        await key.watch(f"*56{box}", **log_in, expires=_STAYS_SECONDS)
        phones = [
            (Figures("lamp of an extension"), registered, _LAMP),
            (Figures("lamp of a number"), subscribed, _LAMP),
            (Figures("BLF key"), key, _KEY),
        ]
        answered = Figures("the answer of REST")
        left = [(Figures(figures.name), phone, said) for figures, phone, said in phones]
        before = Moment.now()
        for serial in range(count + 1):
            began = await _leave(caller, box)
            for figures, phone, said in left:
                seconds = await _told(phone, said[True], began)
                if serial:
                    figures.seconds.append(seconds)
            message = (await product.messages(box))[0]["id"]
            for state, lit in (("saved", False), ("new", True), ("saved", False)):
                began = _now()
                (await api.patch(f"/messages/{message}", json={"state": state})).raise_for_status()
                if serial:
                    answered.seconds.append(_now() - began)
                for figures, phone, said in phones:
                    seconds = await _told(phone, said[lit], began)
                    if serial:
                        figures.seconds.append(seconds)
            await _remove(api, message)
    for title, timed in (
        ("a change by REST, until a phone was told", [figures for figures, *_ in phones]),
        ("hangup of who left a message, until a phone was told", [figures for figures, *_ in left]),
    ):
        print(f"\n{table(title, timed[0])}")
        for figures in timed[1:]:
            print(figures.line())
    print(answered.line())
    print(f"  ({Moment.now().since(before)})", flush=True)


async def _leave(caller: RawPhone, box: str) -> float:
    """Leave a message; return when its caller hung up."""
    heard = caller.heard_frames
    call = caller.call(box)
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not any(abs(tone - BEEP) < 25 for tone in caller.tones(after=heard)):
            await caller.media()
    for _ in range(SPEECH_PACKETS):
        await caller.media_sent()
    began = _now()
    call.hang_up()
    return began


async def _remove(api: httpx.AsyncClient, message: str) -> None:
    """Move a message that was heard to the trash, which changes no lamp that is dark."""
    (await api.delete(f"/messages/{message}")).raise_for_status()


async def _told(phone: RawPhone, said: bytes, since: float) -> float:
    """Return the seconds from then to the first NOTIFY that says so, looked for each millisecond."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while True:
            for data, at in zip(phone.notified, phone.notified_at, strict=True):
                if at > since and said in data:
                    return at - since
            await asyncio.sleep(_LOOK_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()
