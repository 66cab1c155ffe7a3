"""Queries about messages. Every change is one conditional update, and counts the version up."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.caller import Caller
from controlplane.domain.mailbox import Counts
from controlplane.domain.message import Message, MessageState, ReachedBy
from controlplane.storage.limits import trash_until
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow

_IN_LIVE_MAILBOX = exists().where(MailboxRow.id == MessageRow.mailbox_id, MailboxRow.deleted_at.is_(None))


def message_values(row: MessageRow) -> Message:
    """Return the domain's message."""
    return Message(
        id=row.id,
        tenant_id=row.tenant_id,
        mailbox_id=row.mailbox_id,
        caller=Caller(number=row.caller_number, name=row.caller_name),
        received_at=row.received_at,
        duration_ms=row.duration_ms,
        state=MessageState(row.state),
        state_before=None if row.state_before is None else MessageState(row.state_before),
        reached_by=ReachedBy.from_json(row.reached_by),
        call_id=row.call_id,
        trace_id=row.trace_id or "",
        version=row.version,
        urgent=row.urgent,
    )


def _moved(to: MessageState, by: str) -> dict[str, Any]:
    """Return the columns of a move to `to`, whatever the state is before."""
    return {
        "state": to.value,
        "state_before": (
            func.coalesce(MessageRow.state_before, MessageRow.state) if to is MessageState.DELETED else None
        ),
        "state_changed_at": func.clock_timestamp(),
        "state_changed_by": by,
        "version": MessageRow.version + 1,
    }


async def to_hear(
    session: AsyncSession, mailbox_id: UUID, state: MessageState, *, limit: int
) -> list[Message]:
    """Return messages of a state as they are heard: urgent ones first, each kind oldest first."""
    found: list[Message] = []
    # One after the other, each in the order of an index: together they would all be sorted.
    for kind in (MessageRow.urgent, ~MessageRow.urgent):
        rows = await session.scalars(
            select(MessageRow)
            .where(MessageRow.mailbox_id == mailbox_id, MessageRow.state == state.value, kind)
            .order_by(MessageRow.received_at, MessageRow.id)
            .limit(limit - len(found))
        )
        found += [message_values(row) for row in rows]
    return found


async def get(session: AsyncSession, message_id: UUID) -> Message | None:
    """Return a message as it is now; None if it is purged."""
    row = await session.scalar(
        select(MessageRow).where(MessageRow.id == message_id).execution_options(populate_existing=True)
    )
    return None if row is None else message_values(row)


async def as_left(session: AsyncSession, message_id: UUID) -> tuple[MessageState, str | None] | None:
    """Return the state of a message and the label of who gave it that, if anybody did; None if purged."""
    found = (
        await session.execute(
            select(MessageRow.state, MessageRow.state_changed_by).where(MessageRow.id == message_id)
        )
    ).one_or_none()
    return None if found is None else (MessageState(found[0]), found[1])


