"""Queries of templates of mails that could not be used, and of test mails."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MailboxRow, MailTemplateFaultRow, MailTrialRow, TenantRow

_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsFault:
    """A template that could not be used: of a mailbox, or with `mailbox_number` None of the tenant."""

    field: str
    tenant_name: str
    mailbox_number: str | None
    mailbox_name: str | None
    sentence: str
    mails: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOwner:
    """Whose mails are tried: those of a mailbox, or those of a tenant for mailboxes without own words."""

    mailbox_id: UUID | None = None
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTrial:
    """A mail that somebody sends to see what it is like; `status` is queued, sent or failed."""

    id: UUID
    owner: TrialOwner
    recipient: str
    made_at: datetime
    status: str
    error: str | None


async def note_fault(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    mailbox_id: UUID | None,
    field: str,
    template: str,
    sentence: str,
) -> None:
    """Note that a template could not be used, unless it was changed meanwhile; counts how often."""
    owner = TenantRow if mailbox_id is None else MailboxRow
    owner_id = mailbox_id or tenant_id
    present = await session.scalar(select(getattr(owner, field)).where(owner.id == owner_id))
    if present != template:
        return
    row = MailTemplateFaultRow
    await session.execute(
        insert(row)
        .values(owner_id=owner_id, field=field, tenant_id=tenant_id, mailbox_id=mailbox_id, sentence=sentence)
        .on_conflict_do_update(
            index_elements=[row.owner_id, row.field],
            set_={"sentence": sentence, "mails": row.mails + 1, "last_at": func.now()},
        )
    )


async def forget_faults(session: AsyncSession, owner_id: UUID, fields: Collection[str]) -> None:
    """Forget what was noted of templates that are changed."""
    await session.execute(
        delete(MailTemplateFaultRow).where(
            MailTemplateFaultRow.owner_id == owner_id, MailTemplateFaultRow.field.in_(fields)
        )
    )


async def faults(
    session: AsyncSession, tenant_id: UUID | None, *, mailbox_id: UUID | None = None
) -> list[WordsFault]:
    """Return the newest of a tenant, or of all; with `mailbox_id` those of one mailbox."""
    query: Select[MailTemplateFaultRow, str, str, str] = (
        select(MailTemplateFaultRow, TenantRow.name, MailboxRow.number, MailboxRow.display_name)
        .join(TenantRow, TenantRow.id == MailTemplateFaultRow.tenant_id)
        .outerjoin(MailboxRow, MailboxRow.id == MailTemplateFaultRow.mailbox_id)
        .where(MailboxRow.deleted_at.is_(None))
        .order_by(MailTemplateFaultRow.last_at.desc(), MailTemplateFaultRow.owner_id)
        .limit(_SHOWN)
    )
    if tenant_id is not None:
        query = query.where(MailTemplateFaultRow.tenant_id == tenant_id)
    if mailbox_id is not None:
        query = query.where(MailTemplateFaultRow.mailbox_id == mailbox_id)
    return [
        WordsFault(
            field=row.field,
            tenant_name=tenant,
            mailbox_number=number,
            mailbox_name=name,
            sentence=row.sentence,
            mails=row.mails,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row, tenant, number, name in await session.execute(query)
    ]


async def add_trial(
    session: AsyncSession, trial_id: UUID, owner: TrialOwner, *, recipient: str, by: str
) -> None:
    """Add a test mail that waits."""
    session.add(
        MailTrialRow(
            id=trial_id,
            mailbox_id=owner.mailbox_id,
            tenant_id=owner.tenant_id,
            recipient=recipient,
            made_by=by,
            error=None,
        )
    )
    await session.flush()


async def trial(session: AsyncSession, trial_id: UUID) -> MailTrial | None:
    """Return a test mail."""
    row = await session.get(MailTrialRow, trial_id)
    return None if row is None else _trial(row)


async def newest_trial(session: AsyncSession, owner: TrialOwner) -> MailTrial | None:
    """Return the newest test mail of a mailbox or a tenant."""
    row = await session.scalar(
        select(MailTrialRow)
        .filter_by(mailbox_id=owner.mailbox_id, tenant_id=owner.tenant_id)
        .order_by(MailTrialRow.made_at.desc())
        .limit(1)
    )
    return None if row is None else _trial(row)


async def record_trial(session: AsyncSession, trial_id: UUID, *, error: str | None) -> None:
    """Write down how a test mail ended."""
    await session.execute(
        update(MailTrialRow)
        .where(MailTrialRow.id == trial_id)
        .values(status="sent" if error is None else "failed", error=error)
    )


async def purge_trials(session: AsyncSession, *, before: datetime) -> None:
    """Forget test mails that were sent before a time."""
    await session.execute(delete(MailTrialRow).where(MailTrialRow.made_at < before))


def _trial(row: MailTrialRow) -> MailTrial:
    return MailTrial(
        id=row.id,
        owner=TrialOwner(mailbox_id=row.mailbox_id, tenant_id=row.tenant_id),
        recipient=row.recipient,
        made_at=row.made_at,
        status=row.status,
        error=row.error,
    )
