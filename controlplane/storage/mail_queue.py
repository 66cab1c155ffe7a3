"""Queries of mails that wait or failed, for the people who look after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.audit import AuditAction
from controlplane.storage.tables import AuditEntryRow, MailboxRow, MessageMailRow, MessageRow, TenantRow

# More of them nobody reads; the counts tell of the others.
SHOWN: Final = 200

MailKey = tuple[UUID, str]
"""A mail: of which message, and to whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentMail:
    """A mail that is not sent; `failed`: no further try comes by itself. `error` is what the server said."""

    message_id: UUID
    recipient: str
    failed: bool
    attempts: int
    error: str | None
    updated_at: datetime
    mailbox_number: str
    mailbox_name: str
    tenant_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentMails:
    """The newest of them, and how many there are."""

    items: tuple[UnsentMail, ...]
    waiting: int
    failed: int


async def unsent(session: AsyncSession, tenant_id: UUID | None) -> UnsentMails:
    """Return what waits and what failed, of one tenant or of all; failed ones first."""
    counted = await session.execute(
        select(MessageMailRow.status, func.count())
        .join(MessageRow, MessageRow.id == MessageMailRow.message_id)
        .where(*_unsent_of(tenant_id))
        .group_by(MessageMailRow.status)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in counted}
    rows = await session.execute(
        select(MessageMailRow, MailboxRow.number, MailboxRow.display_name, TenantRow.name)
        .join(MessageRow, MessageRow.id == MessageMailRow.message_id)
        .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
        .join(TenantRow, TenantRow.id == MessageRow.tenant_id)
        .where(*_unsent_of(tenant_id))
        .order_by(MessageMailRow.status, MessageMailRow.updated_at.desc(), MessageMailRow.message_id)
        .limit(SHOWN)
    )
    items = tuple(
        UnsentMail(
            message_id=mail.message_id,
            recipient=mail.recipient,
            failed=mail.status == "failed",
            attempts=mail.attempts,
            error=mail.error,
            updated_at=mail.updated_at,
            mailbox_number=number,
            mailbox_name=name,
            tenant_name=tenant,
        )
        for mail, number, name, tenant in rows
    )
    return UnsentMails(items=items, waiting=counts.get("queued", 0), failed=counts.get("failed", 0))


def _unsent_of(tenant_id: UUID | None) -> list[ColumnElement[bool]]:
    of_tenant = [] if tenant_id is None else [MessageRow.tenant_id == tenant_id]
    return [MessageMailRow.status.in_(["queued", "failed"]), *of_tenant]


def _keys_of(tenant_id: UUID | None, key: MailKey | None) -> list[ColumnElement[bool]]:
    """Return which mails are meant: one, or all; only of messages of a tenant."""
    found: list[ColumnElement[bool]] = []
    if tenant_id is not None:
        of_tenant = select(MessageRow.id).where(MessageRow.tenant_id == tenant_id)
        found.append(MessageMailRow.message_id.in_(of_tenant))
    if key is not None:
        found.append(tuple_(MessageMailRow.message_id, MessageMailRow.recipient) == key)
    return found


async def note(
    session: AsyncSession, tenant_id: UUID | None, key: MailKey | None, *, action: AuditAction, by: str
) -> None:
    """Note in the audit log what somebody is about to do with mails that wait or failed: one, or all."""
    mails = (
        select(
            MessageRow.tenant_id,
            literal(by),
            literal(action.value),
            literal("mail"),
            MessageMailRow.recipient,
            MailboxRow.number,
            func.jsonb_build_object(
                *("caller", MessageRow.caller_number, "received_at", MessageRow.received_at),
                *("after", func.jsonb_build_object("mailbox", MailboxRow.number)),
            ),
        )
        .join(MessageRow, MessageRow.id == MessageMailRow.message_id)
        .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
        .where(MessageMailRow.status.in_(["queued", "failed"]), *_keys_of(tenant_id, key))
    )
    columns = ["tenant_id", "author", "action", "kind", "object_key", "subject", "details"]
    await session.execute(insert(AuditEntryRow).from_select(columns, mails))


async def queue_again(session: AsyncSession, tenant_id: UUID | None, key: MailKey | None) -> list[MailKey]:
    """Let failed mails wait again, as if they had never been tried: one, or all; return which."""
    changed = await session.execute(
        update(MessageMailRow)
        .where(MessageMailRow.status == "failed", *_keys_of(tenant_id, key))
        .values(status="queued", attempts=0, updated_at=func.now())
        .returning(MessageMailRow.message_id, MessageMailRow.recipient)
        .execution_options(synchronize_session=False)
    )
    return [(row[0], row[1]) for row in changed]


async def hurry(session: AsyncSession, tenant_id: UUID | None, key: MailKey | None) -> int:
    """Let the jobs of mails that wait for their next try run now; return how many there are."""
    waiting = select(MessageMailRow.message_id, MessageMailRow.recipient).where(
        MessageMailRow.status == "queued", *_keys_of(tenant_id, key)
    )
    keys = (await session.execute(waiting)).all()
    for message_id, recipient in keys:
        await session.execute(
            text(
                "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND "
                "task_name = 'mail.send' AND args @> jsonb_build_object('message_id', (:message_id)::text, "
                "'recipient', (:recipient)::text)"
            ),
            {"message_id": str(message_id), "recipient": recipient},
        )
    return len(keys)


async def discard(session: AsyncSession, tenant_id: UUID | None, key: MailKey) -> bool:
    """Forget a mail that waits or failed; False if there is none."""
    removed = await session.execute(
        delete(MessageMailRow)
        .where(MessageMailRow.status.in_(["queued", "failed"]), *_keys_of(tenant_id, key))
        .returning(MessageMailRow.message_id)
        .execution_options(synchronize_session=False)
    )
    return bool(removed.all())