async def counts(session: AsyncSession, mailbox_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """Count the messages of several mailboxes by state, in one query; every id has an answer."""
    rows = await session.execute(
        select(MessageRow.mailbox_id, MessageRow.state, func.count())
        .where(MessageRow.mailbox_id.in_(mailbox_ids))
        .group_by(MessageRow.mailbox_id, MessageRow.state)
    )
    found: dict[UUID, dict[str, int]] = {mailbox_id: {} for mailbox_id in mailbox_ids}
    for mailbox_id, state, number in rows:
        found[mailbox_id][state] = number
    return {mailbox_id: Counts(**by_state) for mailbox_id, by_state in found.items()}


async def newest(session: AsyncSession, mailbox_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when the newest message came of those mailboxes that hold one, the trash aside; one query."""
    rows = await session.execute(
        select(MessageRow.mailbox_id, func.max(MessageRow.received_at))
        .where(MessageRow.mailbox_id.in_(mailbox_ids), MessageRow.state != "deleted")
        .group_by(MessageRow.mailbox_id)
    )
    return {row[0]: row[1] for row in rows}


async def move(
    session: AsyncSession, message_id: UUID, *, seen: MessageState, to: MessageState, by: str
) -> bool:
    """Move a message out of the state that somebody saw; False if it no longer has it.

    Out of the trash only while its mailbox exists.
    """
    statement = update(MessageRow).where(MessageRow.id == message_id, MessageRow.state == seen.value)
    values = _moved(to, by)
    if seen is MessageState.DELETED:
        statement = statement.where(_IN_LIVE_MAILBOX)
        values["restored_at"] = func.clock_timestamp()
    changed = await session.execute(
        statement.values(values).returning(MessageRow.id).execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none() is not None


async def move_untouched(session: AsyncSession, message_id: UUID, *, to: MessageState, by: str) -> bool:
    """Move a message that nobody has moved since it came; False if somebody has, back to new too."""
    changed = await session.execute(
        update(MessageRow)
        .where(
            MessageRow.id == message_id,
            MessageRow.state == MessageState.NEW.value,
            MessageRow.state_changed_by.is_(None),
        )
        .values(_moved(to, by))
        .returning(MessageRow.id)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none() is not None


async def restore(session: AsyncSession, message_id: UUID, *, by: str) -> MessageState | None:
    """Take a message out of the trash; return its state then, None if it is not there.

    A message whose mailbox is deleted stays in the trash.
    """
    changed = await session.execute(
        update(MessageRow)
        .where(MessageRow.id == message_id, MessageRow.state == MessageState.DELETED.value, _IN_LIVE_MAILBOX)
        .values(_restored(by))
        .returning(MessageRow.state)
        .execution_options(synchronize_session=False)
    )
    state = changed.scalar_one_or_none()
    return None if state is None else MessageState(state)


def _restored(by: str) -> dict[str, Any]:
    return {
        "state": MessageRow.state_before,
        "state_before": None,
        "state_changed_at": func.clock_timestamp(),
        "state_changed_by": by,
        "restored_at": func.clock_timestamp(),
        "version": MessageRow.version + 1,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A message held for a change until the transaction ends."""

    id: UUID
    tenant_id: UUID
    mailbox_id: UUID
    state: MessageState
    state_before: MessageState | None
    version: int
    mailbox_deleted: bool


async def lock(session: AsyncSession, tenant_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Locked]:
    """Hold messages of a tenant for a change, in the order of their ids; leaves out what is not there."""
    rows = await session.execute(
        select(
            MessageRow.id,
            MessageRow.tenant_id,
            MessageRow.mailbox_id,
            MessageRow.state,
            MessageRow.state_before,
            MessageRow.version,
            ~_IN_LIVE_MAILBOX,
        )
        .where(MessageRow.tenant_id == tenant_id, MessageRow.id.in_(set(ids)))
        .order_by(MessageRow.id)
        .with_for_update(of=MessageRow)
    )
    return {
        row[0]: Locked(
            id=row[0],
            tenant_id=row[1],
            mailbox_id=row[2],
            state=MessageState(row[3]),
            state_before=None if row[4] is None else MessageState(row[4]),
            version=row[5],
            mailbox_deleted=row[6],
        )
        for row in rows
    }


async def move_locked(session: AsyncSession, ids: Collection[UUID], to: MessageState | None, by: str) -> None:
    """Move messages that are held by `lock`; `to` None takes each out of the trash."""
    if not ids:
        return
    await session.execute(
        update(MessageRow)
        .where(MessageRow.id.in_(ids))
        .values(_restored(by) if to is None else _moved(to, by))
        .execution_options(synchronize_session=False)
    )


async def delete_locked(session: AsyncSession, message_id: UUID) -> None:
    """Remove the row of a message that is held by `lock`; its mails' rows go with it."""
    await session.execute(delete(MessageRow).where(MessageRow.id == message_id))


async def purge_trash(session: AsyncSession, *, older_than: datetime, limit: int) -> list[UUID]:
    """Remove the rows of messages that are in the trash since before a time; return which.

    A message of a mailbox deleted before that time goes too, whatever its state. Where the mailbox or its
    tenant says how long the trash is kept, that counts.
    """
    until = trash_until(older_than)
    overdue = (
        select(MessageRow.id)
        .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(
            or_(
                and_(
                    MessageRow.state == MessageState.DELETED.value,
                    MessageRow.state_changed_at < until,
                ),
                and_(MailboxRow.deleted_at < until, MessageRow.state_changed_at < until),
            )
        )
        .limit(limit)
        .with_for_update(of=MessageRow, skip_locked=True)
    )
    removed = await session.execute(
        delete(MessageRow)
        .where(MessageRow.id.in_(overdue))
        .returning(MessageRow.id)
        .execution_options(synchronize_session=False)
    )
    return list(removed.scalars())
