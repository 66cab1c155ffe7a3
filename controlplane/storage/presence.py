"""Queries of the processes that run now and of their calls in mailboxes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.presence import (
    LOST_AFTER,
    Doing,
    PresentCall,
    ProcessKind,
    RunningProcess,
    ShownCall,
)
from controlplane.storage.tables import MailboxRow, PresentCallRow, RunningProcessRow

_FORGOTTEN_AFTER: Final = timedelta(days=2)
_MOST: Final = 500


async def seen(session: AsyncSession, process: RunningProcess) -> None:
    """Note that a process runs, by the clock of the database; forget those that are long gone."""
    values = {"faults": dict(process.faults), "seen_at": func.now()}
    await session.execute(
        insert_or(RunningProcessRow)
        .values(
            id=process.id,
            kind=process.kind.value,
            host=process.host,
            started_at=process.started_at,
            **values,
        )
        .on_conflict_do_update(index_elements=[RunningProcessRow.id], set_=values)
    )
    await session.execute(
        delete(RunningProcessRow).where(RunningProcessRow.seen_at < func.now() - _FORGOTTEN_AFTER)
    )


async def gone(session: AsyncSession, process_id: UUID) -> None:
    """Forget a process that ended in order, and its calls."""
    await session.execute(delete(RunningProcessRow).where(RunningProcessRow.id == process_id))


async def came_and_went(
    session: AsyncSession, process_id: UUID, *, came: Iterable[PresentCall], went: Collection[str]
) -> None:
    """Note which calls of a process are in a mailbox since the last time, and which are not any more."""
    if went:
        await session.execute(
            delete(PresentCallRow).where(
                PresentCallRow.process_id == process_id, PresentCallRow.call_id.in_(went)
            )
        )
    rows = [
        {
            "process_id": process_id,
            "call_id": call.call_id,
            "tenant_id": call.tenant_id,
            "mailbox_id": call.mailbox_id,
            "doing": call.doing.value,
            "who": call.who,
            "since": call.since,
        }
        for call in came
    ]
    if rows:
        await session.execute(insert(PresentCallRow), rows)


async def processes(session: AsyncSession) -> list[RunningProcess]:
    """List the processes that were seen, the newest first of each kind."""
    rows = await session.scalars(
        select(RunningProcessRow).order_by(RunningProcessRow.kind, RunningProcessRow.started_at.desc())
    )
    return [
        RunningProcess(
            id=row.id,
            kind=ProcessKind(row.kind),
            host=row.host,
            started_at=row.started_at,
            seen_at=row.seen_at,
            faults=row.faults,
        )
        for row in rows
    ]


async def calls(session: AsyncSession, tenant_id: UUID) -> list[ShownCall]:
    """List the calls that are in mailboxes of a tenant, oldest first; those of a lost process are over."""
    rows = await session.execute(
        select(PresentCallRow, MailboxRow.number, MailboxRow.display_name)
        .join(RunningProcessRow, RunningProcessRow.id == PresentCallRow.process_id)
        .join(MailboxRow, MailboxRow.id == PresentCallRow.mailbox_id)
        .where(PresentCallRow.tenant_id == tenant_id, RunningProcessRow.seen_at > func.now() - LOST_AFTER)
        .order_by(PresentCallRow.since)
        .limit(_MOST)
    )
    return [
        ShownCall(
            call=PresentCall(
                call_id=row.call_id,
                tenant_id=row.tenant_id,
                mailbox_id=row.mailbox_id,
                doing=Doing(row.doing),
                who=row.who,
                since=row.since,
            ),
            mailbox_number=number,
            mailbox_name=name,
        )
        for row, number, name in rows
    ]


async def now(session: AsyncSession) -> datetime:
    """Return the time by the clock of the database, by which processes are seen."""
    found: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found
