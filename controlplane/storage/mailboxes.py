"""Queries about mailboxes; each comes with its tenant, whose language and time zone it may use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import namedtuple_row
from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.language import first_available
from controlplane.domain.limits import Quota
from controlplane.domain.mailbox import AfterMail, AttachmentFormat, Mailbox, SayDatetime, SourceGreeting
from controlplane.domain.numbers import Number
from controlplane.storage import recording_keys
from controlplane.storage.database import Connection
from controlplane.storage.limits import quota_of, trash_until
from controlplane.storage.recording_keys import kind_greetings
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow

Found = tuple[MailboxRow, TenantRow]

_CALLED: Final = """
    SELECT mailboxes.*, tenants.language AS tenant_language, tenants.time_zone,
        coalesce(mailboxes.max_messages, tenants.max_messages) AS quota_messages,
        coalesce(mailboxes.max_total_seconds, tenants.max_total_seconds) AS quota_seconds
    FROM mailboxes JOIN tenants ON tenants.id = mailboxes.tenant_id
    WHERE mailboxes.id = %s AND mailboxes.deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFacts:
    """What a try of a mailbox's PIN is decided by.

    `refused_at` is set once the PIN was tried too often by extensions, `refused_outside_at` once it was by
    callers from outside.
    """

    mailbox_id: UUID
    tenant_id: UUID
    pin_hash: str
    changed_at: datetime
    refused_at: datetime | None
    refused_outside_at: datetime | None


def mailbox_values(row: MailboxRow, tenant_row: TenantRow, available_languages: Collection[str]) -> Mailbox:
    """Return the domain's mailbox.

    Its language is the first that has prompts along the mailbox's tag, then along the tenant's;
    English if there is none.
    """
    return _values(
        row,
        language=first_available((row.language, tenant_row.language), available_languages),
        time_zone=tenant_row.time_zone,
        available_languages=available_languages,
        quota=quota_of(row, tenant_row),
    )


def _values(
    row: Any, *, language: str, time_zone: str, available_languages: Collection[str], quota: Quota
) -> Mailbox:
    """Return a mailbox of a row that has its columns by name."""
    return Mailbox(
        id=row.id,
        tenant_id=row.tenant_id,
        number=Number(row.number),
        display_name=row.display_name,
        language=language,
        time_zone=time_zone,
        pin_required=row.pin_required,
        enabled=row.enabled,
        email_recipients=tuple(row.email_recipients),
        email_notification=row.email_notification,
        email_attachment=row.email_attachment,
        email_attachment_format=AttachmentFormat(row.email_attachment_format),
        email_attachment_max_mb=row.email_attachment_max_mb,
        email_notice_only=tuple(row.email_notice_only),
        after_mail=AfterMail(row.after_mail),
        email_subject=row.email_subject,
        email_introduction=row.email_introduction,
        say_datetime=SayDatetime(row.say_datetime),
        review=row.review,
        min_message_seconds=row.min_message_seconds,
        max_message_seconds=row.max_message_seconds,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        source_greetings=tuple(
            SourceGreeting(
                source=own["source"],
                greeting=own["greeting"],
                language=first_available((own["language"], language), available_languages),
            )
            for own in row.source_greetings
        ),
        greeting=row.greeting,
        operator_number=row.operator_number,
        log_in_from_greeting=row.log_in_from_greeting,
        retain_days=row.retain_days,
        trash_days=row.trash_days,
        max_messages=row.max_messages,
        max_total_seconds=row.max_total_seconds,
        quota=quota,
        recordings={
            key: own["digest"] for key, own in row.recorded_greetings.items() if recording_keys.is_plain(key)
        },
        kind_greetings=kind_greetings(
            row.kind_greetings, row.recorded_greetings, language, available_languages
        ),
        name_recording=row.recorded_greetings.get(recording_keys.NAME, {}).get("digest"),
    )


