"""Queries about the tries of PINs, and the locks that make them one after the other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from controlplane.domain.pin_locks import Try
from controlplane.storage.tables import MailboxRow, PinTryRow

OUTSIDE = "outside"


async def database_time(session: AsyncSession) -> datetime:
    """Return the time now by the one clock of all processes, which also times a PIN's change."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def serialize(session: AsyncSession, *, tenant_id: UUID, mailbox_id: UUID | None, source: str) -> None:
    """Wait until no other try of this mailbox or of this source is being counted.

    Held until the transaction ends; the mailbox first and then the source, so that two tries
    never wait for each other.
    """
    if mailbox_id is not None:
        await _advisory_lock(session, f"pin-tries:mailbox:{mailbox_id}")
    await _advisory_lock(session, f"pin-tries:source:{tenant_id}:{source}:{_scope(source, mailbox_id)}")


async def _advisory_lock(session: AsyncSession, name: str) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _scope(source: str, mailbox_id: UUID | None) -> UUID | None:
    """Callers from outside are one source per mailbox; an extension is one over all mailboxes."""
    return mailbox_id if source == OUTSIDE else None


async def add(
    session: AsyncSession, *, tenant_id: UUID, mailbox_id: UUID | None, source: str, at: datetime
) -> int:
    """Count a try, as wrong until it is marked right; return its id."""
    row = PinTryRow(tenant_id=tenant_id, mailbox_id=mailbox_id, source=source, tried_at=at)
    session.add(row)
    await session.flush()
    return row.id


async def mark_correct(session: AsyncSession, try_id: int) -> None:
    """Note that a try was verified as right."""
    await session.execute(update(PinTryRow).where(PinTryRow.id == try_id).values(correct=True))


async def since_last_right(
    session: AsyncSession, *, mailbox_id: UUID, source: str, after: datetime
) -> list[Try]:
    """Return a source's tries of a mailbox after a time, from its last right one on, in their order."""
    mine = (
        PinTryRow.mailbox_id == mailbox_id,
        PinTryRow.source == source,
        PinTryRow.tried_at > after,
    )
    last_right = select(func.coalesce(func.max(PinTryRow.id), 0)).where(*mine, PinTryRow.correct)
    rows = await session.execute(
        select(PinTryRow.tried_at, PinTryRow.correct)
        .where(*mine, PinTryRow.id >= last_right.scalar_subquery())
        .order_by(PinTryRow.id)
    )
    return [Try(at=at, correct=correct) for at, correct in rows]


async def newest_wrong_of_source(
    session: AsyncSession, *, tenant_id: UUID, mailbox_id: UUID | None, source: str, limit: int
) -> list[datetime]:
    """Return when a source was wrong last, newest first, over all mailboxes.

    Callers from outside are one source per mailbox: of them only those who tried the same one.
    """
    query = select(PinTryRow.tried_at).where(
        PinTryRow.tenant_id == tenant_id, PinTryRow.source == source, ~PinTryRow.correct
    )
    if source == OUTSIDE:
        query = query.where(_same_mailbox(mailbox_id))
    return list(await session.scalars(query.order_by(PinTryRow.tried_at.desc()).limit(limit)))


def _same_mailbox(mailbox_id: UUID | None) -> ColumnElement[bool]:
    return PinTryRow.mailbox_id.is_(None) if mailbox_id is None else PinTryRow.mailbox_id == mailbox_id


async def count_wrong_of_mailbox(
    session: AsyncSession, *, mailbox_id: UUID, after: datetime, outside: bool
) -> int:
    """Count the wrong tries of a mailbox's PIN after a time: those from outside, or of all extensions."""
    whose = PinTryRow.source == OUTSIDE if outside else PinTryRow.source != OUTSIDE
    counted = await session.scalar(
        select(func.count())
        .select_from(PinTryRow)
        .where(PinTryRow.mailbox_id == mailbox_id, whose, PinTryRow.tried_at > after, ~PinTryRow.correct)
    )
    return counted or 0


async def was_ever_right(session: AsyncSession, *, mailbox_id: UUID, source: str, after: datetime) -> bool:
    """Say whether a source gave the PIN rightly after a time."""
    found = await session.scalar(
        select(
            exists().where(
                PinTryRow.mailbox_id == mailbox_id,
                PinTryRow.source == source,
                PinTryRow.tried_at > after,
                PinTryRow.correct,
            )
        )
    )
    return bool(found)


async def purge(session: AsyncSession, *, before: datetime) -> int:
    """Remove tries before a time; return how many.

    A source's last right try of a PIN that is still the same stays: it is why a mailbox that was
    tried too often still lets this source in.
    """
    later = aliased(PinTryRow)
    superseded = exists().where(
        later.mailbox_id == PinTryRow.mailbox_id,
        later.source == PinTryRow.source,
        later.id > PinTryRow.id,
        later.correct,
    )
    still_valid = exists().where(
        MailboxRow.id == PinTryRow.mailbox_id,
        MailboxRow.deleted_at.is_(None),
        MailboxRow.pin_changed_at < PinTryRow.tried_at,
    )
    removed = await session.execute(
        delete(PinTryRow)
        .where(PinTryRow.tried_at < before, ~(PinTryRow.correct & still_valid & ~superseded))
        .returning(PinTryRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())
