"""The lamps of the phones: told after every change of a mailbox, and when a phone asks.

What is told is read when the job runs. All changes of one number are told one after the other (the job's
lock), and those that wait meanwhile are told together. The lamp of an extension shows several mailboxes,
whose jobs know nothing of each other: so it is looked again whether what was told is still so. Whoever
tells last looks last, and the last word is the present state.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.storage import lamps as rows
from controlplane.storage.database import Database
from controlplane.storage.queue import Job, Jobs

SEND = "mwi.send"
INTRODUCE = "mwi.introduce"
ANSWER = "mwi.answer"
REPLAY = "mwi.replay"
_AT_ONCE = 200


class LampControl(Protocol):
    """Tells phones through their switch; raises SwitchUnavailable."""

    keeps_lamps: bool
    """Whether the switch answers phones that ask by itself, of the lamps that it was told of."""

    async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
        """Tell every phone that watches these numbers; returns when the switch has taken it."""
        ...

    async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:
        """Tell the phone that asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """What telling works with; without `control` there is no switch whose phones have lamps."""

    database: Database
    control: LampControl | None


def lock_of(number: str, tenant: UUID | None = None) -> str:
    """Return the lock under which all is told of a number."""
    return f"mwi:{number}" if tenant is None else f"mwi:{number}@{tenant}"


def lamp_job(number: str, tenant: UUID | None = None) -> Job:
    """Return the job that tells the lamps of a number."""
    return Job(task=SEND, arguments=_arguments(number, tenant), lock=lock_of(number, tenant))


async def defer_lamps(session: AsyncSession, jobs: Jobs, mailbox_ids: Collection[UUID]) -> None:
    """Have the lamps of these mailboxes told once `session` commits."""
    await _defer_of(session, jobs, SEND, mailbox_ids)


async def defer_introduction(session: AsyncSession, jobs: Jobs, mailbox_id: UUID) -> None:
    """Have a switch that keeps lamps told of a new mailbox, so that phones can watch it."""
    await _defer_of(session, jobs, INTRODUCE, [mailbox_id])


async def defer_lamp_of(session: AsyncSession, jobs: Jobs, *, tenant_id: UUID, number: str) -> None:
    """Have the lamp of an extension told once `session` commits: it watches other mailboxes now."""
    if jobs.needs(SEND):
        await _defer(session, jobs, SEND, number, await rows.tenant_of(session, tenant_id))


async def tell(lamps: Lamps, number: str, *, tenant: UUID | None = None) -> None:
    """Tell what a number shows now, and the extensions that watch it; raises Unavailable."""
    if lamps.control is None:
        return
    async with lamps.database.transaction() as session:
        await rows.join_waiting(session, SEND, lock_of(number, tenant))
        wanted = await rows.with_watching(session, [number], tenant)
    await _tell_until_right(lamps, lamps.control, wanted, tenant)


async def answer(lamps: Lamps, query: LampQuery) -> None:
    """Tell the phone that asked what it asked for; raises Unavailable."""
    if lamps.control is None:
        return
    told: Lamp | None = None
    while (now := await _asked(lamps, query)) != told:
        await lamps.control.answer_mwi(now, query)
        told = now


async def replay(lamps: Lamps) -> int:
    """Tell of every mailbox that has or had messages, and return how many; raises Unavailable.

    For phones that asked while nobody listened, and for a switch that has started. One that keeps lamps
    is told of all mailboxes then. It holds no number's lock, and looks again instead.
    """
    if lamps.control is None:
        return 0
    told = 0
    async with lamps.database.transaction() as session:
        tenants = await rows.tenants(session)
    for used in (True, False) if lamps.control.keeps_lamps else (True,):
        for tenant in tenants:
            told += await _replay(lamps, lamps.control, tenant, used=used)
    return told


async def _replay(lamps: Lamps, control: LampControl, tenant: UUID | None, *, used: bool) -> int:
    told, after = 0, ""
    while True:
        async with lamps.database.transaction() as session:
            page = await rows.mailboxes(session, tenant, used=used, after=after, limit=_AT_ONCE)
            wanted = await rows.with_watching(session, page, tenant) if page else []
        if not page:
            return told
        await _tell_until_right(lamps, control, wanted, tenant)
        told += len(page)
        after = page[-1]


async def _tell_until_right(
    lamps: Lamps, control: LampControl, wanted: Sequence[str], tenant: UUID | None
) -> None:
    told: dict[str, Lamp] = {}
    while True:
        async with lamps.database.transaction() as session:
            now = await rows.lamps(session, wanted, tenant)
        wrong = [lamp for lamp in now if told.get(lamp.number) != lamp]
        if not wrong:
            return
        await control.send_mwi(wrong)
        told |= {lamp.number: lamp for lamp in wrong}


async def _asked(lamps: Lamps, query: LampQuery) -> Lamp:
    async with lamps.database.transaction() as session:
        number = query.number
        if query.key is not None:
            number = await rows.dialled_by(session, query.key, query.tenant) or ""
        return await rows.lamp(session, number, query.tenant)


async def _defer_of(session: AsyncSession, jobs: Jobs, task: str, mailbox_ids: Collection[UUID]) -> None:
    if not jobs.needs(task):
        return
    for number, tenant in await rows.numbers(session, mailbox_ids):
        await _defer(session, jobs, task, number, tenant)


async def _defer(session: AsyncSession, jobs: Jobs, task: str, number: str, tenant: UUID | None) -> None:
    await jobs.defer(session, task, lock=lock_of(number, tenant), **_arguments(number, tenant))


def _arguments(number: str, tenant: UUID | None) -> dict[str, Any]:
    return {"number": number} if tenant is None else {"number": number, "tenant": str(tenant)}
