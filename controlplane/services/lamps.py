"""The lamps of the phones: told after every change of a mailbox, and when a phone asks.

What is told is read when the job runs, and all that is told of one number is told one after the
other (the job's lock), so that the last word is the present state. Phones are the default tenant's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.storage import lamps as rows
from controlplane.storage.database import Database
from controlplane.storage.queue import Job, Jobs

SEND = "mwi.send"
ANSWER = "mwi.answer"
REPLAY = "mwi.replay"
_AT_ONCE = 500


class LampControl(Protocol):
    """Tells phones through their switch; raises SwitchUnavailable."""

    async def send_mwi(self, lamp: Lamp, *, query: LampQuery | None = None) -> None:
        """Tell every phone that watches the number, or the one that asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """What telling works with; without `control` no phone of this switch shows a lamp."""

    database: Database
    control: LampControl | None


def lock_of(number: str) -> str:
    """Return the lock under which all is told of a number."""
    return f"mwi:{number}"


def lamp_job(number: str) -> Job:
    """Return the job that tells the lamps of a number."""
    return Job(task=SEND, arguments={"number": number}, lock=lock_of(number))


async def defer_lamps(session: AsyncSession, jobs: Jobs, mailbox_ids: Collection[UUID]) -> None:
    """Have the lamps of these mailboxes told once `session` commits."""
    if not jobs.needs(SEND):
        return
    for number in await rows.numbers(session, mailbox_ids):
        await jobs.defer(session, SEND, lock=lock_of(number), number=number)


async def tell(lamps: Lamps, number: str, *, query: LampQuery | None = None) -> None:
    """Tell what the mailbox of a number holds now; raises Unavailable."""
    if lamps.control is None:
        return
    async with lamps.database.transaction() as session:
        lamp = await rows.lamp(session, number)
    await lamps.control.send_mwi(lamp, query=query)


async def replay(lamps: Lamps) -> int:
    """Tell of every mailbox that holds anything, and return how many; raises Unavailable.

    For phones that asked while nobody listened. It holds no number's lock, and looks again instead
    whether what it told is still so.
    """
    told, after = 0, ""
    if lamps.control is None:
        return told
    while page := await _lit(lamps, after):
        for lamp in page:
            await _tell_until_right(lamps, lamps.control, lamp)
        told += len(page)
        after = page[-1].number
    return told


async def _lit(lamps: Lamps, after: str) -> list[Lamp]:
    async with lamps.database.transaction() as session:
        return await rows.lit(session, after=after, limit=_AT_ONCE)


async def _tell_until_right(lamps: Lamps, control: LampControl, lamp: Lamp) -> None:
    while True:
        await control.send_mwi(lamp)
        async with lamps.database.transaction() as session:
            now = await rows.lamp(session, lamp.number)
        if now == lamp:
            return
        lamp = now
