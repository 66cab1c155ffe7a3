"""Queries about idempotency keys: claim one, keep its answer, give it back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import IdempotencyKeyRow


async def claim(
    session: AsyncSession,
    *,
    token_id: UUID,
    key: str,
    request_sha256: bytes,
    kept: timedelta,
    abandoned: timedelta,
) -> IdempotencyKeyRow | None:
    """Claim a key; None if it is ours now, else the row of the one who has it.

    A row older than `kept` is forgotten; one for the same request without an answer for longer
    than `abandoned` was left by a process that died, and is taken over.
    """
    fresh = insert(IdempotencyKeyRow).values(token_id=token_id, key=key, request_sha256=request_sha256)
    takeover = fresh.on_conflict_do_update(
        constraint="pk_idempotency_keys",
        set_={
            "request_sha256": fresh.excluded.request_sha256,
            "status": None,
            "headers": None,
            "body": None,
            "created_at": func.now(),
        },
        where=or_(
            IdempotencyKeyRow.created_at < func.now() - kept,
            and_(
                IdempotencyKeyRow.status.is_(None),
                IdempotencyKeyRow.request_sha256 == fresh.excluded.request_sha256,
                IdempotencyKeyRow.created_at < func.now() - abandoned,
            ),
        ),
    ).returning(IdempotencyKeyRow.token_id)
    while (await session.execute(takeover)).scalar_one_or_none() is None:
        earlier = await session.scalar(
            select(IdempotencyKeyRow)
            .where(IdempotencyKeyRow.token_id == token_id, IdempotencyKeyRow.key == key)
            .execution_options(populate_existing=True)
        )
        if earlier is not None:
            return earlier
        # It was given back between the two statements: claim it again.
    return None


async def keep(
    session: AsyncSession, *, token_id: UUID, key: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Store the answer to a claimed request."""
    await session.execute(
        update(IdempotencyKeyRow)
        .where(IdempotencyKeyRow.token_id == token_id, IdempotencyKeyRow.key == key)
        .values(status=status, headers=headers, body=body)
        .execution_options(synchronize_session=False)
    )


async def release(session: AsyncSession, *, token_id: UUID, key: str) -> None:
    """Give a claimed key back, because nothing was done."""
    await session.execute(
        delete(IdempotencyKeyRow)
        .where(
            IdempotencyKeyRow.token_id == token_id,
            IdempotencyKeyRow.key == key,
            IdempotencyKeyRow.status.is_(None),
        )
        .execution_options(synchronize_session=False)
    )
