"""What is rendered: of a tenant that publishes by hand its copy, of any other what the tables say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.plan import rule_tokens
from controlplane.domain.routing.trunk import Trunk
from controlplane.storage.configuration import (
    ConfiguredExtension,
    ConfiguredMailbox,
    ConfiguredQueue,
    ConfiguredRule,
    ConfiguredTenant,
    ConfiguredTrunk,
    configured_mailboxes,
    configured_tenants,
)
from controlplane.storage.published_objects import EXTENSION, FEATURE_CODE, MAILBOX, TENANT
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.routing.published_plans import plan_context_of, routing_settings
from controlplane.storage.tables import ExtensionRow, PublishingModeRow
from controlplane.storage.tables import PublishedObjectRow as Row

# Office hours, because rules name them.
_RENDERED = (
    *(TENANT, FEATURE_CODE),
    *(RoutingKind.CALL_QUEUE.value, RoutingKind.TRUNK.value, RoutingKind.INBOUND_RULE.value),
    RoutingKind.OFFICE_HOURS.value,
)

# Which copy of a tenant is rendered.
_NEWEST: Final = case((PublishingModeRow.next_changes.is_(None), False), else_=True)
_AT_ONCE: Final = 500


async def at_one_moment(session: AsyncSession) -> None:
    """Have all that a transaction reads be what the database says at its first look; call this first."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


async def published_or_current(
    session: AsyncSession, *, current: Collection[UUID] = ()
) -> list[ConfiguredTenant]:
    """Return all tenants by name as they are to be rendered; those in `current` as the tables say.

    A copy that is being published goes before the one that is.
    """
    # The tables first: who begins to publish by hand in between is read from a copy, without later changes.
    tenants = await configured_tenants(session)
    copies = await _copies(session, _RENDERED, current)
    made = [_tenant(tenant_id, rows) for tenant_id, rows in copies.items() if rows]
    kept = [tenant for tenant in tenants if tenant.id not in copies]
    names = {tenant.id: place for place, tenant in enumerate(tenants)}
    return sorted((*kept, *made), key=lambda tenant: names.get(tenant.id, len(names)))


async def published_extensions(
    session: AsyncSession, *, current: Collection[UUID] = ()
) -> AsyncIterator[tuple[UUID, ConfiguredExtension]]:
    """Give the extensions of all tenants likewise, each with the id of its tenant, some hundred at a time.

    Those of a tenant come together, by their places (`rendering.pieces.place_of`).
    """
    copied = select(PublishingModeRow.tenant_id).where(_copied(current))
    now = select(
        ExtensionRow.tenant_id, ExtensionRow.number, ExtensionRow.display_name, ExtensionRow.sip_a1_hash
    ).where(ExtensionRow.tenant_id.not_in(copied))
    copies = (
        select(Row.tenant_id, Row.number, Row.name, Row.settings["sip_a1_hash"].astext)
        .join(PublishingModeRow, PublishingModeRow.tenant_id == Row.tenant_id)
        .where(_copied(current), Row.is_next == _NEWEST, Row.kind == EXTENSION)
    )
    both = now.union_all(copies).subquery()
    tenant_id, number, _, _ = both.c
    rows = await session.stream(
        select(both)
        .order_by(tenant_id, func.sha256(func.convert_to(number, "UTF8")))
        .execution_options(yield_per=_AT_ONCE)
    )
    async for some in rows.partitions():
        for of_tenant, extension, display_name, a1_hash in some:
            yield (
                of_tenant,
                ConfiguredExtension(number=extension, display_name=display_name, sip_a1_hash=a1_hash),
            )


async def published_mailboxes(
    session: AsyncSession, *, current: Collection[UUID] = ()
) -> list[ConfiguredMailbox]:
    """Return all mailboxes that are to be rendered, by tenant and id, likewise.

    What is set of one that is still there follows at once: only which there are waits.
    """
    boxes = await configured_mailboxes(session)
    copies = await _copies(session, [MAILBOX], current)
    now = {box.id: box for box in boxes}
    kept = [box for box in boxes if box.tenant_id not in copies]
    made = [now.get(UUID(row.key)) or _deleted(row) for found in copies.values() for row in found]
    return sorted((*kept, *made), key=lambda box: (box.tenant_id, box.id))


