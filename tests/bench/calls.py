"""The timed calls: two to a mailbox of the product, and two to a plain dialplan beside it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psycopg
from controlplane.storage.wav import Header, NotAWav, inspect
from controlplane.switches.asterisk.control import AsteriskControl
from tests.support.product import Product
from tests.support.raw_sip import RawPhone

BEEP = 1000
SPEECH_PACKETS = 100
_LIMIT_SECONDS = 30
_LOOK_SECONDS = 0.001
_PLAY, _RECORD = "990001", "990002"

_TRIGGER = """
    CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('bench', NEW.id::text); RETURN NULL; END $$;
    CREATE TRIGGER bench AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION bench_tell();
"""


async def add_plain_dialplan(product: Product, greeting: Path, recordings: Path) -> None:
    """Add two numbers that a caller from outside reaches and that know nothing of us."""
    lines = [
        "[cp-anonymous](+)",
        f"exten => {_PLAY},1,Answer()",
        f" same => n,Playback({greeting.with_suffix('')})",
        f"exten => _{_RECORD}XXX,1,Answer()",
        f" same => n,Record({recordings}/${{EXTEN}}.wav,0,300,qk)",
    ]
    with (product.instance.state_dir / "asterisk/etc/extensions.conf").open("a") as file:
        file.write("\n".join([*lines, ""]))
    manager = product.ready["asterisk"]
    await AsteriskControl(
        host=manager["ami_host"],
        port=manager["ami_port"],
        username=manager["ami_username"],
        secret=manager["ami_secret"],
    ).reload()


async def add_trigger(product: Product) -> None:
    """Let PostgreSQL tell of each message that is committed."""
    async with await psycopg.AsyncConnection.connect(product.ready["database_url"], autocommit=True) as base:
        await base.execute(_TRIGGER)


async def answer_to_greeting(product: Product, box: str) -> float:
    """Call a mailbox; return the seconds from its answer to its first word."""
    return await _answer_to_sound(product, box)


async def answer_to_playback(product: Product) -> float:
    """The same with `Answer()` and `Playback()`."""
    return await _answer_to_sound(product, _PLAY)


async def hangup_to_row(product: Product, box: str) -> float:
    """Leave a message; return the seconds from the hangup to its commit."""
    async with (
        await psycopg.AsyncConnection.connect(product.ready["database_url"], autocommit=True) as listening,
        _phone(product) as phone,
    ):
        await listening.execute("LISTEN bench")
        call = phone.call(box)
        await call.wait_tone(BEEP)
        await _speak(phone)
        began = _now()
        call.hang_up()
        async for _ in listening.notifies(timeout=_LIMIT_SECONDS, stop_after=1):
            return _now() - began
    raise TimeoutError("no message was stored")


async def hangup_to_file(product: Product, recordings: Path, serial: int) -> float:
    """Be recorded by `Record()`; return the seconds from the hangup until the file is closed."""
    path = recordings / f"{_RECORD}{serial:03d}.wav"
    async with _phone(product) as phone:
        call = phone.call(path.stem)
        await call.wait_answered()
        await _speak(phone)
        began = _now()
        call.hang_up()
        async with asyncio.timeout(_LIMIT_SECONDS):
            while not _is_closed(path):  # noqa: ASYNC110 (made by another process)
                await asyncio.sleep(_LOOK_SECONDS)
        return _now() - began


async def _answer_to_sound(product: Product, number: str) -> float:
    async with _phone(product) as phone:
        call = phone.call(number)
        async with asyncio.timeout(_LIMIT_SECONDS):
            while (voiced := phone.voiced_at()) is None:
                await phone.media()
        return voiced - call.answered_at


async def _speak(phone: RawPhone) -> None:
    for _ in range(SPEECH_PACKETS):
        await phone.media_sent()


def _phone(product: Product) -> AbstractAsyncContextManager[RawPhone]:
    return RawPhone((product.server.address, product.server.port)).opened()


def _is_closed(path: Path) -> bool:
    try:
        return inspect(path).header is Header.CLOSED
    except NotAWav:
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
