"""What the page behind a mail's link shows of a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from controlplane.storage import numbers
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedMessage:
    """A message with its mailbox's name; `languages` are the wanted tags, best first."""

    id: UUID
    tenant_id: UUID
    mailbox_number: str
    mailbox_name: str
    caller: Caller
    received_at: datetime
    duration_ms: int
    languages: tuple[str, ...]
    time_zone: str
    urgent: bool
    reached_by: ReachedBy
    names: Mapping[str, str]
    """Display names of what the call passed on its way, by number."""


async def get(session: AsyncSession, message_id: UUID) -> LinkedMessage | None:
    """Return a message of any tenant; None if it is purged."""
    found = (
        await session.execute(
            select(MessageRow, MailboxRow, TenantRow)
            .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
            .join(TenantRow, TenantRow.id == MessageRow.tenant_id)
            .where(MessageRow.id == message_id)
        )
    ).one_or_none()
    if found is None:
        return None
    message, mailbox, tenant = found
    way = ReachedBy.from_json(message.reached_by)
    return LinkedMessage(
        id=message.id,
        tenant_id=message.tenant_id,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        caller=Caller.of(message.caller_number, message.caller_name),
        received_at=message.received_at,
        duration_ms=message.duration_ms,
        languages=tuple(filter(None, (mailbox.language, tenant.language))),
        time_zone=tenant.time_zone,
        urgent=message.urgent,
        reached_by=way,
        names=await numbers.names(session, tenant.id, {step.number for step in way.path}),
    )
