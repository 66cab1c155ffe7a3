"""Requests that may be repeated: the answer to an `Idempotency-Key` is kept for a day and given again.

A claim, the work and the keeping of its answer are transactions of their own. A process that dies
between the last two leaves a claim without an answer; after a minute a repeated request takes it
over and does the work again, where the unique number or name keeps it from being done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from controlplane.domain.errors import Conflict, InvalidValue
from controlplane.storage import idempotency
from controlplane.storage.database import Database

KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request, as it can be given again."""

    status: int
    headers: dict[str, str]
    body: bytes


class InProgress(Conflict):
    """The same request is being answered right now; worth a retry."""

    error_id = "request-in-progress"


async def claim(db: Database, *, token_id: UUID, key: str, request_sha256: bytes) -> Answer | None:
    """Claim a key for a request; None if the work is to be done, else the answer given before.

    Raises InvalidValue `idempotency-key-reused` if another request had this key, and InProgress
    if the same one has no answer yet.
    """
    async with db.transaction() as session:
        earlier = await idempotency.claim(
            session,
            token_id=token_id,
            key=key,
            request_sha256=request_sha256,
            kept=KEPT,
            abandoned=ABANDONED,
        )
    if earlier is None:
        return None
    if earlier.request_sha256 != request_sha256:
        raise InvalidValue(
            "This Idempotency-Key was used for another request; use a new one.",
            error_id="idempotency-key-reused",
            field="Idempotency-Key",
        )
    if earlier.status is None:
        raise InProgress("The same request is being answered; ask again in a moment.")
    return Answer(status=earlier.status, headers=earlier.headers or {}, body=earlier.body or b"")


async def keep(db: Database, *, token_id: UUID, key: str, answer: Answer) -> None:
    """Store the answer to a claimed request; it must not hold a secret."""
    async with db.transaction() as session:
        await idempotency.keep(
            session,
            token_id=token_id,
            key=key,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
        )


async def release(db: Database, *, token_id: UUID, key: str) -> None:
    """Give a claimed key back, because the request was refused and nothing was done."""
    async with db.transaction() as session:
        await idempotency.release(session, token_id=token_id, key=key)
