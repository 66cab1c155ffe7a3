"""The timed calls, one at a time: to a mailbox of the product, and to what stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import psycopg
from controlplane.storage.wav import Header, NotAWav, inspect
from tests.bench.beside import NATIVE, PLAY, RECORD, Beside
from tests.support.product import Product
from tests.support.raw_sip import RawPhone

BEEP = 1000
SPEECH_PACKETS = 100
_LIMIT_SECONDS = 30
_LOOK_SECONDS = 0.001
Server = tuple[str, int]

_TRIGGER = """
    CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('bench', NEW.caller_number); RETURN NULL; END $$;
    CREATE TRIGGER bench AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION bench_tell();
"""


async def add_trigger(product: Product) -> None:
    """Let PostgreSQL tell the caller's number of each message once that is committed."""
    async with await listen(product) as base:
        await base.execute(_TRIGGER)


async def listen(product: Product) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """Connect to the product's database; what the trigger tells comes from now on."""
    base = await psycopg.AsyncConnection.connect(product.ready["database_url"], autocommit=True)
    await base.execute("LISTEN bench")
    return base


async def answer_to_greeting(product: Product, box: str) -> float:
    """Call a mailbox; return the seconds from its answer to its first word."""
    return await _answer_to_sound(server_of(product), box)


async def answer_to_playback(beside: Beside) -> float:
    """The same with a dialplan that answers and plays the file."""
    return await _answer_to_sound(beside.server, PLAY)


async def answer_to_native(beside: Beside) -> float:
    """The same with the switch's own voicemail."""
    return await _answer_to_sound(beside.server, NATIVE)


async def hangup_to_row(product: Product, box: str) -> float:
    """Leave a message; return the seconds from the hangup to its commit."""
    async with await listen(product) as listening, _phone(server_of(product)) as phone:
        call = phone.call(box)
        await call.wait_tone(BEEP)
        await _speak(phone)
        began = _now()
        call.hang_up()
        async for _ in listening.notifies(timeout=_LIMIT_SECONDS, stop_after=1):
            return _now() - began
    raise TimeoutError("no message was stored")


async def hangup_to_file(beside: Beside, serial: int) -> float:
    """Be recorded by the dialplan alone; return the seconds from the hangup until the file is closed."""
    path = beside.recordings / f"{RECORD}{serial:03d}.wav"

    def closed() -> bool:
        try:
            return inspect(path).header is Header.CLOSED
        except (NotAWav, FileNotFoundError):
            return False

    async with _phone(beside.server) as phone:
        call = phone.call(path.stem)
        await call.wait_answered()
        return await _hang_up_until(phone, closed, hang_up=call.hang_up)


async def hangup_to_native(beside: Beside) -> float:
    """Leave a message in the switch's own voicemail; return the seconds from the hangup until it has it."""
    assert beside.native is not None
    stored = beside.native.stored
    before = stored()
    async with _phone(beside.server) as phone:
        call = phone.call(NATIVE)
        await call.wait_tone(BEEP)
        return await _hang_up_until(phone, lambda: stored() > before, hang_up=call.hang_up)


def server_of(product: Product) -> Server:
    """Return where the product's switch takes calls."""
    return (product.server.address, product.server.port)


async def _hang_up_until(phone: RawPhone, fact: Callable[[], bool], *, hang_up: Callable[[], None]) -> float:
    """Speak, hang up, and return the seconds until the fact holds, looked at each millisecond."""
    await _speak(phone)
    began = _now()
    hang_up()
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not fact():  # noqa: ASYNC110 (made by another process)
            await asyncio.sleep(_LOOK_SECONDS)
    return _now() - began


async def _answer_to_sound(server: Server, number: str) -> float:
    async with _phone(server) as phone:
        call = phone.call(number)
        async with asyncio.timeout(_LIMIT_SECONDS):
            while (voiced := phone.voiced_at()) is None:
                await phone.media()
        return voiced - call.answered_at


async def _speak(phone: RawPhone) -> None:
    for _ in range(SPEECH_PACKETS):
        await phone.media_sent()


def _phone(server: Server) -> AbstractAsyncContextManager[RawPhone]:
    return RawPhone(server).opened()


def _now() -> float:
    return asyncio.get_running_loop().time()