def _deleted(row: Row) -> ConfiguredMailbox:
    return ConfiguredMailbox(
        id=UUID(row.key),
        tenant_id=row.tenant_id,
        languages=(row.settings["language"],),
        max_message_seconds=row.settings["max_message_seconds"],
    )


def _copied(current: Collection[UUID]) -> ColumnElement[bool]:
    """Say of a tenant's mode that it is rendered from a copy."""
    return and_(
        PublishingModeRow.mode == Mode.MANUAL.value,
        PublishingModeRow.copied_at.is_not(None),
        PublishingModeRow.tenant_id.not_in(current),
    )


async def _copies(
    session: AsyncSession, kinds: Sequence[str], current: Collection[UUID]
) -> dict[UUID, list[Row]]:
    """Return the copies of these kinds of object, by tenant; an empty one is of a tenant never published."""
    query = (
        select(PublishingModeRow.tenant_id, Row)
        .outerjoin(
            Row,
            (Row.tenant_id == PublishingModeRow.tenant_id) & (Row.is_next == _NEWEST) & Row.kind.in_(kinds),
        )
        .where(_copied(current))
        # In the orders of the tables' queries: the same objects are to be rendered as the same text.
        .order_by(
            PublishingModeRow.tenant_id,
            Row.kind,
            Row.number,
            case((Row.kind == FEATURE_CODE, Row.key)),
            Row.name.collate("C"),
        )
    )
    found: dict[UUID, list[Row]] = {}
    for tenant_id, row in await session.execute(query):
        rows = found.setdefault(tenant_id, [])
        if row is not None:
            rows.append(row)
    return found


def _tenant(tenant_id: UUID, rows: Sequence[Row]) -> ConfiguredTenant:
    of_kind: dict[str, list[Row]] = {}
    for row in rows:
        of_kind.setdefault(row.kind, []).append(row)
    (tenant,) = of_kind[TENANT]
    return ConfiguredTenant(
        id=tenant_id,
        name=tenant.name,
        sip_domain=tenant.settings["sip_domain"],
        language=tenant.settings["language"],
        feature_codes=tuple((row.key, row.name) for row in of_kind.get(FEATURE_CODE, ())),
        queues=tuple(
            ConfiguredQueue(id=UUID(row.key), number=row.number or "", settings=cast("CallQueue", settings))
            for row, settings in _settings(of_kind, RoutingKind.CALL_QUEUE)
        ),
        trunks=tuple(
            ConfiguredTrunk(id=UUID(row.key), name=row.name, settings=settings)
            for row, settings in _settings(of_kind, RoutingKind.TRUNK)
            if isinstance(settings, Trunk) and settings.enabled
        ),
        rules=_rules(of_kind),
    )


def _rules(of_kind: Mapping[str, Sequence[Row]]) -> tuple[ConfiguredRule, ...]:
    """Return the enabled inbound rules, by priority and name."""
    rules = [
        settings
        for _, settings in _settings(of_kind, RoutingKind.INBOUND_RULE)
        if isinstance(settings, InboundRule) and settings.enabled
    ]
    context = plan_context_of([row for rows in of_kind.values() for row in rows])
    return tuple(
        ConfiguredRule(
            settings=rule,
            hours=context.hours(rule.office_hours),
            destinations=rule_tokens(rule.destination, context),
        )
        for rule in sorted(rules, key=lambda rule: rule.priority)
    )


def _settings(of_kind: Mapping[str, Sequence[Row]], kind: RoutingKind) -> list[tuple[Row, Any]]:
    return [(row, settings_from(kind, routing_settings(row))) for row in of_kind.get(kind.value, ())]
