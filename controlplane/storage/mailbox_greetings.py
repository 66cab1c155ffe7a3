"""Queries of the greetings that people recorded for mailboxes."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import GreetingRecordingRow, MailboxRow


async def store(session: AsyncSession, mailbox_id: UUID, *, digest: str, wav: bytes) -> None:
    """Keep a recording; the same one twice is one."""
    statement = insert(GreetingRecordingRow).values(mailbox_id=mailbox_id, digest=digest, wav=wav)
    await session.execute(statement.on_conflict_do_nothing())


async def keep_only(session: AsyncSession, mailbox_id: UUID, digests: Collection[str]) -> None:
    """Forget the other recordings of a mailbox."""
    await session.execute(
        delete(GreetingRecordingRow).where(
            GreetingRecordingRow.mailbox_id == mailbox_id, GreetingRecordingRow.digest.not_in(digests)
        )
    )


async def wav_of(session: AsyncSession, mailbox_id: UUID, digest: str) -> bytes | None:
    """Return a recording of a mailbox."""
    return await session.scalar(
        select(GreetingRecordingRow.wav).where(
            GreetingRecordingRow.mailbox_id == mailbox_id, GreetingRecordingRow.digest == digest
        )
    )


async def in_use(session: AsyncSession) -> dict[str, UUID]:
    """Return the digests of all recordings of mailboxes that are not deleted, each with a mailbox."""
    found = await session.execute(
        select(GreetingRecordingRow.digest, GreetingRecordingRow.mailbox_id)
        .join(MailboxRow, MailboxRow.id == GreetingRecordingRow.mailbox_id)
        .where(MailboxRow.deleted_at.is_(None))
    )
    return {row.digest: row.mailbox_id for row in found}