def _with_tenant() -> Select[MailboxRow, TenantRow]:
    return select(MailboxRow, TenantRow).join(TenantRow, TenantRow.id == MailboxRow.tenant_id)


async def get(session: AsyncSession, mailbox_id: UUID, *, with_deleted: bool = False) -> Found | None:
    """Return a mailbox by its id; a deleted one only if asked for."""
    query = _with_tenant().where(MailboxRow.id == mailbox_id)
    if not with_deleted:
        query = query.where(MailboxRow.deleted_at.is_(None))
    found = (await session.execute(query)).one_or_none()
    return None if found is None else (found[0], found[1])


async def called(
    connection: Connection, mailbox_id: UUID, available_languages: Collection[str]
) -> Mailbox | None:
    """Return the mailbox of a call that begins, as `mailbox_values` does; None if it is deleted."""
    async with connection.cursor(row_factory=namedtuple_row) as cursor:
        await cursor.execute(_CALLED, (mailbox_id,))
        row: Any = await cursor.fetchone()
    if row is None:
        return None
    language = first_available((row.language, row.tenant_language), available_languages)
    return _values(
        row,
        language=language,
        time_zone=row.time_zone,
        available_languages=available_languages,
        quota=Quota(messages=row.quota_messages, seconds=row.quota_seconds),
    )


async def by_number(
    session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False
) -> Found | None:
    """Return the mailbox that has this number now; with `lock` nobody else changes it until the commit."""
    query = _with_tenant().where(
        MailboxRow.tenant_id == tenant_id, MailboxRow.number == number, MailboxRow.deleted_at.is_(None)
    )
    if lock:
        query = query.with_for_update(of=MailboxRow)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else (found[0], found[1])


async def time_zone(session: AsyncSession, mailbox_id: UUID) -> str:
    """Return the time zone of the mailbox's tenant; UTC for a mailbox that does not exist."""
    found = await session.scalar(
        select(TenantRow.time_zone)
        .join(MailboxRow, MailboxRow.tenant_id == TenantRow.id)
        .where(MailboxRow.id == mailbox_id)
    )
    return found or "UTC"


async def languages(session: AsyncSession, mailbox_ids: Collection[UUID]) -> list[str]:
    """Return what is spoken in some mailboxes, each language once."""
    found = await session.scalars(
        select(func.coalesce(MailboxRow.language, TenantRow.language))
        .distinct()
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.id.in_(mailbox_ids))
    )
    return sorted(found)


async def insert(session: AsyncSession, row: MailboxRow) -> None:
    """Add a mailbox and fill what the database gives (version, times); raises IntegrityError at once."""
    session.add(row)
    await session.flush()
    await session.refresh(row)


