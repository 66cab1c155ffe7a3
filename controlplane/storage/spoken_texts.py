"""Queries of sentences that somebody wants to hear, and of greetings that somebody tries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import GreetingDraftRow, SpokenTextRow


async def ask(session: AsyncSession, *, digest: str, language: str, sentences: Sequence[str]) -> bool:
    """Note that sentences are to be spoken; False if somebody asked before and they did not fail."""
    asked = await session.execute(
        insert(SpokenTextRow)
        .values(digest=digest, language=language, sentences=list(sentences))
        .on_conflict_do_update(
            index_elements=[SpokenTextRow.digest],
            set_={"failed": False},
            where=SpokenTextRow.failed.is_(True),
        )
        .returning(SpokenTextRow.digest)
    )
    return asked.scalar_one_or_none() is not None


async def get(session: AsyncSession, digest: str) -> SpokenTextRow | None:
    """Return what was asked for."""
    return await session.get(SpokenTextRow, digest, populate_existing=True)


async def finish(session: AsyncSession, digest: str, *, wav: bytes | None) -> None:
    """Keep what was spoken; None says that it cannot be."""
    await session.execute(
        update(SpokenTextRow).where(SpokenTextRow.digest == digest).values(wav=wav, failed=wav is None)
    )


async def insert_draft(session: AsyncSession, row: GreetingDraftRow) -> None:
    """Keep a greeting to be tried."""
    session.add(row)
    await session.flush()


async def draft(
    session: AsyncSession, draft_id: UUID, *, tenant_id: UUID, object_id: UUID
) -> GreetingDraftRow | None:
    """Return a greeting to be tried."""
    return await session.scalar(
        select(GreetingDraftRow).where(
            GreetingDraftRow.id == draft_id,
            GreetingDraftRow.tenant_id == tenant_id,
            GreetingDraftRow.object_id == object_id,
        )
    )


async def remove_draft(session: AsyncSession, draft_id: UUID) -> None:
    """Forget a greeting that was tried."""
    await session.execute(delete(GreetingDraftRow).where(GreetingDraftRow.id == draft_id))


async def purge(session: AsyncSession, *, before: datetime) -> None:
    """Forget what was asked for or tried before a time."""
    await session.execute(delete(SpokenTextRow).where(SpokenTextRow.made_at < before))
    await session.execute(delete(GreetingDraftRow).where(GreetingDraftRow.made_at < before))
