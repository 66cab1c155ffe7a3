"""Queries of what is written into route files and the files of office hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.destination import DestinationAction, destinations_in
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.domain.routing.plan import PlanContext, Routed, plan_of
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.tables import ExtensionRow, NumberRow, QueueAgentRow, RoutingObjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The kind and the id of the object that has a number, and its lines (`domain.routing.plan`)."""

    kind: str
    object_id: UUID
    plan: tuple[str, ...] = ()


async def owners(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str] | None = None
) -> dict[str, Owner]:
    """Return who owns these numbers of a tenant, all of them for None; a free number is left out."""
    query = (
        select(
            NumberRow.number,
            NumberRow.kind,
            NumberRow.object_id,
            ExtensionRow.rules,
            RoutingObjectRow.settings,
        )
        .outerjoin(ExtensionRow, ExtensionRow.id == NumberRow.object_id)
        .outerjoin(RoutingObjectRow, RoutingObjectRow.id == NumberRow.object_id)
        .where(NumberRow.tenant_id == tenant_id)
    )
    if numbers is not None:
        query = query.where(NumberRow.number.in_(numbers))
    found: dict[str, Owner] = {}
    routed: dict[str, Routed] = {}
    for number, kind, object_id, rules, settings in await session.execute(query):
        found[number] = Owner(kind=kind, object_id=object_id)
        if rules:
            routed[number] = rules_from(rules)
        elif settings is not None:
            routed[number] = cast("Routed", settings_from(RoutingKind(kind), settings))
    if not routed:
        # Mailboxes, extensions without rules: most changes are of such, and need no more.
        return found
    voicemails = None if numbers is None else _voicemails(routed)
    context = (await plan_contexts(session, tenant_id, voicemails=voicemails))[tenant_id]
    for number, one in routed.items():
        found[number] = replace(found[number], plan=plan_of(one, context, number=number))
    return found


def _voicemails(routed: Mapping[str, Routed]) -> set[str]:
    """Return the extensions into whose own mailboxes these objects send calls."""
    return {
        destination.number or number
        for number, one in routed.items()
        for _, destination in destinations_in(one)
        if destination.action is DestinationAction.FORWARD_TO_VOICEMAIL
    }


async def plan_context(session: AsyncSession, tenant_id: UUID) -> PlanContext:
    """Read the schedules of a tenant, the mailboxes of its extensions, and who is logged out of queues."""
    return (await plan_contexts(session, tenant_id))[tenant_id]


async def plan_contexts(
    session: AsyncSession, tenant_id: UUID | None = None, *, voicemails: Collection[str] | None = None
) -> dict[UUID, PlanContext]:
    """Read the same of all tenants that have any, or of one; with `voicemails`, of these extensions alone."""
    mailbox = ExtensionRow.rules["mailbox"].astext
    named = select(RoutingObjectRow.tenant_id, RoutingObjectRow.name, RoutingObjectRow.id).where(
        RoutingObjectRow.kind == RoutingKind.OFFICE_HOURS.value
    )
    owning = select(ExtensionRow.tenant_id, ExtensionRow.number, mailbox).where(mailbox.is_not(None))
    absent = (
        select(RoutingObjectRow.tenant_id, RoutingObjectRow.number, QueueAgentRow.number)
        .join(QueueAgentRow, QueueAgentRow.queue_id == RoutingObjectRow.id)
        .where(QueueAgentRow.logged_in.is_(False))
    )
    if tenant_id is not None:
        named = named.where(RoutingObjectRow.tenant_id == tenant_id)
        owning = owning.where(ExtensionRow.tenant_id == tenant_id)
        absent = absent.where(RoutingObjectRow.tenant_id == tenant_id)
    if voicemails is not None:
        owning = owning.where(ExtensionRow.number.in_(voicemails))
    hours: dict[UUID, dict[str, UUID]] = {} if tenant_id is None else {tenant_id: {}}
    for tenant, name, schedule in await session.execute(named):
        hours.setdefault(tenant, {})[name] = schedule
    owned: dict[UUID, dict[str, str]] = {}
    for tenant, number, owns in await session.execute(owning):
        owned.setdefault(tenant, {})[number] = owns
    out: dict[UUID, dict[str, set[str]]] = {}
    for tenant, queue, agent in await session.execute(absent):
        out.setdefault(tenant, {}).setdefault(queue or "", set()).add(agent)
    return {
        tenant: _plan_context(hours.get(tenant, {}), owned.get(tenant, {}), out.get(tenant, {}))
        for tenant in {*hours, *owned, *out}
    }


def _plan_context(
    hours: Mapping[str, UUID], owned: Mapping[str, str], out: Mapping[str, Collection[str]]
) -> PlanContext:
    return PlanContext(
        hours=lambda name: hours.get(name or TENANT_HOURS),
        voicemail_of=owned.get,
        logged_out=lambda queue: out.get(queue, ()),
    )


async def schedules(session: AsyncSession, ids: Collection[UUID] | None = None) -> dict[UUID, OfficeHours]:
    """Return office hours of all tenants, or those with these ids."""
    query = select(RoutingObjectRow.id, RoutingObjectRow.settings).where(
        RoutingObjectRow.kind == RoutingKind.OFFICE_HOURS.value
    )
    if ids is not None:
        query = query.where(RoutingObjectRow.id.in_(ids))
    return {
        object_id: cast("OfficeHours", settings_from(RoutingKind.OFFICE_HOURS, settings))
        for object_id, settings in await session.execute(query)
    }


async def schedule_ids(session: AsyncSession) -> list[UUID]:
    """Return the ids of the office hours of all tenants, in order."""
    query = select(RoutingObjectRow.id).where(RoutingObjectRow.kind == RoutingKind.OFFICE_HOURS.value)
    return list(await session.scalars(query.order_by(RoutingObjectRow.id)))


async def has_rule_without_hours(session: AsyncSession, tenant_id: UUID) -> bool:
    """Say whether an inbound rule, which is rendered, names no office hours and so has the tenant's."""
    named = RoutingObjectRow.settings["office_hours"].astext
    found = await session.scalar(
        select(RoutingObjectRow.id)
        .where(
            RoutingObjectRow.tenant_id == tenant_id,
            RoutingObjectRow.kind == RoutingKind.INBOUND_RULE.value,
            named.is_(None),
        )
        .limit(1)
    )
    return found is not None


async def numbers_using(session: AsyncSession, tenant_id: UUID, hours: str) -> list[str]:
    """Return the numbers whose plans depend on office hours; on the tenant's do those that name none."""
    named = RoutingObjectRow.settings["office_hours"].astext
    ruled = ExtensionRow.rules["office_hours"].astext
    fits = [named == hours], [ruled == hours]
    if hours == TENANT_HOURS:
        fits[0].append(named.is_(None))
        fits[1].append(ruled.is_(None))
    found = await session.scalars(
        select(RoutingObjectRow.number)
        .where(RoutingObjectRow.tenant_id == tenant_id, RoutingObjectRow.number.is_not(None), or_(*fits[0]))
        .union(
            select(ExtensionRow.number).where(
                ExtensionRow.tenant_id == tenant_id, ExtensionRow.rules != {}, or_(*fits[1])
            )
        )
    )
    return [number for number in found if number is not None]
