"""Queries about the tries of passwords, and the locks that make them one after the other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.pin_locks import Try
from controlplane.storage.tables import SignInTryRow


async def serialize(session: AsyncSession, *, account: bytes, address: str) -> None:
    """Wait until no other try of this account or from this address is being counted.

    Held until the transaction ends; the account first, so that two tries never wait for each other.
    """
    for name in (f"sign-in:account:{account.hex()}", f"sign-in:address:{address}"):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def add(session: AsyncSession, *, account: bytes, address: str, at: datetime) -> int:
    """Count a try, as wrong until it is marked right; return its id."""
    row = SignInTryRow(account=account, address=address, tried_at=at)
    session.add(row)
    await session.flush()
    return row.id


async def mark_correct(session: AsyncSession, try_id: int) -> None:
    """Note that a try was verified as right."""
    await session.execute(update(SignInTryRow).where(SignInTryRow.id == try_id).values(correct=True))


async def of_account(session: AsyncSession, account: bytes, *, after: datetime) -> list[Try]:
    """Return an account's tries after a time, from its last right one on, in their order."""
    mine = (SignInTryRow.account == account, SignInTryRow.tried_at > after)
    last_right = select(func.coalesce(func.max(SignInTryRow.id), 0)).where(*mine, SignInTryRow.correct)
    rows = await session.execute(
        select(SignInTryRow.tried_at, SignInTryRow.correct)
        .where(*mine, SignInTryRow.id >= last_right.scalar_subquery())
        .order_by(SignInTryRow.id)
    )
    return [Try(at=at, correct=correct) for at, correct in rows]


async def newest_wrong_of_address(session: AsyncSession, address: str, *, limit: int) -> list[datetime]:
    """Return when passwords from an address were wrong last, newest first, over all accounts."""
    query = select(SignInTryRow.tried_at).where(SignInTryRow.address == address, ~SignInTryRow.correct)
    return list(await session.scalars(query.order_by(SignInTryRow.tried_at.desc()).limit(limit)))


async def purge(session: AsyncSession, *, before: datetime) -> None:
    """Remove tries before a time."""
    await session.execute(
        delete(SignInTryRow)
        .where(SignInTryRow.tried_at < before)
        .execution_options(synchronize_session=False)
    )