async def update_values(
    session: AsyncSession, mailbox_id: UUID, *, expected_version: int | None, values: Mapping[str, Any]
) -> MailboxRow | None:
    """Set columns by name and count the version up; return the row as it is then.

    None if the mailbox is deleted, does not exist or has another version than `expected_version`
    (None accepts any). With `pin_hash` among the values the time of the PIN's change is set and
    its refusal is lifted.
    """
    changes: dict[str, Any] = dict(values)
    if "pin_hash" in changes:
        # The clock and not the transaction's start: a try that was counted meanwhile is older.
        changes["pin_changed_at"] = func.clock_timestamp()
        changes |= {"pin_refused_at": None, "pin_refused_outside_at": None}
    statement = (
        update(MailboxRow)
        .where(MailboxRow.id == mailbox_id, MailboxRow.deleted_at.is_(None))
        .values(**changes, version=MailboxRow.version + 1, updated_at=func.clock_timestamp())
        .returning(MailboxRow)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    if expected_version is not None:
        statement = statement.where(MailboxRow.version == expected_version)
    return (await session.execute(statement)).scalar_one_or_none()


async def mark_deleted(
    session: AsyncSession, mailbox_id: UUID, *, expected_version: int | None, by: str
) -> bool:
    """Delete a mailbox and move its messages to the trash; its row stays as long as they refer to it.

    False if it is deleted already, does not exist or has another version. Its number is freed by
    removing the row in `numbers`, which is up to the one who calls.
    """
    statement = (
        update(MailboxRow)
        .where(MailboxRow.id == mailbox_id, MailboxRow.deleted_at.is_(None))
        .values(
            deleted_at=func.clock_timestamp(),
            updated_at=func.clock_timestamp(),
            version=MailboxRow.version + 1,
        )
        .returning(MailboxRow.id)
        .execution_options(synchronize_session=False)
    )
    if expected_version is not None:
        statement = statement.where(MailboxRow.version == expected_version)
    if (await session.execute(statement)).scalar_one_or_none() is None:
        return False
    # In the order of their ids, as everybody who holds several messages, so that none waits for the other.
    held = (
        select(MessageRow.id)
        .where(MessageRow.mailbox_id == mailbox_id, MessageRow.state != "deleted")
        .order_by(MessageRow.id)
        .with_for_update()
    )
    await session.execute(
        update(MessageRow)
        .where(MessageRow.id.in_(held))
        .values(
            state_before=MessageRow.state,
            state="deleted",
            state_changed_at=func.clock_timestamp(),
            state_changed_by=by,
            version=MessageRow.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    return True


async def purge_deleted(session: AsyncSession, *, deleted_before: datetime) -> int:
    """Remove the rows of mailboxes deleted before a time that no message refers to; return how many.

    Where the mailbox or its tenant says how long the trash is kept, that counts.
    """
    removed = await session.execute(
        delete(MailboxRow)
        .where(
            MailboxRow.tenant_id == TenantRow.id,
            MailboxRow.deleted_at < trash_until(deleted_before),
            ~exists().where(MessageRow.mailbox_id == MailboxRow.id),
        )
        .returning(MailboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())


async def pin_facts(session: AsyncSession, mailbox_id: UUID) -> PinFacts | None:
    """Return what decides a try of the PIN of a mailbox that is not deleted."""
    found = (
        await session.execute(
            select(
                MailboxRow.tenant_id,
                MailboxRow.pin_hash,
                MailboxRow.pin_changed_at,
                MailboxRow.pin_refused_at,
                MailboxRow.pin_refused_outside_at,
            ).where(MailboxRow.id == mailbox_id, MailboxRow.deleted_at.is_(None))
        )
    ).one_or_none()
    if found is None:
        return None
    return PinFacts(
        mailbox_id=mailbox_id,
        tenant_id=found.tenant_id,
        pin_hash=found.pin_hash,
        changed_at=found.pin_changed_at,
        refused_at=found.pin_refused_at,
        refused_outside_at=found.pin_refused_outside_at,
    )


async def refuse_pin(
    session: AsyncSession, mailbox_id: UUID, *, pin_hash: str, at: datetime, outside: bool = False
) -> bool:
    """Note that this PIN was tried too often, by extensions or from outside; True for who notes it first."""
    column = MailboxRow.pin_refused_outside_at if outside else MailboxRow.pin_refused_at
    noted = await session.execute(
        update(MailboxRow)
        .where(
            MailboxRow.id == mailbox_id,
            MailboxRow.pin_hash == pin_hash,
            column.is_(None),
            MailboxRow.deleted_at.is_(None),
        )
        .values({column: at})
        .returning(MailboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return noted.scalar_one_or_none() is not None


async def replace_pin_hash(session: AsyncSession, mailbox_id: UUID, *, old: str, new: str) -> None:
    """Store the same PIN under a newer key or newer parameters, unless it was changed meanwhile."""
    await session.execute(
        update(MailboxRow)
        .where(MailboxRow.id == mailbox_id, MailboxRow.pin_hash == old)
        .values(pin_hash=new)
        .execution_options(synchronize_session=False)
    )
