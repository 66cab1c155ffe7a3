"""Queries of the deposit: which recordings were dealt with, and the message that one becomes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.message import TakeFacts
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage.tables import MessageRow, RecordingTakenRow

# A deposit is what a caller's hangup is followed by, many times a second: each question more is a
# millisecond. So what is asked is one statement, and what is written another.
_STANDING: Final = text("""
    SELECT (SELECT outcome FROM recordings_taken WHERE recording_id = :recording_id),
           (SELECT min_message_seconds FROM mailboxes WHERE id = :mailbox_id)
""")
# `held` is locked, so that a mailbox which is deleted now finds this message, or this finds it deleted.
_DEPOSIT: Final = text("""
    WITH claimed AS (
        INSERT INTO recordings_taken (recording_id, mailbox_id, outcome)
        VALUES (:recording_id, :mailbox_id, 'message')
        ON CONFLICT DO NOTHING
        RETURNING recording_id
    ), held AS (
        SELECT id, tenant_id, number, deleted_at, email_notification, email_recipients
        FROM mailboxes WHERE id = :mailbox_id
        FOR SHARE
    ), replaced AS (
        INSERT INTO recordings_taken (recording_id, mailbox_id, outcome)
        SELECT CAST(:replaces AS uuid), :mailbox_id, 'discarded' FROM claimed
        WHERE CAST(:replaces AS uuid) IS NOT NULL
        ON CONFLICT DO NOTHING
    ), added AS (
        INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name,
            received_at, duration_ms, state, state_before, reached_by)
        SELECT recording_id, held.tenant_id, held.id, :call_id, :caller_number, :caller_name,
            :received_at, :duration_ms,
            CASE WHEN held.deleted_at IS NULL THEN 'new' ELSE 'deleted' END,
            CASE WHEN held.deleted_at IS NULL THEN NULL ELSE 'new' END,
            CAST(:reached_by AS jsonb)
        FROM claimed CROSS JOIN held
        RETURNING id
    )
    SELECT held.deleted_at IS NOT NULL,
           CASE WHEN held.email_notification THEN held.email_recipients ELSE '{}' END,
           CASE WHEN tenants.name = :phones_tenant THEN held.number END
    FROM added CROSS JOIN held JOIN tenants ON tenants.id = held.tenant_id
""")


class TakeOutcome(StrEnum):
    """How a recording id was dealt with."""

    MESSAGE = "message"
    TOO_SHORT = "too_short"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known before a deposit: what was done with the recording, what its mailbox asks for.

    `min_message_seconds` is None where there is no such mailbox, not even a deleted one.
    """

    outcome: TakeOutcome | None
    min_message_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """The mailbox that got a message: whether it is deleted, who is mailed, whose lamp changed."""

    mailbox_deleted: bool
    recipients: tuple[str, ...]
    lamp: str | None


async def standing(session: AsyncSession, recording_id: UUID, mailbox_id: UUID) -> Standing:
    """Return what is known of a recording and of the mailbox that it is for; one query."""
    found = await session.execute(_STANDING, {"recording_id": recording_id, "mailbox_id": mailbox_id})
    done, seconds = found.one()
    return Standing(outcome=None if done is None else TakeOutcome(done), min_message_seconds=seconds)


async def outcome(session: AsyncSession, recording_id: UUID) -> TakeOutcome | None:
    """Return how a recording was dealt with; None if it was not yet."""
    found = await session.scalar(
        select(RecordingTakenRow.outcome).where(RecordingTakenRow.recording_id == recording_id)
    )
    return None if found is None else TakeOutcome(found)


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


async def deposit(session: AsyncSession, facts: TakeFacts, *, duration_ms: int) -> Deposited | None:
    """Claim a recording, make it a message, and note that what it replaces is discarded.

    The message of a deleted mailbox is in the trash. None, and no message, if somebody was faster or
    there is no mailbox. Waits for the other transaction that is about to write the same id, and for
    one that deletes the mailbox.
    """
    found = await session.execute(
        _DEPOSIT,
        {
            "recording_id": facts.recording_id,
            "mailbox_id": facts.mailbox_id,
            "replaces": facts.replaces,
            "call_id": facts.call_id,
            "caller_number": facts.caller.number,
            "caller_name": facts.caller.name,
            "received_at": facts.started_at,
            "duration_ms": duration_ms,
            "reached_by": json.dumps(facts.reached_by.to_json()),
            "phones_tenant": DEFAULT_TENANT,
        },
    )
    row = found.one_or_none()
    if row is None:
        return None
    return Deposited(mailbox_deleted=row[0], recipients=tuple(row[1]), lamp=row[2])


async def existing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are messages."""
    return set(await session.scalars(select(MessageRow.id).where(MessageRow.id.in_(ids))))
