"""Which keys the stored PINs need."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MailboxRow


async def in_use(session: AsyncSession) -> dict[str, int]:
    """Return how many PINs of mailboxes that are not deleted are stored with which key."""
    key = func.split_part(MailboxRow.pin_hash, "$", 1)
    rows = await session.execute(
        select(key, func.count()).where(MailboxRow.deleted_at.is_(None)).group_by(key)
    )
    return {row[0]: row[1] for row in rows}
