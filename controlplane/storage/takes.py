"""Queries of the deposit: which recordings were dealt with, and the message that one becomes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.message import TakeFacts
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage.database import Connection
from controlplane.storage.tables import MessageRow

# Every call that ends asks and writes this: what is asked is one statement, and what is written another.
_STANDING: Final = """
    SELECT (SELECT outcome FROM recordings_taken WHERE recording_id = %(recording_id)s),
           (SELECT min_message_seconds FROM mailboxes WHERE id = %(mailbox_id)s)
"""
# `held` is locked, so that a mailbox which is deleted now finds this message, or this finds it deleted.
_DEPOSIT: Final = """
    WITH held AS (
        SELECT id, tenant_id, number, deleted_at, email_notification, email_recipients,
            max_messages, max_total_seconds
        FROM mailboxes WHERE id = %(mailbox_id)s
        FOR SHARE
    ), claimed AS (
        INSERT INTO recordings_taken (recording_id, mailbox_id, outcome)
        SELECT %(recording_id)s, held.id, 'message' FROM held
        ON CONFLICT DO NOTHING
        RETURNING recording_id
    ), replaced AS (
        INSERT INTO recordings_taken (recording_id, mailbox_id, outcome)
        SELECT %(replaces)s::uuid, %(mailbox_id)s, 'discarded' FROM claimed
        WHERE %(replaces)s::uuid IS NOT NULL
        ON CONFLICT DO NOTHING
    ), added AS (
        INSERT INTO messages (id, tenant_id, mailbox_id, call_id, trace_id, caller_number, caller_name,
            received_at, duration_ms, state, state_before, reached_by, urgent)
        SELECT recording_id, held.tenant_id, held.id, %(call_id)s, %(trace_id)s,
            %(caller_number)s, %(caller_name)s, %(received_at)s, %(duration_ms)s,
            CASE WHEN held.deleted_at IS NULL THEN 'new' ELSE 'deleted' END,
            CASE WHEN held.deleted_at IS NULL THEN NULL ELSE 'new' END,
            %(reached_by)s, %(urgent)s
        FROM claimed CROSS JOIN held
        RETURNING id
    ), mails AS (
        INSERT INTO message_mails (message_id, recipient)
        SELECT added.id, recipient
        FROM added CROSS JOIN held CROSS JOIN unnest(held.email_recipients) AS recipient
        WHERE held.email_notification AND held.deleted_at IS NULL
        ON CONFLICT DO NOTHING
        RETURNING recipient
    )
    SELECT held.deleted_at IS NOT NULL,
           ARRAY(SELECT recipient FROM mails),
           held.number,
           CASE WHEN tenants.name <> %(default_tenant)s THEN tenants.id END,
           coalesce(held.max_messages, tenants.max_messages) > 0
               OR coalesce(held.max_total_seconds, tenants.max_total_seconds) > 0
    FROM added CROSS JOIN held JOIN tenants ON tenants.id = held.tenant_id
"""


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
    """The mailbox that got a message: whether it is deleted, who is mailed, whose lamp changed.

    `tenant` is None for the default one. `limited` says that there is a limit to what it holds.
    """

    mailbox_deleted: bool
    recipients: tuple[str, ...]
    number: str
    tenant: UUID | None
    limited: bool


async def standing(connection: Connection, recording_id: UUID, mailbox_id: UUID) -> Standing:
    """Return what is known of a recording and of the mailbox that it is for."""
    asked = await connection.execute(_STANDING, {"recording_id": recording_id, "mailbox_id": mailbox_id})
    done, seconds = await asked.fetchone() or (None, None)
    return Standing(outcome=None if done is None else TakeOutcome(done), min_message_seconds=seconds)


async def outcome(connection: Connection, recording_id: UUID) -> TakeOutcome | None:
    """Return how a recording was dealt with; None if it was not yet."""
    asked = await connection.execute(
        "SELECT outcome FROM recordings_taken WHERE recording_id = %s", (recording_id,)
    )
    found = await asked.fetchone()
    return None if found is None else TakeOutcome(found[0])


async def claim(
    connection: Connection, recording_id: UUID, mailbox_id: UUID, result: TakeOutcome
) -> TakeOutcome | None:
    """Write down how a recording is dealt with; None, or the outcome if somebody was faster.

    Waits for the other transaction that is about to write the same id.
    """
    claimed = await connection.execute(
        "INSERT INTO recordings_taken (recording_id, mailbox_id, outcome) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (recording_id, mailbox_id, result.value),
    )
    return None if claimed.rowcount else await outcome(connection, recording_id)


async def deposit(connection: Connection, facts: TakeFacts, *, duration_ms: int) -> Deposited | None:
    """Claim a recording, make it a message with its mails, and note that what it replaces is discarded.

    The message of a deleted mailbox is in the trash, and nobody is mailed. None, and no message, if
    somebody was faster or there is no mailbox. Waits for the other transaction that is about to write
    the same id, and for one that deletes the mailbox.
    """
    written = await connection.execute(
        _DEPOSIT,
        {
            "recording_id": facts.recording_id,
            "mailbox_id": facts.mailbox_id,
            "replaces": facts.replaces,
            "call_id": facts.call_id,
            "trace_id": facts.trace_id or None,
            "caller_number": facts.caller.number,
            "caller_name": facts.caller.name,
            "received_at": facts.started_at,
            "duration_ms": duration_ms,
            "reached_by": Jsonb(facts.reached_by.to_json()),
            "urgent": facts.urgent,
            "default_tenant": DEFAULT_TENANT,
        },
    )
    found = await written.fetchone()
    if found is None:
        return None
    deleted, recipients, number, tenant, limited = found
    return Deposited(
        mailbox_deleted=deleted,
        recipients=tuple(recipients),
        number=number,
        tenant=tenant,
        limited=limited,
    )


async def existing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are messages."""
    return set(await session.scalars(select(MessageRow.id).where(MessageRow.id.in_(ids))))
