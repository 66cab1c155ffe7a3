"""Mailboxes and messages put into a real database, as tests need them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from controlplane.domain.message import MessageState, ReachedBy
from controlplane.storage.database import Database
from controlplane.storage.tables import (
    ExtensionRow,
    MailboxMemberRow,
    MailboxRow,
    MessageMailRow,
    MessageRow,
    NumberRow,
    RecordingTakenRow,
    TenantRow,
    UserRow,
)
from sqlalchemy import update

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


async def add_tenant(database: Database, name: str = "acme", **values: Any) -> UUID:
    """Make a tenant beside `default`; return its id."""
    made = {
        "id": uuid4(),
        "name": name,
        "sip_domain": f"{name}.example",
        "language": "en",
        "time_zone": "UTC",
    }
    row = TenantRow(**(made | values))
    async with database.transaction() as session:
        session.add(row)
    return row.id


async def set_tenant(database: Database, tenant_id: UUID, **values: Any) -> None:
    """Change columns of a tenant."""
    async with database.transaction() as session:
        await session.execute(update(TenantRow).where(TenantRow.id == tenant_id).values(**values))


async def add_mailbox(database: Database, tenant_id: UUID, number: str = "8001", **values: Any) -> UUID:
    """Make a mailbox; `values` are columns. Its PIN fits nothing unless `pin_hash` is given."""
    mailbox_id = uuid4()
    made: dict[str, Any] = {"display_name": "Sales", "pin_hash": "none$none"}
    async with database.transaction() as session:
        session.add(NumberRow(tenant_id=tenant_id, number=number, kind="mailbox", object_id=mailbox_id))
        session.add(MailboxRow(id=mailbox_id, tenant_id=tenant_id, number=number, **(made | values)))
    return mailbox_id


async def add_person(
    database: Database,
    tenant_id: UUID,
    *,
    extension: str,
    mailbox: UUID,
    rights: Sequence[str],
    pin_spared: bool = False,
    role: str = "member",
) -> UUID:
    """Make a user with an extension of theirs, and rights at a mailbox; return the user's id."""
    user_id, extension_id = uuid4(), uuid4()
    async with database.transaction() as session:
        session.add(
            ExtensionRow(
                id=extension_id,
                tenant_id=tenant_id,
                number=extension,
                display_name="Phone",
                sip_a1_hash="none",
                rules={},
            )
        )
        await session.flush()
        session.add(
            UserRow(
                id=user_id,
                tenant_id=tenant_id,
                user_name=f"user-{extension}",
                display_name=f"User {extension}",
                role=role,
                extension_id=extension_id,
                pin_spared=pin_spared,
            )
        )
        await session.flush()
        if rights:
            session.add(
                MailboxMemberRow(id=uuid4(), mailbox_id=mailbox, user_id=user_id, rights=list(rights))
            )
    return user_id


async def add_message(
    database: Database,
    mailbox_id: UUID,
    *,
    minute: float = 0,
    state: MessageState = MessageState.NEW,
    mails: tuple[tuple[str, str, str | None], ...] = (),
    **values: Any,
) -> UUID:
    """Make a message received `minute` minutes after NOON; return its id.

    `mails` are recipient, status and error; other `values` are columns.
    """
    message_id = uuid4()
    made: dict[str, Any] = {
        "call_id": "call-1",
        "caller_number": "101",
        "caller_name": "Alice",
        "received_at": NOON + timedelta(minutes=minute),
        "duration_ms": 12_000,
        "state": state.value,
        "state_before": "new" if state is MessageState.DELETED else None,
        "reached_by": ReachedBy().to_json(),
    }
    async with database.transaction() as session:
        mailbox = await session.get(MailboxRow, mailbox_id)
        assert mailbox is not None
        made |= {"id": message_id, "tenant_id": mailbox.tenant_id, "mailbox_id": mailbox_id}
        session.add(MessageRow(**(made | values)))
        session.add(RecordingTakenRow(recording_id=message_id, mailbox_id=mailbox_id, outcome="message"))
        await session.flush()
        session.add_all(
            MessageMailRow(message_id=message_id, recipient=recipient, status=status, error=error)
            for recipient, status, error in mails
        )
    return message_id
