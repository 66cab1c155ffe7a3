"""Queries of rendering: what is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.tables import (
    ExtensionRow,
    FeatureCodeRow,
    MailboxRow,
    RoutingObjectRow,
    TenantRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredExtension:
    """What is rendered of an extension."""

    number: str
    display_name: str
    sip_a1_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredQueue:
    """What is rendered of a call queue."""

    id: UUID
    number: str
    settings: CallQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredTenant:
    """What is rendered of a tenant; `feature_codes` by code."""

    id: UUID
    name: str
    sip_domain: str
    language: str
    extensions: tuple[ConfiguredExtension, ...]
    feature_codes: tuple[tuple[str, str], ...]
    queues: tuple[ConfiguredQueue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredMailbox:
    """What is rendered of a mailbox, where it is; `languages` are the tags to try, the best first."""

    id: UUID
    tenant_id: UUID
    languages: tuple[str | None, ...]
    max_message_seconds: int


async def configured_tenants(session: AsyncSession) -> list[ConfiguredTenant]:
    """Return all tenants by name, with their extensions and call queues by number and their feature codes."""
    extensions: dict[UUID, list[ConfiguredExtension]] = {}
    # Tenants are read last: one that is missing then has no extensions, one that is there has all.
    for row in await session.scalars(select(ExtensionRow).order_by(ExtensionRow.number)):
        extensions.setdefault(row.tenant_id, []).append(
            ConfiguredExtension(number=row.number, display_name=row.display_name, sip_a1_hash=row.sip_a1_hash)
        )
    codes: dict[UUID, list[tuple[str, str]]] = {}
    for code in await session.scalars(
        select(FeatureCodeRow).where(FeatureCodeRow.enabled).order_by(FeatureCodeRow.code)
    ):
        codes.setdefault(code.tenant_id, []).append((code.code, code.feature))
    queues = await _queues(session)
    return [
        ConfiguredTenant(
            id=tenant.id,
            name=tenant.name,
            sip_domain=tenant.sip_domain,
            language=tenant.language,
            extensions=tuple(extensions.get(tenant.id, ())),
            feature_codes=tuple(codes.get(tenant.id, ())),
            queues=tuple(queues.get(tenant.id, ())),
        )
        for tenant in await session.scalars(select(TenantRow).order_by(TenantRow.name))
    ]


async def _queues(session: AsyncSession) -> dict[UUID, list[ConfiguredQueue]]:
    """Return the call queues of each tenant, by number."""
    rows = await session.scalars(
        select(RoutingObjectRow)
        .where(RoutingObjectRow.kind == RoutingKind.CALL_QUEUE.value)
        .order_by(RoutingObjectRow.number)
    )
    found: dict[UUID, list[ConfiguredQueue]] = {}
    for row in rows:
        settings = cast("CallQueue", settings_from(RoutingKind.CALL_QUEUE, row.settings))
        found.setdefault(row.tenant_id, []).append(
            ConfiguredQueue(id=row.id, number=row.number or "", settings=settings)
        )
    return found


async def configured_mailboxes(session: AsyncSession) -> list[ConfiguredMailbox]:
    """Return all mailboxes that are not deleted, by tenant and id."""
    rows = await session.execute(
        select(
            MailboxRow.id,
            MailboxRow.tenant_id,
            MailboxRow.language,
            TenantRow.language,
            MailboxRow.max_message_seconds,
        )
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.deleted_at.is_(None))
        .order_by(MailboxRow.tenant_id, MailboxRow.id)
    )
    return [
        ConfiguredMailbox(id=row[0], tenant_id=row[1], languages=(row[2], row[3]), max_message_seconds=row[4])
        for row in rows
    ]


async def tenant_ids(session: AsyncSession) -> list[UUID]:
    """Return the ids of all tenants."""
    return list(await session.scalars(select(TenantRow.id)))
