"""Queries of the processes that run now, of their calls in mailboxes, and of who listens to a message."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.colleague import Colleague
from controlplane.domain.presence import (
    LOST_AFTER,
    PLAYER_LOST_AFTER,
    Doing,
    ListeningBy,
    PresentCall,
    PresentListener,
    ProcessKind,
    RunningProcess,
    ShownCall,
)
from controlplane.storage.tables import (
    ExtensionRow,
    MailboxRow,
    PresentCallRow,
    PresentPlayerRow,
    RunningProcessRow,
    UserRow,
)

_FORGOTTEN_AFTER: Final = timedelta(days=2)
_MOST: Final = 500
_PROCESS_IS_SEEN: Final = RunningProcessRow.seen_at > func.now() - LOST_AFTER
_PLAYER_IS_SEEN: Final = PresentPlayerRow.seen_at > func.now() - PLAYER_LOST_AFTER


async def seen(session: AsyncSession, process: RunningProcess) -> bool:
    """Note that a process runs, by the clock of the database; forget those that are long gone.

    Returns whether its calls are known as it told them: not of one that is new, or was lost meanwhile.
    """
    known = await session.scalar(select(_PROCESS_IS_SEEN).where(RunningProcessRow.id == process.id))
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
    return bool(known)


async def forget_calls(session: AsyncSession, process_id: UUID) -> None:
    """Forget the calls of a process, which tells all of them anew."""
    await session.execute(delete(PresentCallRow).where(PresentCallRow.process_id == process_id))


async def forget_lost(session: AsyncSession) -> None:
    """Forget the calls of processes that were lost, and players that were closed without a word.

    Who looks at their mailboxes is told by that.
    """
    calls_of_lost = (
        select(PresentCallRow.process_id, PresentCallRow.call_id)
        .join(RunningProcessRow, RunningProcessRow.id == PresentCallRow.process_id)
        .where(~_PROCESS_IS_SEEN)
        .with_for_update(of=PresentCallRow, skip_locked=True)
    )
    await session.execute(
        delete(PresentCallRow).where(
            tuple_(PresentCallRow.process_id, PresentCallRow.call_id).in_(calls_of_lost)
        )
    )
    lost = select(PresentPlayerRow.id).where(~_PLAYER_IS_SEEN).with_for_update(skip_locked=True)
    await session.execute(delete(PresentPlayerRow).where(PresentPlayerRow.id.in_(lost)))


async def gone(session: AsyncSession, process_id: UUID) -> None:
    """Forget a process that ended in order, and its calls."""
    await session.execute(delete(RunningProcessRow).where(RunningProcessRow.id == process_id))


async def came_and_went(
    session: AsyncSession, process_id: UUID, *, came: Iterable[PresentCall], went: Collection[str]
) -> None:
    """Note which calls of a process are in a mailbox or went on there, and which are in none any more."""
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
            "extension": call.extension,
            "since": call.since,
            "message_id": call.message_id,
            "message_since": call.message_since,
        }
        for call in came
    ]
    if rows:
        key = ("process_id", "call_id")
        told = insert_or(PresentCallRow)
        values = {name: told.excluded[name] for name in rows[0] if name not in key}
        await session.execute(told.on_conflict_do_update(index_elements=key, set_=values), rows)


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
        .where(PresentCallRow.tenant_id == tenant_id, _PROCESS_IS_SEEN)
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
                extension=row.extension,
                since=row.since,
                message_id=row.message_id,
                message_since=row.message_since,
            ),
            mailbox_number=number,
            mailbox_name=name,
        )
        for row, number, name in rows
    ]


async def plays(
    session: AsyncSession,
    player_id: UUID,
    *,
    user_id: UUID,
    tenant_id: UUID,
    mailbox_id: UUID,
    message_id: UUID,
) -> bool:
    """Note that a player of a user plays a message; return whether that is news.

    A player that is somebody else's stays as it is.
    """
    before = await session.scalar(
        select(PresentPlayerRow.message_id).where(PresentPlayerRow.id == player_id, _PLAYER_IS_SEEN)
    )
    news = before != message_id
    values = {
        "tenant_id": tenant_id,
        "mailbox_id": mailbox_id,
        "message_id": message_id,
        "seen_at": func.now(),
    } | ({"since": func.now()} if news else {})
    await session.execute(
        insert_or(PresentPlayerRow)
        .values(id=player_id, user_id=user_id, **{"since": func.now(), **values})
        .on_conflict_do_update(
            index_elements=[PresentPlayerRow.id], set_=values, where=PresentPlayerRow.user_id == user_id
        )
    )
    return news


async def stops(session: AsyncSession, player_id: UUID, *, message_id: UUID, user_id: UUID) -> None:
    """Note that a player of a user does not play a message any more."""
    await session.execute(
        delete(PresentPlayerRow).where(
            PresentPlayerRow.id == player_id,
            PresentPlayerRow.message_id == message_id,
            PresentPlayerRow.user_id == user_id,
        )
    )


async def heard_by_phone(session: AsyncSession, mailbox_ids: Collection[UUID]) -> list[UUID]:
    """Return those of these mailboxes in which somebody listens by phone."""
    found = await session.scalars(
        select(PresentCallRow.mailbox_id)
        .distinct()
        .where(PresentCallRow.mailbox_id.in_(mailbox_ids), PresentCallRow.doing == Doing.LISTENING.value)
    )
    return list(found)


async def listeners_of_mailbox(session: AsyncSession, mailbox_id: UUID) -> list[PresentListener]:
    """List who listens to which message of a mailbox, who began first first."""
    return await _listeners(
        session, PresentCallRow.mailbox_id == mailbox_id, PresentPlayerRow.mailbox_id == mailbox_id
    )


async def listeners_of_message(
    session: AsyncSession, message_id: UUID, *, besides: str = ""
) -> list[PresentListener]:
    """List who listens to a message, but for the call `besides`, who began first first."""
    return await _listeners(
        session,
        and_(PresentCallRow.message_id == message_id, PresentCallRow.call_id != besides),
        PresentPlayerRow.message_id == message_id,
    )


async def _listeners(
    session: AsyncSession, calls: ColumnElement[bool], players: ColumnElement[bool]
) -> list[PresentListener]:
    by_phone = await session.execute(
        select(
            PresentCallRow.message_id,
            PresentCallRow.message_since,
            PresentCallRow.extension,
            PresentCallRow.who,
            func.coalesce(UserRow.display_name, ExtensionRow.display_name),
        )
        .join(RunningProcessRow, RunningProcessRow.id == PresentCallRow.process_id)
        .outerjoin(
            ExtensionRow,
            and_(
                ExtensionRow.tenant_id == PresentCallRow.tenant_id,
                ExtensionRow.number == PresentCallRow.extension,
            ),
        )
        .outerjoin(UserRow, UserRow.extension_id == ExtensionRow.id)
        .where(_PROCESS_IS_SEEN, PresentCallRow.message_id.is_not(None), calls)
        .limit(_MOST)
    )
    in_browsers = await session.execute(
        select(PresentPlayerRow.message_id, PresentPlayerRow.since, ExtensionRow.number, UserRow.display_name)
        .join(UserRow, UserRow.id == PresentPlayerRow.user_id)
        .outerjoin(ExtensionRow, ExtensionRow.id == UserRow.extension_id)
        .where(_PLAYER_IS_SEEN, players)
        .limit(_MOST)
    )
    found = [
        PresentListener(
            message_id=message_id,
            by=ListeningBy.PHONE,
            who=Colleague(extension=extension, name=name, outside=extension is None),
            since=since,
            caller=who if extension is None else None,
        )
        for message_id, since, extension, who, name in by_phone
        if message_id is not None and since is not None
    ]
    found += [
        PresentListener(
            message_id=message_id,
            by=ListeningBy.BROWSER,
            who=Colleague(extension=extension, name=name),
            since=since,
        )
        for message_id, since, extension, name in in_browsers
    ]
    return sorted(found, key=lambda listener: (listener.since, listener.by))


async def now(session: AsyncSession) -> datetime:
    """Return the time by the clock of the database, by which processes are seen."""
    found: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found
