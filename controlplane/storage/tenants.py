"""Queries about tenants and their feature codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.numbers import Feature
from controlplane.domain.tenant import Tenant
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.tables import (
    ExtensionRow,
    FeatureCodeRow,
    MailboxRow,
    MessageRow,
    RoutingObjectRow,
    TenantRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantObjects:
    """What a tenant holds; `messages` counts those of deleted mailboxes too."""

    mailboxes: int
    extensions: int
    messages: int
    routing: Mapping[str, int]
    """How many there are of each kind that routes calls, but for kinds that it has none of."""


def tenant_values(row: TenantRow) -> Tenant:
    """Return the domain's tenant."""
    return Tenant(
        id=row.id,
        name=row.name,
        sip_domain=row.sip_domain,
        language=row.language,
        time_zone=row.time_zone,
        retain_days=row.retain_days,
        trash_days=row.trash_days,
        max_messages=row.max_messages,
        max_total_seconds=row.max_total_seconds,
        email_subject=row.email_subject,
        email_introduction=row.email_introduction,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def insert(session: AsyncSession, row: TenantRow, *, feature_codes: Mapping[str, Feature]) -> None:
    """Add a tenant with its feature codes; raises IntegrityError at once."""
    session.add(row)
    await session.flush()
    session.add_all(
        FeatureCodeRow(tenant_id=row.id, code=code, feature=feature.value)
        for code, feature in feature_codes.items()
    )
    await session.flush()
    await session.refresh(row)


async def by_name(session: AsyncSession, name: str, *, lock: bool = False) -> TenantRow | None:
    """Return the tenant of this name; with `lock` nobody else changes it until the commit."""
    query = select(TenantRow).where(TenantRow.name == name)
    return await session.scalar(query.with_for_update() if lock else query)


async def get(session: AsyncSession, tenant_id: UUID, *, lock: bool = False) -> TenantRow | None:
    """Return a tenant by its id; with `lock` nobody else changes it until the commit."""
    query = select(TenantRow).where(TenantRow.id == tenant_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def page(session: AsyncSession, *, q: str | None, limit: int, after: str | None) -> Page[Tenant]:
    """List tenants by name; `q` is part of the name or of the SIP domain."""
    key = TenantRow.name.collate("C")
    query = select(TenantRow).order_by(key).limit(limit + 1)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(or_(contains(TenantRow.name, q), contains(TenantRow.sip_domain, q)))
    return cut([tenant_values(row) for row in await session.scalars(query)], limit)


async def update_values(session: AsyncSession, tenant_id: UUID, values: Mapping[str, Any]) -> TenantRow:
    """Set columns by name, count the version up, and return the row as it is then."""
    return (
        await session.scalars(
            update(TenantRow)
            .where(TenantRow.id == tenant_id)
            .values(**values, version=TenantRow.version + 1, updated_at=func.clock_timestamp())
            .returning(TenantRow)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
    ).one()


async def objects(session: AsyncSession, tenant_id: UUID) -> TenantObjects:
    """Count what a tenant holds."""
    mailboxes = select(func.count()).where(MailboxRow.tenant_id == tenant_id, MailboxRow.deleted_at.is_(None))
    extensions = select(func.count()).where(ExtensionRow.tenant_id == tenant_id)
    messages = select(func.count()).where(MessageRow.tenant_id == tenant_id)
    row = (
        await session.execute(
            select(mailboxes.scalar_subquery(), extensions.scalar_subquery(), messages.scalar_subquery())
        )
    ).one()
    routing = await session.execute(
        select(RoutingObjectRow.kind, func.count())
        .where(RoutingObjectRow.tenant_id == tenant_id)
        .group_by(RoutingObjectRow.kind)
        .order_by(RoutingObjectRow.kind)
    )
    return TenantObjects(mailboxes=row[0], extensions=row[1], messages=row[2], routing=dict(routing.all()))


async def remove(session: AsyncSession, tenant_id: UUID) -> None:
    """Remove a tenant with the rows of its deleted mailboxes that no message refers to.

    Its tokens and feature codes go with it. Raises IntegrityError if an object was made meanwhile.
    """
    await session.execute(
        delete(MailboxRow)
        .where(
            MailboxRow.tenant_id == tenant_id,
            MailboxRow.deleted_at.is_not(None),
            ~exists().where(MessageRow.mailbox_id == MailboxRow.id),
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        delete(TenantRow).where(TenantRow.id == tenant_id).execution_options(synchronize_session=False)
    )


async def mailboxes_in_its_language(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    """List the mailboxes that have no language of their own."""
    return list(
        await session.scalars(
            select(MailboxRow.id).where(
                MailboxRow.tenant_id == tenant_id,
                MailboxRow.language.is_(None),
                MailboxRow.deleted_at.is_(None),
            )
        )
    )
