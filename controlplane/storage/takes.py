"""Queries of the deposit: which recordings were dealt with, and the message that one becomes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.message import Message
from controlplane.storage.tables import MailboxRow, MessageRow, RecordingTakenRow


class TakeOutcome(StrEnum):
    """How a recording id was dealt with."""

    MESSAGE = "message"
    TOO_SHORT = "too_short"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What a deposit needs to know of a mailbox, which may be deleted already."""

    id: UUID
    tenant_id: UUID
    is_deleted: bool
    min_message_seconds: int
    email_notification: bool
    email_recipients: tuple[str, ...]


async def outcome(session: AsyncSession, recording_id: UUID) -> TakeOutcome | None:
    """Return how a recording was dealt with; None if it was not yet."""
    found = await session.scalar(
        select(RecordingTakenRow.outcome).where(RecordingTakenRow.recording_id == recording_id)
    )
    return None if found is None else TakeOutcome(found)


async def receiver(session: AsyncSession, mailbox_id: UUID, *, lock: bool = False) -> Receiver | None:
    """Return the mailbox, deleted or not; with `lock` nobody deletes it before the transaction ends."""
    query = select(MailboxRow).where(MailboxRow.id == mailbox_id)
    if lock:
        query = query.with_for_update(read=True)
    row = await session.scalar(query)
    if row is None:
        return None
    return Receiver(
        id=row.id,
        tenant_id=row.tenant_id,
        is_deleted=row.deleted_at is not None,
        min_message_seconds=row.min_message_seconds,
        email_notification=row.email_notification,
        email_recipients=tuple(row.email_recipients),
    )


async def claim(
    session: AsyncSession, recording_id: UUID, mailbox_id: UUID, result: TakeOutcome
) -> TakeOutcome | None:
    """Write down how a recording is dealt with; None, or the outcome if somebody was faster.

    Waits for the other transaction that is about to write the same id.
    """
    claimed = await session.scalar(
        insert(RecordingTakenRow)
        .values(recording_id=recording_id, mailbox_id=mailbox_id, outcome=result.value)
        .on_conflict_do_nothing()
        .returning(RecordingTakenRow.recording_id)
    )
    return None if claimed is not None else await outcome(session, recording_id)


async def insert_message(session: AsyncSession, message: Message) -> None:
    """Add a message."""
    session.add(
        MessageRow(
            id=message.id,
            tenant_id=message.tenant_id,
            mailbox_id=message.mailbox_id,
            call_id=message.call_id,
            caller_number=message.caller.number,
            caller_name=message.caller.name,
            received_at=message.received_at,
            duration_ms=message.duration_ms,
            state=message.state.value,
            state_before=None if message.state_before is None else message.state_before.value,
            reached_by=message.reached_by.to_json(),
        )
    )
    await session.flush()


async def existing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are messages."""
    return set(await session.scalars(select(MessageRow.id).where(MessageRow.id.in_(ids))))
