"""Queries of rendering: what is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.plan import PlanContext, rule_tokens
from controlplane.domain.routing.trunk import Trunk
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.routing.plans import plan_contexts
from controlplane.storage.tables import (
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
class ConfiguredTrunk:
    """A trunk that is enabled."""

    id: UUID
    name: str
    settings: Trunk


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredRule:
    """An inbound rule that is enabled. `trunk` is a name; `hours` None is always open; tokens as in plans."""

    settings: InboundRule
    hours: UUID | None
    destinations: tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredTenant:
    """What is rendered of a tenant; `feature_codes` by code, `rules` in the order in which they are asked.

    Its extensions may be many, and are streamed: see `published_tenants.published_extensions`.
    """

    id: UUID
    name: str
    sip_domain: str
    language: str
    feature_codes: tuple[tuple[str, str], ...]
    queues: tuple[ConfiguredQueue, ...] = ()
    trunks: tuple[ConfiguredTrunk, ...] = ()
    rules: tuple[ConfiguredRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredMailbox:
    """What is rendered of a mailbox, where it is; `languages` are the tags to try, the best first."""

    id: UUID
    tenant_id: UUID
    languages: tuple[str | None, ...]
    max_message_seconds: int


async def configured_tenants(session: AsyncSession) -> list[ConfiguredTenant]:
    """Return all tenants by name, with their call queues by number and their feature codes."""
    # Tenants are read last: what belongs to one that is missing then is not needed.
    codes: dict[UUID, list[tuple[str, str]]] = {}
    for code in await session.scalars(
        select(FeatureCodeRow).where(FeatureCodeRow.enabled).order_by(FeatureCodeRow.code)
    ):
        codes.setdefault(code.tenant_id, []).append((code.code, code.feature))
    queues = await _queues(session)
    trunks = await _trunks(session)
    rules = await _rules(session)
    return [
        ConfiguredTenant(
            id=tenant.id,
            name=tenant.name,
            sip_domain=tenant.sip_domain,
            language=tenant.language,
            feature_codes=tuple(codes.get(tenant.id, ())),
            queues=tuple(queues.get(tenant.id, ())),
            trunks=tuple(trunks.get(tenant.id, ())),
            rules=tuple(rules.get(tenant.id, ())),
        )
        for tenant in await session.scalars(select(TenantRow).order_by(TenantRow.name))
    ]


async def _trunks(session: AsyncSession) -> dict[UUID, list[ConfiguredTrunk]]:
    """Return the enabled trunks of each tenant, by name."""
    found: dict[UUID, list[ConfiguredTrunk]] = {}
    for row in await session.scalars(_of_kind(RoutingKind.TRUNK)):
        settings = cast("Trunk", settings_from(RoutingKind.TRUNK, row.settings))
        if settings.enabled:
            found.setdefault(row.tenant_id, []).append(
                ConfiguredTrunk(id=row.id, name=row.name, settings=settings)
            )
    return found


async def _rules(session: AsyncSession) -> dict[UUID, list[ConfiguredRule]]:
    """Return the enabled inbound rules of each tenant, by priority and name."""
    ordered: list[tuple[int, UUID, InboundRule]] = []
    for row in await session.scalars(_of_kind(RoutingKind.INBOUND_RULE)):
        settings = cast("InboundRule", settings_from(RoutingKind.INBOUND_RULE, row.settings))
        if settings.enabled:
            ordered.append((settings.priority, row.tenant_id, settings))
    contexts = await plan_contexts(session) if ordered else {}
    found: dict[UUID, list[ConfiguredRule]] = {}
    # By name they are already, and those of one priority stay so.
    for _, tenant_id, settings in sorted(ordered, key=lambda one: one[0]):
        context = contexts.get(tenant_id, PlanContext(hours=lambda _: None, voicemail_of=lambda _: None))
        found.setdefault(tenant_id, []).append(
            ConfiguredRule(
                settings=settings,
                hours=context.hours(settings.office_hours),
                destinations=rule_tokens(settings.destination, context),
            )
        )
    return found


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


def _of_kind(kind: RoutingKind) -> Select[RoutingObjectRow]:
    return (
        select(RoutingObjectRow)
        .where(RoutingObjectRow.kind == kind.value)
        .order_by(RoutingObjectRow.name.collate("C"))
    )


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
