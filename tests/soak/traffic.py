"""Who uses a mailbox in a round: callers who leave messages, and a member who hears one and deletes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from controlplane.callflows.prompts import Prompt
from controlplane.phone.phone import PhoneError
from tests.support.product import PIN, Product
from tests.support.raw_sip import RawCall, RawPhone

BEEP_HERTZ = 1000
_FRAMES_A_SECOND = 50
_ANSWER_SECONDS = 40.0
_BEEP_SECONDS = 40.0
_TURNS = 3
# What is heard in the first moment of speaking is the end of the beep itself.
_BEEP_FRAMES = 30


class Moment(StrEnum):
    """Where a caller is when the trouble comes."""

    BEFORE = "before the calls"
    GREETING = "in the greeting"
    BEEP = "at the beep"
    SPEAKING = "in the message"
    HANGUP = "at the hangup"
    AFTER = "after the hangup"


Reached = Callable[[Moment], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a caller knows: `seconds` is how long it spoke; `finished` that nothing interrupted it."""

    caller: str
    seconds: float
    finished: bool
    told: str = ""


async def leave(product: Product, box: str, caller: str, *, seconds: float, reached: Reached) -> Left:
    """Call, wait for the beep, speak, and hang up; who is greeted anew speaks anew."""
    async with RawPhone(product.sip).opened() as phone:
        call = phone.call(box, user=caller)
        try:
            await call.wait_answered(_ANSWER_SECONDS)
        except TimeoutError:
            return Left(caller=caller, seconds=0, finished=False, told="no answer")
        await reached(Moment.GREETING)
        for _ in range(_TURNS):
            told = await _speak(phone, call, seconds=seconds, reached=reached)
            if told != "greeted again":
                break
        await reached(Moment.HANGUP)
        finished = told == "" and not call.ended.is_set()
        call.hang_up()
        try:
            await call.wait_ended()
        except TimeoutError:
            told = "nobody heard the hangup"
    await reached(Moment.AFTER)
    return Left(caller=caller, seconds=seconds, finished=finished, told=told or "cut off" * (not finished))


async def _speak(phone: RawPhone, call: RawCall, *, seconds: float, reached: Reached) -> str:
    """Speak after the next beep; say what was wrong."""
    begin = phone.heard_frames
    try:
        async with asyncio.timeout(_BEEP_SECONDS):
            while not call.ended.is_set() and not _beeped(phone, begin):
                await asyncio.wait_for(phone.media(), _BEEP_SECONDS)
    except TimeoutError:
        return "no beep"
    if call.ended.is_set():
        return "ended before the beep"
    await reached(Moment.BEEP)
    begin = phone.heard_frames + _BEEP_FRAMES
    frames = round(seconds * _FRAMES_A_SECOND)
    before, is_halfway = await phone.media_sent(), False
    while (sent := await phone.media_sent() - before) < frames:
        if not is_halfway and sent >= frames // 2:
            is_halfway = True
            await reached(Moment.SPEAKING)
    return "greeted again" if phone.tones(after=begin) else ""


def _beeped(phone: RawPhone, after: int) -> bool:
    return any(abs(tone - BEEP_HERTZ) < 25 for tone in phone.tones(after=after)[-2:])


async def delete_the_first(product: Product, box: str) -> str:
    """Hear the first new message at *56 and delete it; tell what hindered that, nothing if it worked."""
    try:
        async with product.phone("101") as phone:
            call = await phone.dial(f"*56{box}")
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press(f"{PIN}#")
            await call.expect_to_hear(Prompt.FIRST_MESSAGE)
            await call.press("7")
            await call.expect_to_hear(Prompt.MESSAGE_DELETED)
            await call.hang_up()
    except (PhoneError, TimeoutError) as error:
        return str(error).partition("\n")[0] or "timeout"
    return ""
